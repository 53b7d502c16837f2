"""A task's arrays: where they come from, what types they have, and the fingerprint that stands for them."""

from __future__ import annotations

from benchmark.data.load import describe, load
from benchmark.data.table import TaskData

__all__ = ["TaskData", "describe", "load"]
