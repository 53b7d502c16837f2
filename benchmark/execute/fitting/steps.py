"""What the steps of a training consist of, where somebody asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from benchmark.execute.counting import Counter
from benchmark.execute.profile import part, phase, steps_booked, tally

__all__ = ["Steps"]

_NOTHING = nullcontext()


@dataclass
class Steps:
    """The steps of one training: the first is counted, and the others are timed, part by part.

    Counting makes a step slow, so that its time is no part's.
    """

    _rows: int = 0
    _flop: int = 0
    _calls: int = 0

    def taken(self, n_rows: int) -> AbstractContextManager[None]:
        """A ``with`` block for a step on so many rows; where nobody asks, nothing at all."""
        if not steps_booked():
            return _NOTHING
        if not self._rows:
            return self._counted(n_rows)
        tally(rows=n_rows, flop=self._flop * n_rows / self._rows, calls=self._calls)
        return part("step")

    @contextmanager
    def _counted(self, n_rows: int) -> Iterator[None]:
        with phase("count"), Counter() as counter:
            yield
        self._rows, self._flop, self._calls = n_rows, counter.flop, counter.calls
