"""What stands beside the inputs of images, sequences and texts: their labels, and columns with a role."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmark.data.columns import Target, target_of
from benchmark.data.raw import Raw
from benchmark.data.roles import Roles, check_names, roles_of
from benchmark.data.taskdata import TaskData
from benchmark.errors import RequestError
from benchmark.spec import Dataset

__all__ = ["Labels", "labels_of", "labels_of_table", "refuse_columns", "task_of"]

COLUMNS = ("categorical", "numeric", "ignore", "groups", "time", "weights", "split")
"""What a card may say of columns, and so of a table alone."""


class Labels(NamedTuple):
    """What stands beside the inputs of labelled rows."""

    target: Target
    roles: Roles


def labels_of(raw: Raw, dataset: Dataset, n_rows: int, where: str) -> Labels:
    """The labels of ``n_rows`` rows that came as arrays or lists.

    Raises
    ------
    RequestError
        Where there are no labels, or not one a row; also as :func:`benchmark.data.columns.target_of`.
    """
    refuse_columns(dataset, where)
    if raw.target is None or isinstance(raw.target, str):
        raise RequestError(f"{where}: location: '{dataset.location}' holds no labels")
    labels = np.asarray(raw.target)
    if labels.shape not in ((n_rows,), (n_rows, 1)):
        shape = " x ".join(map(str, labels.shape)) or "one"
        raise RequestError(f"{where}: location: '{dataset.location}' holds {n_rows} rows, but {shape} labels")
    if raw.classes:
        labels = np.asarray(raw.classes)[labels]
    column = pd.Series(labels.reshape(n_rows), name=dataset.target or "label")
    target = target_of(column, dataset.task_type or raw.task_type, where)
    return Labels(target, Roles(groups=None, time=None, weights=None, own=raw.own))


def labels_of_table(raw: Raw, dataset: Dataset, where: str) -> tuple[pd.DataFrame, Labels]:
    """The columns of a table that are left for the inputs, and what the others say.

    Raises
    ------
    RequestError
        As :func:`benchmark.data.roles.roles_of` and :func:`benchmark.data.columns.target_of`.
    """
    assert isinstance(raw.inputs, pd.DataFrame)
    frame = raw.inputs.rename(columns=str).reset_index(drop=True)
    name = raw.name_of_target(dataset.target)
    check_names(frame, dataset, name, where)
    taken = {name, dataset.groups, dataset.time, dataset.weights, dataset.split, *dataset.ignore}
    target = target_of(frame[name], dataset.task_type or raw.task_type, where)
    roles = roles_of(frame, raw, dataset, where)
    return frame[[column for column in frame.columns if column not in taken]], Labels(target, roles)


def refuse_columns(dataset: Dataset, where: str) -> None:
    """Refuse a card that names columns of data that has none.

    Raises
    ------
    RequestError
        Names the first such key.
    """
    for key in COLUMNS:
        if getattr(dataset, key):
            raise RequestError(f"{where}: {key}: '{dataset.location}' is no table and has no columns")


def task_of(X: Any, modality: str, raw: Raw, labels: Labels, notes: tuple[str, ...] = ()) -> TaskData:
    """The task of labelled rows."""
    target, roles = labels
    return TaskData(
        X,
        target.y,
        target.task_type,
        target.classes,
        modality=modality,
        groups=roles.groups,
        time=roles.time,
        weights=roles.weights,
        own=roles.own,
        origin=raw.origin,
        notes=(*raw.notes, *target.notes, *notes),
    )
