"""What people look at: figures, tables, the page and the terminal's table. Frames in, files out.

Matplotlib is slow to import, so nothing is imported before it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchmark.lazy import on_demand

if TYPE_CHECKING:
    from benchmark.report.about import About, about_study
    from benchmark.report.files import write
    from benchmark.report.terminal import terminal_table

__all__ = ["About", "about_study", "terminal_table", "write"]

_HOMES: Mapping[str, str] = {
    "About": "benchmark.report.about",
    "about_study": "benchmark.report.about",
    "terminal_table": "benchmark.report.terminal",
    "write": "benchmark.report.files",
}
"""The module of every public name."""

__getattr__ = on_demand(__name__, _HOMES)
