"""Every way to split a task: from what splitting may look at to (repeat, fold, train, validation, test)."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmark.errors import RequestError
from benchmark.plan.shares import dealt_by_class, dealt_by_group, held_back, latest, times_of
from benchmark.spec import OwnSplit, Splitting

__all__ = ["LEAVE_ONE_OUT_UP_TO", "SCHEME_OF", "Parts", "Source"]

Rows = npt.NDArray[np.int64]
Parts = tuple[int, int, Rows, Rows, Rows]
"""Repeat, fold, and the sorted numbers of the training, validation and test rows."""

LEAVE_ONE_OUT_UP_TO = 2000
"""Rows: beyond, the fits of one arm are too many and the lists of row numbers too large for a worker."""


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """What a scheme draws its parts from."""

    name: str
    """Of the task, for messages."""
    fingerprint: str
    codes: Rows
    """Class codes ``(n_rows,)``; all 0 where nothing is stratified."""
    groups: Rows | None
    time: Rows | None
    gap: int
    own: tuple[OwnSplit, ...]
    splitting: Splitting
    seed: int

    def __len__(self) -> int:
        return len(self.codes)

    def stream(self, *coordinate: Any) -> np.random.PCG64:
        """Random bits that depend on the data, the study's seed and the coordinate; not on names."""
        words = ":".join(str(word) for word in ("splits", self.seed, self.fingerprint, *coordinate))
        entropy = int.from_bytes(hashlib.sha256(words.encode()).digest(), "big")
        return np.random.PCG64(np.random.SeedSequence(entropy))

    def divided(self, rest: Rows, repeat: int, fold: int, *, by_time: bool = False) -> tuple[Rows, Rows]:
        """The training and the validation rows of those outside the test part.

        The latest are validated on with ``by_time``, whole groups where there are any, else rows of
        every class.

        Raises
        ------
        RequestError
            Where these rows are too few to do so.
        """
        share = self.splitting.validation
        if by_time and self.time is not None:
            masks = latest(self.time[rest], share, self.gap)
            if masks is None:
                raise RequestError(self._short("different times", repeat, fold))
            return rest[masks[0]], rest[masks[1]]
        stream = self.stream("validation", repeat, fold)
        if self.groups is None:
            if len(rest) < 2:
                raise RequestError(self._short("rows", repeat, fold))
            held = held_back(self.codes[rest], share, stream)
        else:
            groups = self.groups[rest]
            if not len(rest) or (groups == groups[0]).all():
                raise RequestError(self._short("groups", repeat, fold))
            held = dealt_by_group(groups, self.codes[rest], (1 - share, share), stream) == 1
        return rest[~held], rest[held]

    def outside(self, mask: npt.NDArray[np.bool_], repeat: int, fold: int) -> Parts:
        """The split that tests the rows of a mask ``(n_rows,)`` and divides the others."""
        return repeat, fold, *self.divided(np.flatnonzero(~mask), repeat, fold), np.flatnonzero(mask)

    def refused(self, key: str, why: str) -> RequestError:
        """What is wrong with a value of ``protocol.splits`` for this task."""
        value = getattr(self.splitting, key)
        return RequestError(f"protocol.splits.{key}={value}: {why}")

    def _short(self, what: str, repeat: int, fold: int) -> str:
        return (
            f"task '{self.name}': repeat {repeat}, fold {fold} has too few {what} outside its test part "
            "to train and to validate"
        )


def _own(source: Source) -> Iterator[Parts]:
    """Those that come with the data: the test parts exactly, and the validation parts where given."""
    if not source.own:
        raise source.refused("scheme", f"task '{source.name}' has no splits of its own; choose auto")
    repeats = sorted({own.repeat for own in source.own})[: source.splitting.repeats]
    folds = sorted({own.fold for own in source.own})[: source.splitting.folds]
    by_time = source.groups is None and source.time is not None
    for own in sorted(source.own, key=lambda own: (own.repeat, own.fold)):
        if own.repeat not in repeats or own.fold not in folds:
            continue
        train, validation, test = (np.unique(part) for part in _checked(own, source))
        if not len(validation):
            train, validation = source.divided(train, own.repeat, own.fold, by_time=by_time)
        yield own.repeat, own.fold, train, validation, test


def _checked(own: OwnSplit, source: Source) -> tuple[Rows, Rows, Rows]:
    named = f"task '{source.name}': its own split of repeat {own.repeat}, fold {own.fold}"
    train, validation, test = (np.asarray(p, np.int64) for p in (own.train, own.validation, own.test))
    for part, rows in (("training", train), ("test", test)):
        if not len(rows):
            raise RequestError(f"{named} has no {part} rows")
    every = np.concatenate([train, validation, test])
    if every.min() < 0 or every.max() >= len(source):
        wrong = every.min() if every.min() < 0 else every.max()
        raise RequestError(f"{named} names row {wrong}; the data has rows 0 to {len(source) - 1}")
    if (twice := np.bincount(every) > 1).any():
        raise RequestError(f"{named} names row {int(twice.argmax())} twice; a row is in one part")
    return train, validation, test


