"""How rows are shared out: by class, by group, by time. The same on every machine.

Raw output of a bit generator is the one part of numpy's randomness that is the same in every version, so
nothing else is drawn here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Times", "dealt_by_class", "dealt_by_group", "held_back", "latest", "times_of"]

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def dealt_by_class(codes: Rows, folds: int, stream: np.random.PCG64) -> Rows:
    """The fold of every row ``(n_rows,)``: folds are level within a row, and so is each class in them."""
    fold_of = np.empty(len(codes), np.int64)
    # Neighbours in this order go to different folds: each class and the whole are level within a row.
    fold_of[_by_class(codes, stream)] = np.arange(len(codes)) % folds
    return fold_of


def held_back(codes: Rows, share: float, stream: np.random.PCG64) -> Mask:
    """Mask ``(n_rows,)`` of a share of the rows, rounded up, taken from every class.

    A class keeps a row outside first, then gets one inside where the sizes allow.
    """
    _, codes, counts = np.unique(codes, return_inverse=True, return_counts=True)
    quota = np.minimum(np.floor(share * counts).astype(np.int64), counts - 1)
    missing = min(int(np.ceil(share * len(codes))), len(codes) - 1) - int(quota.sum())
    # One more row each for the first classes in line: those that leave a row outside come before
    # those that do not, those without any row inside before the others, then by largest remainder.
    line = np.lexsort((quota - share * counts, quota > 0, quota + 1 >= counts))
    quota[line[:missing]] += 1
    order = _by_class(codes, stream)
    rank = np.arange(len(codes)) - np.repeat(np.cumsum(counts) - counts, counts)
    held = np.zeros(len(codes), bool)
    held[order] = rank < np.repeat(quota, counts)
    return held


def dealt_by_group(
    groups: Rows, codes: Rows, shares: Sequence[float], stream: np.random.PCG64, *, least: int = 1
) -> Rows:
    """The bin of every row ``(n_rows,)``: whole groups, the bins near their shares of rows and of classes.

    Groups go from the largest to the smallest, in random order where they are of one size, each into the
    bin that it leaves nearest to its share of the classes, among those that it does not fill beyond their
    share of the rows. Where every bin would be too full, it goes where least so.

    Parameters
    ----------
    groups, codes
        Codes of group and class ``(n_rows,)``.
    shares
        Of each bin; they sum to 1.
    least
        Groups that every bin gets, where there are as many.
    """
    _, first, groups = np.unique(groups, return_index=True, return_inverse=True)
    groups = np.argsort(np.argsort(first))[groups]  # numbered as they appear, whatever they are called
    sizes = np.bincount(groups)
    order = np.lexsort((stream.random_raw(len(sizes)), -sizes))
    n_classes = int(codes.max()) + 1
    pairs, rows = np.unique(groups * n_classes + codes, return_counts=True)
    starts = np.searchsorted(pairs, np.arange(len(sizes) + 1) * n_classes).tolist()
    parts = list(zip((pairs % n_classes).tolist(), rows.tolist(), strict=True))
    bins = _Bins(shares, np.bincount(codes).tolist(), least)
    bin_of = np.empty(len(sizes), np.int64)
    for place, group in enumerate(order.tolist()):
        bin_of[group] = bins.add(parts[starts[group] : starts[group + 1]], left=len(sizes) - place)
    return bin_of[groups]


class _Bins:
    """Bins that fill up. Plain numbers: faster than arrays of a few entries."""

    def __init__(self, shares: Sequence[float], class_sizes: Sequence[int], least: int) -> None:
        self.shares = list(shares)
        self.class_sizes = class_sizes
        self.lacking = [least] * len(shares)
        self.limits = [share * sum(class_sizes) for share in shares]
        self.rows = [0] * len(shares)
        self.rows_of_class = [[0] * len(class_sizes) for _ in shares]

    def add(self, parts: Sequence[tuple[int, int]], left: int) -> int:
        """The bin that a group of these (class, rows) goes into; ``left`` are to come, this one included."""
        size = sum(n for _, n in parts)
        open_to: Sequence[int] = range(len(self.rows))
        if left <= sum(self.lacking):
            open_to = [b for b in open_to if self.lacking[b]]
        fitting = [b for b in open_to if self.rows[b] + size <= self.limits[b]]
        if fitting:
            chosen = min(fitting, key=lambda b: (self._crowding(b, parts), self.rows[b] / self.shares[b]))
        else:
            chosen = min(open_to, key=lambda b: (self.rows[b] + size) / self.shares[b])
        self.lacking[chosen] = max(self.lacking[chosen] - 1, 0)
        self.rows[chosen] += size
        for code, n in parts:
            self.rows_of_class[chosen][code] += n
        return chosen

    def _crowding(self, b: int, parts: Sequence[tuple[int, int]]) -> float:
        """What the group adds to the sum over bins and classes of rows² / (rows of the class · share)."""
        added = 0.0
        for code, n in parts:  # sum() rounds differently from Python 3.12 on
            added += (2 * self.rows_of_class[b][code] + n) * n / self.class_sizes[code]
        return added / self.shares[b]


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """The distinct times of some rows, in order."""

    ranks: Rows
    """Of every row ``(n_rows,)``, from 0 without a hole."""
    ends: Rows
    """Rows before each time, and their number ``(n_times + 1,)``."""

    def __len__(self) -> int:
        return len(self.ends) - 1

    def cut(self, rows: int, low: int, high: int) -> int:
        """The time from ``low`` to ``high`` that has nearest to ``rows`` rows before it."""
        after = int(np.searchsorted(self.ends, rows))
        before = max(after - 1, 0)
        near = before if rows - self.ends[before] <= self.ends[after] - rows else after
        return min(max(near, low), high)


def times_of(time: Rows) -> Times:
    """The distinct times among ``(n_rows,)`` ranks."""
    ranks, counts = np.unique(time, return_inverse=True, return_counts=True)[1:]
    return Times(ranks.astype(np.int64), np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))


def latest(time: Rows, share: float, gap: int) -> tuple[Mask, Mask] | None:
    """Masks ``(n_rows,)`` of the earlier rows and of the latest ``share``; equal times stay together.

    ``gap`` times between the two are in neither. None where there are too few different times.
    """
    times = times_of(time)
    if len(times) < gap + 2:
        return None
    start = times.cut(len(time) - int(np.ceil(share * len(time))), gap + 1, len(times) - 1)
    return times.ranks < start - gap, times.ranks >= start


def _by_class(codes: Rows, stream: np.random.PCG64) -> Rows:
    """Row numbers sorted by class, in random order within a class."""
    return np.lexsort((stream.random_raw(len(codes)), codes)).astype(np.int64)
