"""Nested, stratified subsamples of rows, so that a study can ask how an effect changes with scale."""

from __future__ import annotations

import bisect
import dataclasses
import hashlib
import heapq
import itertools

import numpy as np
import numpy.typing as npt

from benchmark.data.taskdata import TaskData
from benchmark.errors import RequestError
from benchmark.spec import CLASSIFICATION

__all__ = ["of"]

Rows = npt.NDArray[np.int64]

_FEWEST = 10
"""Rows, below which there is nothing to learn from."""

_KEPT = 2
"""Rows of every class that come before any third one."""


def of(data: TaskData, n_rows: int, where: str) -> TaskData:
    """Some rows of a task, in their order: those of a smaller sample are among those of a larger one.

    Two rows of every class come first, of the largest class before the others; from there on the classes
    grow in proportion, to within a row, and so, within a class, do the test parts of the first repeat of
    the splits that come with the data. Where no class is predicted rows are drawn plainly. Which rows
    depends on ``data.fingerprint`` alone, not on a study's seed.

    Parameters
    ----------
    data
        A whole task, with its fingerprint.
    n_rows
        How many rows; all of them give ``data`` itself.

    Raises
    ------
    RequestError
        For more rows than there are or fewer than ten, and where a split that comes with the data
        would lose a whole part; the line begins with ``where``.
    """
    if n_rows == len(data):
        return data
    if not _FEWEST <= n_rows <= len(data):
        raise RequestError(f"{where}: rows: choose from {_FEWEST} to the {len(data)} there are, got {n_rows}")
    taken = data.take(np.sort(_first(data, n_rows)))
    if taken.weights is not None:
        taken = dataclasses.replace(taken, weights=taken.weights / taken.weights.mean())
    _check_splits(data, taken, where)
    return taken


def _first(data: TaskData, n_rows: int) -> Rows:
    """The numbers of the sample's rows, in the order in which samples grow."""
    entropy = hashlib.sha256(f"subsample:{data.fingerprint}".encode()).digest()
    bits = np.random.PCG64(np.random.SeedSequence(int.from_bytes(entropy, "big")))
    shuffled = np.argsort(bits.random_raw(len(data)), kind="stable").astype(np.int64)
    parts = _tested_in(data)
    if data.task_type not in CLASSIFICATION:
        return _interleaved(shuffled, parts[shuffled], n_rows)
    by_class = [shuffled[data.y[shuffled] == code] for code in np.unique(data.y)]
    by_class.sort(key=len, reverse=True)
    turns = np.array(_turns([len(rows) for rows in by_class], _KEPT, n_rows))
    first = np.empty(n_rows, np.int64)
    for code, rows in enumerate(by_class):
        mine = turns == code
        first[mine] = _interleaved(rows, parts[rows], int(mine.sum()))
    return first


def _tested_in(data: TaskData) -> Rows:
    """By row, the fold of the first repeat of the task's own splits that tests it; -1 for none."""
    tested = np.full(len(data), -1, np.int64)
    for own in data.own:
        if own.repeat == min(own.repeat for own in data.own):
            tested[np.asarray(own.test, np.int64)] = own.fold
    return tested


def _interleaved(rows: Rows, parts: Rows, n_rows: int) -> Rows:
    """The first of some rows, which keep their order within a part, the parts in proportion."""
    by_part = [rows[parts == part] for part in np.unique(parts)]
    if len(by_part) == 1:
        return rows[:n_rows]
    turns = np.array(_turns([len(members) for members in by_part], 0, n_rows), np.int64)
    first = np.empty(n_rows, np.int64)
    for part, members in enumerate(by_part):
        mine = turns == part
        first[mine] = members[: mine.sum()]
    return first


def _turns(counts: list[int], kept: int, n_turns: int) -> list[int]:
    """Whose turn it is: a sequence in which everyone's turns so far stay within one of its due.

    The due after t turns is ``max(min(kept, count), rate · count)``, at the rate at which all dues sum to
    t. A turn falls between the moment after which its due exceeds the turns before it and the moment at
    which its due is reached. Taking the earliest deadline first does so for all, since it can be done
    (Tijdeman 1980, *The chairman assignment problem*, Discrete Mathematics 32).

    Parameters
    ----------
    counts
        Turns that everyone has in all; largest first, where ``kept`` is not 0.
    kept
        Turns of everyone that come before all others, in rounds.
    """
    turns = [who for turn in range(kept) for who, count in enumerate(counts) if count > turn]
    growing = [-count for count in counts if count > kept]
    before = [0, *itertools.accumulate(counts)]
    fixed = [*itertools.accumulate((min(kept, count) for count in reversed(counts)), initial=0)][::-1]

    def moment(who: int, turn: int) -> tuple[int, int]:
        """The number of turns, rounded down and up, at which the due of ``who`` reaches ``turn``."""
        free = bisect.bisect_left(growing, -(kept * counts[who] // turn)) if turn else 0
        whole, left = divmod(turn * before[free], counts[who])
        return fixed[free] + whole, fixed[free] + whole + (left > 0)

    waiting = [(moment(who, kept)[0], who, kept + 1) for who in range(len(growing))]
    ready: list[tuple[int, int, int]] = []
    heapq.heapify(waiting)
    for now in range(len(turns), n_turns):
        while waiting and waiting[0][0] <= now:
            _, who, turn = heapq.heappop(waiting)
            heapq.heappush(ready, (moment(who, turn)[1], who, turn))
        _, who, turn = heapq.heappop(ready)
        turns.append(who)
        if turn < counts[who]:
            heapq.heappush(waiting, (moment(who, turn)[0], who, turn + 1))
    return turns[:n_turns]


def _check_splits(data: TaskData, taken: TaskData, where: str) -> None:
    for before, after in zip(data.own, taken.own, strict=True):
        for part in ("train", "validation", "test"):
            if len(getattr(before, part)) and not len(getattr(after, part)):
                split = f"repeat {after.repeat}, fold {after.fold} of the data's own splits"
                raise RequestError(f"{where}: rows: {len(taken)} leave no {part} rows to {split}; take more")
