"""Which rows are trained on, selected on and tested on: instantiated once per task, shared by every arm."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from benchmark.errors import RequestError
from benchmark.spec import Split, Splitting, Task

__all__ = ["splits"]

Rows = npt.NDArray[np.int64]


def splits(task: Task, y: npt.ArrayLike, splitting: Splitting, seed: int) -> tuple[Split, ...]:
    """Every (repeat, fold) of repeated k-fold, in that order; each row is tested once per repeat.

    Classes are spread so that their rows per test part differ by at most one, and so do the sizes of the
    test parts. Of each training part ``splitting.validation`` (rounded up) is held back, also by class: a
    class keeps a row in training first, then gets one in validation where the sizes allow. The outcome
    depends on the data, ``splitting`` and ``seed`` alone, not on names.

    Parameters
    ----------
    task
        Facts about the data; ``task_type`` decides whether classes are balanced.
    y
        Class codes or values ``(n_rows,)``; an index, if any, is not looked at.
    splitting
        Numbers of repeats and folds, and the share of validation rows.
    seed
        The study's root seed.

    Raises
    ------
    RequestError
        For numbers that this task cannot be split by.
    """
    _check(splitting, task)
    codes: Rows = np.zeros(task.n_rows, np.int64)
    if task.task_type != "regression":
        codes = np.unique(np.asarray(y), return_inverse=True)[1].astype(np.int64)
    return tuple(_repeats(task, codes, splitting, seed))


def _check(splitting: Splitting, task: Task) -> None:
    if splitting.repeats < 1:
        raise RequestError(f"protocol.splits.repeats={splitting.repeats}: at least 1 is needed")
    if not 2 <= splitting.folds <= task.n_rows:
        rows = f"the {task.n_rows} rows of '{task.name}'"
        raise RequestError(f"protocol.splits.folds={splitting.folds}: choose from 2 to {rows}")
    if not 0 < splitting.validation < 1:
        raise RequestError(f"protocol.splits.validation={splitting.validation}: choose a share such as 0.2")
    if task.n_rows - -(-task.n_rows // splitting.folds) < 2:
        raise RequestError(f"task '{task.name}': {task.n_rows} rows are too few to train, validate and test")


def _repeats(task: Task, codes: Rows, splitting: Splitting, seed: int) -> Iterator[Split]:
    for repeat in range(splitting.repeats):
        order = _by_class(codes, _stream(seed, task, "folds", repeat))
        fold_of = np.empty(len(codes), np.int64)
        # Neighbours in this order go to different folds: each class and the whole are level within a row.
        fold_of[order] = np.arange(len(codes)) % splitting.folds
        for fold in range(splitting.folds):
            rest = np.flatnonzero(fold_of != fold)
            stream = _stream(seed, task, "validation", repeat, fold)
            held = _held_back(codes[rest], splitting.validation, stream)
            yield _split(repeat, fold, rest[~held], rest[held], np.flatnonzero(fold_of == fold))


def _held_back(codes: Rows, share: float, stream: np.random.PCG64) -> npt.NDArray[np.bool_]:
    """Mask of the validation rows ``(n_rows,)`` among the rows with these codes."""
    _, codes, counts = np.unique(codes, return_inverse=True, return_counts=True)
    quota = np.minimum(np.floor(share * counts).astype(np.int64), counts - 1)
    missing = min(int(np.ceil(share * len(codes))), len(codes) - 1) - int(quota.sum())
    # One more row each for the first classes in line: those that leave a row in training come before
    # those that do not, those without any validation row before the others, then by largest remainder.
    line = np.lexsort((quota - share * counts, quota > 0, quota + 1 >= counts))
    quota[line[:missing]] += 1
    order = _by_class(codes, stream)
    rank = np.arange(len(codes)) - np.repeat(np.cumsum(counts) - counts, counts)
    held = np.zeros(len(codes), bool)
    held[order] = rank < np.repeat(quota, counts)
    return held


def _by_class(codes: Rows, stream: np.random.PCG64) -> Rows:
    """Row numbers sorted by class, in random order within a class."""
    # Raw output of a bit generator is the one part of numpy's randomness that is the same in every version.
    return np.lexsort((stream.random_raw(len(codes)), codes)).astype(np.int64)


def _stream(seed: int, task: Task, *coordinate: Any) -> np.random.PCG64:
    words = ":".join(str(word) for word in ("splits", seed, task.fingerprint, *coordinate))
    entropy = int.from_bytes(hashlib.sha256(words.encode()).digest(), "big")
    return np.random.PCG64(np.random.SeedSequence(entropy))


def _split(repeat: int, fold: int, *parts: Rows) -> Split:
    """The split of (train, validation, test) row numbers, which are sorted int64 arrays, read-only."""
    digest = hashlib.sha256()
    for rows in parts:
        rows.flags.writeable = False
        digest.update(len(rows).to_bytes(8, "little"))
        digest.update(rows.astype("<i8").tobytes())
    train, validation, test = cast(Any, parts)
    return Split(repeat, fold, train, validation, test, digest.hexdigest())
