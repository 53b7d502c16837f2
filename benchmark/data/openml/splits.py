"""The official splits of a task."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from benchmark.data.openml.refusals import Refused
from benchmark.spec import OwnSplit

__all__ = ["own_splits", "without"]

Rows = npt.NDArray[np.int64]

_EVERY_ROW = ("crossvalidation", "leaveoneout")
"""Estimation procedures that use every row in every fold."""


def own_splits(task: Any, n_rows: int | None = None) -> tuple[OwnSplit, ...]:
    """Every official (repeat, fold) of a task, in that order, of its first sample.

    Parameters
    ----------
    task
        A supervised task of the client's; its splits are downloaded where they are not there yet.
    n_rows
        Number of rows of the data, where it is known.

    Raises
    ------
    Refused
        When the file does not hold the splits that the task announces: it broke off, say.
    """
    splits = [
        OwnSplit(repeat, fold, _sorted(samples[0].train), _sorted(samples[0].test))
        for repeat, folds in sorted(task.download_split().split.items())
        for fold, samples in sorted(folds.items())
    ]
    _check_number(task, splits)
    uses = [np.concatenate([split.train, split.test]) for split in splits]
    n_rows = max(int(rows.max(initial=-1)) for rows in uses) + 1 if n_rows is None else n_rows
    used = np.bincount(uses[0], minlength=n_rows)
    for split, rows in zip(splits, uses, strict=True):
        counts = np.bincount(rows, minlength=n_rows)
        if len(counts) > n_rows or counts.max() > 1 or not (len(split.train) and len(split.test)):
            raise Refused(
                f"repeat {split.repeat}, fold {split.fold} of its splits does not split {n_rows} rows"
            )
        # Rows without a target may be in no split, but then they are in none at all.
        if task.estimation_procedure["type"] in _EVERY_ROW and not np.array_equal(counts, used):
            raise Refused(f"repeat {split.repeat}, fold {split.fold} of its splits lacks rows")
    return tuple(splits)


def without(splits: tuple[OwnSplit, ...], gone: npt.NDArray[np.bool_]) -> tuple[OwnSplit, ...]:
    """The splits of a table that has lost the rows where ``gone``, a mask ``(n_rows,)``, is true."""
    place = np.cumsum(~gone) - 1

    def kept(rows: Rows) -> Rows:
        return place[rows[~gone[rows]]].astype(np.int64)

    return tuple(OwnSplit(own.repeat, own.fold, kept(own.train), kept(own.test)) for own in splits)


def _check_number(task: Any, splits: list[OwnSplit]) -> None:
    """That there are as many as the task announces, where it does."""
    said = task.estimation_procedure["parameters"]
    for key, found in (
        ("number_repeats", len({split.repeat for split in splits})),
        ("number_folds", len({split.fold for split in splits})),
    ):
        if said.get(key, "").isdecimal() and int(said[key]) != found:
            raise Refused(f"its splits have {key}={found}, and the task says {said[key]}")


def _sorted(rows: Any) -> Rows:
    return np.sort(np.asarray(rows, np.int64))
