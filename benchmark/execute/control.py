"""A task's data as a control gets it: with labels that are wrong on purpose, and test rows that are right."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from benchmark.data import TaskData
from benchmark.spec import Split

__all__ = ["HANDICAP", "mislabelled"]

Rows = npt.NDArray[np.int64]

HANDICAP = 0.4
"""Share of the training labels that ``handicapped`` replaces by those of other rows."""


def mislabelled(data: TaskData, split: Split, control: str, seed: int) -> TaskData:
    """The data with labels permuted among the rows of one part of the split, those for testing never.

    ``permuted``: all labels of the training rows, and all of the validation rows, each among themselves, so
    that whoever still knows something of the test rows does not know it from these. ``handicapped``: a share
    of :data:`HANDICAP` of the training labels. What is permuted are whole labels, all values of a forecast
    together; of a text the single tokens that are asked for, wherever they stand.

    Parameters
    ----------
    control
        One of the controls that are run.
    seed
        Of the permutation.
    """
    y, random = data.y.copy(), np.random.default_rng(seed)
    for rows, share in _PARTS[control](split):
        among = _labels(data, np.asarray(rows, np.int64))
        n_labels = len(among[0])
        chosen = random.permutation(n_labels)[: round(share * n_labels)]
        others = random.permutation(chosen)
        y[tuple(at[chosen] for at in among)] = data.y[tuple(at[others] for at in among)]
    return dataclasses.replace(data, y=y)


def _labels(data: TaskData, rows: Rows) -> tuple[Rows, ...]:
    """Where the rows' labels stand in ``y``: an index of it for each of its axes that tells labels apart."""
    if data.task_type != "language":
        return (rows,)
    row, position = np.nonzero(data.y[rows] >= 0)
    return rows[row], position


_PARTS: Mapping[str, Callable[[Split], tuple[tuple[npt.ArrayLike, float], ...]]] = {
    "permuted": lambda split: ((split.train, 1.0), (split.validation, 1.0)),
    "handicapped": lambda split: ((split.train, HANDICAP),),
}
"""By control the rows whose labels are permuted among each other, and how many of them."""
