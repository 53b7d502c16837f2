"""What people look at: figures, tables, the page and the terminal's table. Frames in, files out.

Matplotlib is slow to import, so nothing is imported before it is used.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.report.about import About, about_study
    from benchmark.report.files import write
    from benchmark.report.terminal import terminal_table

__all__ = ["About", "about_study", "terminal_table", "write"]

_HOMES: Mapping[str, str] = {
    "About": "about",
    "about_study": "about",
    "terminal_table": "terminal",
    "write": "files",
}
"""The module of every public name."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'benchmark.report' has no attribute '{name}'")
    return getattr(importlib.import_module(f"benchmark.report.{_HOMES[name]}"), name)