def _kfold(source: Source) -> Iterator[Parts]:
    """Each row is tested once per repeat."""
    n_rows, folds = len(source), source.splitting.folds
    if not 2 <= folds <= n_rows:
        raise source.refused("folds", f"choose from 2 to the {n_rows} rows of '{source.name}'")
    if n_rows - -(-n_rows // folds) < 2:
        raise _too_few(source)
    for repeat in range(source.splitting.repeats):
        fold_of = dealt_by_class(source.codes, folds, source.stream("folds", repeat))
        for fold in range(folds):
            yield source.outside(fold_of == fold, repeat, fold)


def _holdout(source: Source) -> Iterator[Parts]:
    """One test part per repeat, drawn anew."""
    share = source.splitting.test
    if not 0 < share < 1:
        raise source.refused("test", "choose a share such as 0.2")
    for repeat in range(source.splitting.repeats):
        mask = held_back(source.codes, share, source.stream("holdout", repeat))
        if len(source) - mask.sum() < 2:
            raise source.refused("test", f"too few of the {len(source)} rows of '{source.name}' are left")
        yield source.outside(mask, repeat, 0)


def _group(source: Source) -> Iterator[Parts]:
    """Each group is tested once per repeat; groups stay whole."""
    if source.groups is None:
        raise source.refused(
            "scheme", f"task '{source.name}' has no groups; choose kfold, or name the column"
        )
    n_groups, folds = len(np.unique(source.groups)), source.splitting.folds
    if not 2 <= folds <= n_groups:
        raise source.refused("folds", f"choose from 2 to the {n_groups} groups of '{source.name}'")
    least = 2 if folds == 2 else 1  # outside every test part one group trains and another validates
    if n_groups < least * folds:
        raise source.refused(
            "folds", f"the {n_groups} groups of '{source.name}' are fewer than {least * folds}"
        )
    for repeat in range(source.splitting.repeats):
        stream = source.stream("groups", repeat)
        fold_of = dealt_by_group(source.groups, source.codes, [1 / folds] * folds, stream, least=least)
        for fold in range(folds):
            yield source.outside(fold_of == fold, repeat, fold)


def _temporal(source: Source) -> Iterator[Parts]:
    """An expanding window: each block of time but the first is tested after training on all before it."""
    if source.time is None:
        raise source.refused("scheme", f"task '{source.name}' has no time; choose kfold, or name the column")
    times, folds = times_of(source.time), source.splitting.folds
    first = 2 * source.gap + 2  # a time to train on, one to validate on, and the gaps behind them
    if not 1 <= folds <= len(times) - first:
        gap = f" with gaps of {source.gap}" if source.gap else ""
        known = f"{len(times)} different times of '{source.name}'{gap}"
        raise source.refused("folds", f"the {known} allow {max(len(times) - first, 0)} at most")
    bounds: list[int] = []
    for fold in range(folds):
        wanted = len(source) * (fold + 1) // (folds + 1)
        low = bounds[-1] + 1 if bounds else first
        bounds.append(times.cut(wanted, low, len(times) - folds + fold))
    for fold, (start, end) in enumerate(zip(bounds, [*bounds[1:], len(times)], strict=True)):
        before = np.flatnonzero(times.ranks < start - source.gap)
        test = np.flatnonzero((times.ranks >= start) & (times.ranks < end))
        yield 0, fold, *source.divided(before, 0, fold, by_time=True), test


def _leave_one_out(source: Source) -> Iterator[Parts]:
    """Every row is a test part, once."""
    if len(source) < 3:
        raise _too_few(source)
    if len(source) > LEAVE_ONE_OUT_UP_TO:
        rows = f"the {len(source)} rows of '{source.name}' are more than {LEAVE_ONE_OUT_UP_TO}"
        raise source.refused("scheme", f"{rows}; choose kfold")
    for row in range(len(source)):
        yield source.outside(np.arange(len(source)) == row, 0, row)


def _too_few(source: Source) -> RequestError:
    return RequestError(f"task '{source.name}': {len(source)} rows are too few to train, validate and test")


SCHEME_OF: Mapping[str, Callable[[Source], Iterator[Parts]]] = {
    "own": _own,
    "kfold": _kfold,
    "holdout": _holdout,
    "group": _group,
    "temporal": _temporal,
    "leave_one_out": _leave_one_out,
}
"""By its name; ``auto`` stands for one of them, see :func:`benchmark.plan.splits.scheme_of`."""
