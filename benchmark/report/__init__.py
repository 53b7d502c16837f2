"""What people look at: figures, tables, the page and the terminal's table. Frames in, files out."""

from __future__ import annotations

from benchmark.report.files import write
from benchmark.report.terminal import terminal_table

__all__ = ["terminal_table", "write"]
