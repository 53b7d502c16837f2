"""What a test part shares with the rows that a model was trained or selected on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmark.spec import Split, SplitBasis

__all__ = ["KINDS", "Leak", "leaks"]

Rows = npt.NDArray[np.int64]

KINDS = {
    "identical": "have the same inputs as a training or validation row",
    "group": "belong to a group that training or validation rows belong to",
    "time": "are not later than all training and validation rows",
}
"""Every kind of leak: what is true of the test rows in question."""


@dataclass(frozen=True, slots=True)
class Leak:
    """Test rows that are not as new as they should be, over all splits of a task."""

    kind: str
    """One of KINDS."""
    rows: int
    """In the split where their share is largest."""
    of: int
    """Test rows of that split."""
    share: float
    """Of the test rows of all splits together."""

    def __str__(self) -> str:
        """One line, for people."""
        worst = f"{self.rows} of {self.of} test rows of the worst split"
        return f"{worst} ({self.share:.1%} over all splits) {KINDS[self.kind]}"


def leaks(splits: Sequence[Split], basis: SplitBasis) -> tuple[Leak, ...]:
    """The leaks of a task's splits, in the order of KINDS; empty where there are none.

    Rows are judged by :attr:`SplitBasis.rows`, groups and time; splits are reported, never changed.
    """
    found = {"identical": list(_both_sides(splits, basis.rows))}
    if basis.groups is not None:
        found["group"] = list(_both_sides(splits, basis.groups))
    if basis.time is not None:
        found["time"] = list(_not_later(splits, basis.time))
    tested = [len(split.test) for split in splits]
    return tuple(_leak(kind, counts, tested) for kind, counts in found.items() if any(counts))


def _both_sides(splits: Sequence[Split], labels: Rows) -> Iterator[int]:
    """By split: test rows whose label a training or validation row has too."""
    known, codes = np.unique(labels, return_inverse=True)
    seen = np.zeros(len(known), bool)
    for split in splits:
        seen[:] = False
        seen[codes[split.train]] = True
        seen[codes[split.validation]] = True
        yield int(np.count_nonzero(seen[codes[split.test]]))


def _not_later(splits: Sequence[Split], time: Rows) -> Iterator[int]:
    for split in splits:
        last = max(time[split.train].max(), time[split.validation].max())
        yield int(np.count_nonzero(time[split.test] <= last))


def _leak(kind: str, counts: Sequence[int], tested: Sequence[int]) -> Leak:
    worst = max(range(len(counts)), key=lambda split: counts[split] / tested[split])
    return Leak(kind, counts[worst], tested[worst], sum(counts) / sum(tested))
