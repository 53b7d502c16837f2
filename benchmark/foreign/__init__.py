"""Somebody else's table of results: from a file to the columns that the judge reads."""

from __future__ import annotations

from benchmark.foreign.columns import Asked, Layout
from benchmark.foreign.missing import MISSING, Completed, complete
from benchmark.foreign.table import Foreign, method_of, read, read_table, told

__all__ = [
    "MISSING",
    "Asked",
    "Completed",
    "Foreign",
    "Layout",
    "complete",
    "method_of",
    "read",
    "read_table",
    "told",
]
