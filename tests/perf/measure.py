"""Timing side by side: numbers are taken several times, in turn with a rival's, and shown with a spread."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

__all__ = ["HEAD", "RUNS", "Row", "alone", "beside", "lines"]

RUNS = 5
"""Times that each number is taken, at least, unless only a quick look is wanted."""

Measure = Callable[[], float]

HEAD = ("what", "ours", "rival", "rival's", "ratio: min, median, max", "budget", "")


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    unit: str
    ours: tuple[float, ...]
    """In the order in which they were taken, as ``theirs``: a ratio is that of a pair."""
    rival: str = ""
    theirs: tuple[float, ...] = ()
    most: float | None = None
    """What the median of ``ours`` may be."""
    least: float | None = None
    """What the median of ``ours`` has to be."""
    least_ratio: float | None = None
    """What the median ratio has to be."""

    @property
    def ratios(self) -> tuple[float, ...]:
        """The rival's number over ours, pair by pair: how many times faster, where they are times."""
        return (
            tuple(their / our for our, their in zip(self.ours, self.theirs, strict=True))
            if self.rival
            else ()
        )

    @property
    def kept(self) -> bool | None:
        """Whether it is within its budget; None where it has none."""
        value = statistics.median(self.ours)
        found = [
            None if self.most is None else value <= self.most,
            None if self.least is None else value >= self.least,
            None if self.least_ratio is None else statistics.median(self.ratios) >= self.least_ratio,
        ]
        said = [one for one in found if one is not None]
        return all(said) if said else None

    def cells(self) -> tuple[str, ...]:
        """What stands in the columns of ``HEAD``."""
        budgets = [
            None if self.most is None else f"≤ {self.most:g} {self.unit}",
            None if self.least is None else f"≥ {self.least:g} {self.unit}",
            None if self.least_ratio is None else f"≥ {self.least_ratio:g} ×",
        ]
        kept = {True: "kept", False: "MISSED", None: ""}[self.kept]
        return (
            self.what,
            f"{_spread(self.ours)} {self.unit}",
            self.rival,
            f"{_spread(self.theirs)} {self.unit}" if self.rival else "",
            _spread(self.ratios) if self.rival else "",
            ", ".join(budget for budget in budgets if budget),
            kept,
        )


def alone(
    what: str,
    measure: Measure,
    *,
    runs: int = RUNS,
    unit: str = "ms",
    most: float | None = None,
    least: float | None = None,
    warm: bool = True,
) -> Row:
    """What ``measure`` returns, ``runs`` times; with ``warm`` after one that does not count."""
    if warm:
        measure()
    return Row(what, unit, tuple(measure() for _ in range(runs)), most=most, least=least)


def beside(
    what: str,
    ours: Measure,
    rival: str,
    theirs: Measure,
    *,
    runs: int = RUNS,
    unit: str = "ms",
    most: float | None = None,
    least_ratio: float | None = None,
    warm: bool = True,
) -> Row:
    """What both return, in turn, so that a machine that slows down slows both.

    With ``warm`` after one of each that does not count.
    """
    if warm:
        ours(), theirs()
    pairs = [(ours(), theirs()) for _ in range(runs)]
    mine, other = zip(*pairs, strict=True)
    return Row(what, unit, mine, rival, other, most=most, least_ratio=least_ratio)


def lines(rows: Iterable[Sequence[str]]) -> Iterable[str]:
    """A table in Markdown, one line at a time: the first has the names of the columns."""
    for number, row in enumerate(rows):
        yield f"| {' | '.join(row)} |"
        if number == 0:
            yield f"|{'---|' * len(row)}"


def _spread(values: Sequence[float]) -> str:
    """Minimum, median and maximum; of one value, itself."""
    if len(values) == 1:
        return f"{values[0]:.3g}"
    return " ".join(f"{value:.3g}" for value in (min(values), statistics.median(values), max(values)))
