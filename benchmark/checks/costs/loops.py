"""How many lines of Python a piece of code runs through: exact, whatever else the machine does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from benchmark.execute.counting import Counter

__all__ = ["Effort", "effort"]


@dataclass(frozen=True)
class Effort:
    """What a call takes besides arithmetic."""

    lines: int
    """Of Python, in the component and in whatever it calls; a loop's line counts every time."""
    calls: int
    """Of operators."""

    def growth(self, smaller: Effort) -> float:
        """How many times as much it is, in lines or in calls."""
        return max(self.lines / max(1, smaller.lines), self.calls / max(1, smaller.calls))


def effort(run: Callable[[], object], times: Callable[[], int] = lambda: 1) -> Effort:
    """The effort of ``run``, which is called twice: once for the lines and once for the operators.

    ``times`` counts, if given, how often it has done the same thing over so far: what is told is of one.
    """
    before = times()
    with _lines() as lines:
        run()
    between = times()
    with Counter() as counter:
        run()
    first, second = max(1, between - before), max(1, times() - between)
    return Effort(lines[0] // first, counter.calls // second)


@contextmanager
def _lines() -> Iterator[list[int]]:
    """The number of lines that the ``with`` block ran through, once it is over."""
    count, before = [0], sys.gettrace()

    def trace(_frame: FrameType, event: str, _argument: Any) -> Any:
        count[0] += event == "line"
        return trace

    sys.settrace(trace)
    try:
        yield count
    finally:
        sys.settrace(before)
