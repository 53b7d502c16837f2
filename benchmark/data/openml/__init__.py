"""OpenML's tasks and suites: downloaded once through OpenML's own client, then read offline.

A task's files are looked for in two folders of the client's layout: Swapbench's own (``openml`` in its
cache), where downloads go, and the user's (``OPENML_CACHE_DIR``, else the client's default), which is only
read.
``SWAPBENCH_OPENML_SERVER`` names another address than ``https://www.openml.org/api/v1/xml``: a mirror's.
"""

from __future__ import annotations

from benchmark.data.openml.download import fetch, stamp
from benchmark.data.openml.suites import members
from benchmark.data.openml.table import read

__all__ = ["fetch", "members", "read", "stamp"]
