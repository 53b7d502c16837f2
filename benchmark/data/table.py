"""From a raw table and its card to typed arrays, or one clear line about why there is nothing to learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from benchmark.errors import RequestError, nearest
from benchmark.spec import TASK_TYPES, Dataset

__all__ = ["MOST_CLASSES", "TaskData", "to_task_data"]

MOST_CLASSES = 20
"""A target of more different whole numbers than this is taken as a quantity where the card does not say."""


@dataclass(frozen=True, slots=True, eq=False)
class TaskData:
    """The arrays of a task; rows of ``X`` and ``y`` correspond by position."""

    X: pd.DataFrame
    """``(n_rows, n_features)``: float64 (may hold NaN) and ``category`` columns of text (may be missing)."""
    y: npt.NDArray[Any]
    """``(n_rows,)``: int64 class codes, or float64 values."""
    classes: tuple[str, ...]
    """Label of every class code; empty for regression."""
    notes: tuple[str, ...] = ()
    """What was inferred because the card did not say it: one line each, for people."""

    @property
    def task_type(self) -> str:
        """One of ``binary``, ``multiclass`` and ``regression``."""
        if not self.classes:
            return "regression"
        return "binary" if len(self.classes) == 2 else "multiclass"


def to_task_data(frame: pd.DataFrame, dataset: Dataset, where: str) -> TaskData:
    """The typed arrays of a raw table.

    Text and bool columns, and those listed under ``categorical``, become categories; every other number
    becomes float64. Class codes follow the order of the labels: numbers by value, text by code point.

    Raises
    ------
    RequestError
        For a card that does not fit the table, and a table that nothing could be learned from; the line
        begins with ``where``.
    """
    frame = frame.rename(columns=str).reset_index(drop=True)
    features = _features(frame, dataset, where)
    y, classes, notes = _target(frame[dataset.target], dataset.task_type, where)
    columns = {name: _feature(frame[name], name in dataset.categorical, where) for name in features}
    return TaskData(pd.DataFrame(columns), y, classes, notes)


def _features(frame: pd.DataFrame, dataset: Dataset, where: str) -> list[str]:
    """Names of the columns that the task sees, in the table's order."""
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise RequestError(f"{where}: location: the column '{twice}' is there twice in '{dataset.location}'")
    if dataset.target not in frame.columns:
        hint = nearest(dataset.target, frame.columns)
        raise RequestError(f"{where}: target: '{dataset.location}' has no column '{dataset.target}'; {hint}")
    features = frame.columns.drop(dataset.target)
    for key, names in (("categorical", dataset.categorical), ("ignore", dataset.ignore)):
        for name in names:
            if name not in features:
                hint = nearest(name, features)
                raise RequestError(f"{where}: {key}: '{dataset.location}' has no feature '{name}'; {hint}")
    seen = [name for name in features if name not in dataset.ignore]
    if not seen:
        raise RequestError(f"{where}: ignore: no feature is left of '{dataset.location}'")
    return seen


def _target(
    target: pd.Series, task_type: str | None, where: str
) -> tuple[npt.NDArray[Any], tuple[str, ...], tuple[str, ...]]:
    """Target array, class labels and notes."""
    if task_type is not None and task_type not in TASK_TYPES:
        hint = nearest(task_type, TASK_TYPES)
        raise RequestError(f"{where}: task_type: there is no task type '{task_type}'; {hint}")
    where = f"{where}: target: column '{target.name}'"
    missing = int(target.isna().sum())
    if missing:
        raise RequestError(f"{where} is missing in {missing} of {len(target)} rows; remove these rows")
    codes, labels = _encode(target, where)
    if len(labels) < 2:
        raise RequestError(f"{where} has fewer than two different values; choose another column")
    values = _floats(target, where) if _is_number(target) else None
    notes = () if task_type else (_inferred(target.name, values, labels),)
    if task_type in ("binary", "multiclass") or (task_type is None and _holds_classes(values, labels)):
        _check_classes(codes, labels, task_type, where)
        return codes, labels, notes
    if values is None:
        raise RequestError(f"{where} holds labels such as '{labels[0]}', so task_type cannot be 'regression'")
    return values, (), notes


def _holds_classes(values: npt.NDArray[np.float64] | None, labels: tuple[str, ...]) -> bool:
    if values is None or len(labels) == 2:
        return True
    return len(labels) <= MOST_CLASSES and bool(np.all(values == np.floor(values)))


def _inferred(name: Any, values: npt.NDArray[np.float64] | None, labels: tuple[str, ...]) -> str:
    """The note that says how a target was taken."""
    if not _holds_classes(values, labels):
        return f"target '{name}': {len(labels)} different numbers, taken as a quantity"
    if values is None:
        return f"target '{name}': {len(labels)} labels, taken as classes"
    hint = "if it is a quantity, say 'task_type: regression'"
    return f"target '{name}': {len(labels)} different whole numbers, taken as classes; {hint}"


def _check_classes(
    codes: npt.NDArray[np.int64], labels: tuple[str, ...], task_type: str | None, where: str
) -> None:
    if task_type is not None and (task_type == "binary") != (len(labels) == 2):
        fitting = "binary" if len(labels) == 2 else "multiclass"
        raise RequestError(f"{where} has {len(labels)} classes: task_type is '{fitting}', not '{task_type}'")
    rows = np.bincount(codes)
    if rows.min() < 2:
        rare = labels[int(rows.argmin())]
        raise RequestError(f"{where}: the class '{rare}' has a single row; remove or merge it")


def _feature(column: pd.Series, categorical: bool, where: str) -> pd.Series:
    """A float64 or a category column."""
    where = f"{where}: column '{column.name}'"
    if not categorical and _is_number(column):
        return pd.Series(_floats(column, where))
    if categorical or _is_label(column):
        codes, labels = _encode(column, where)
        return pd.Series(pd.Categorical.from_codes(codes, categories=list(labels)))
    raise RequestError(f"{where} has the type {column.dtype}, neither number nor text; put it under 'ignore'")


def _is_number(column: pd.Series) -> bool:
    return bool(types.is_integer_dtype(column.dtype) or types.is_float_dtype(column.dtype))


def _is_label(column: pd.Series) -> bool:
    is_text = types.is_object_dtype(column.dtype) or types.is_string_dtype(column.dtype)
    return is_text or types.is_bool_dtype(column.dtype) or isinstance(column.dtype, pd.CategoricalDtype)


def _floats(column: pd.Series, where: str) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = column.to_numpy(np.float64, na_value=np.nan)
    infinite = int(np.isinf(values).sum())
    if infinite:
        rows = f"{infinite} of {len(values)} rows"
        raise RequestError(f"{where} is infinite in {rows}; replace them, by missing values for instance")
    return values


def _encode(column: pd.Series, where: str) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Codes ``(n_rows,)``, -1 where missing, and the label of every code."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = pd.Series(np.asarray(column))
    try:
        found, values = pd.factorize(column)
    except TypeError as error:
        raise RequestError(f"{where} holds nested values; put it under 'ignore'") from error
    labels = [_label(value) for value in values]
    if _is_number(column):
        ordered = [labels[position] for position in np.argsort(np.asarray(values, np.float64), kind="stable")]
    else:
        ordered = sorted(set(labels))
    code = {label: position for position, label in enumerate(ordered)}
    return np.array([*(code[label] for label in labels), -1], np.int64)[found], tuple(ordered)


def _label(value: Any) -> str:
    """Text of a value: the same for 2 and 2.0, since a missing neighbour turns one into the other."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)
