"""From one raw column to numbers, codes or a target, or one clear line about why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from benchmark.errors import RequestError, nearest
from benchmark.spec import CLASSIFICATION

__all__ = [
    "Target",
    "encode",
    "floats",
    "is_label",
    "is_nested",
    "is_number",
    "is_text",
    "settled",
    "target_of",
]

_MOST_CLASSES = 20
"""A target of more different whole numbers than this is taken as a quantity where the card does not say."""


@dataclass(frozen=True, eq=False)
class Target:
    """A target column, typed."""

    y: npt.NDArray[Any]
    """``(n_rows,)``: int64 class codes, or float64 values."""
    task_type: str
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def target_of(target: pd.Series, task_type: str | None, where: str, *, lone: bool = False) -> Target:
    """A target column as classes or values.

    Class codes follow the order of the labels: numbers by value, text by code point. A class with a single
    row is noted where ``lone`` allows it (the splits come with the data, and stay what they are).

    Raises
    ------
    RequestError
        For a target that nothing could be learned from, or that does not fit ``task_type``.
    """
    allowed = (*CLASSIFICATION, "regression")
    if task_type is not None and task_type not in allowed:
        hint = nearest(task_type, allowed)
        raise RequestError(
            f"{where}: task_type: there is no task type '{task_type}' for labelled rows; {hint}"
        )
    where = f"{where}: target: column '{target.name}'"
    missing = int(target.isna().sum())
    if missing:
        raise RequestError(f"{where} is missing in {missing} of {len(target)} rows; remove these rows")
    target = settled(target)
    if is_nested(target):
        raise RequestError(f"{where} holds nested values; choose another column")
    values = floats(target, where) if is_number(target) else None
    n_different = target.nunique()
    if n_different < 2:
        raise RequestError(f"{where} has fewer than two different values; choose another column")
    notes = () if task_type else (_inferred(target.name, values, n_different),)
    if task_type in CLASSIFICATION or (task_type is None and _holds_classes(values, n_different)):
        codes, labels = encode(target, where)
        _check_classes(labels, task_type, where)
        notes = (*notes, *_single_rows(codes, labels, where, lone=lone))
        return Target(codes, "binary" if len(labels) == 2 else "multiclass", labels, notes)
    if values is None:
        label = encode(target, where)[1][0]
        raise RequestError(f"{where} holds labels such as '{label}', so task_type cannot be 'regression'")
    return Target(values, "regression", (), notes)


def _holds_classes(values: npt.NDArray[np.float64] | None, n_different: int) -> bool:
    if values is None or n_different == 2:
        return True
    return n_different <= _MOST_CLASSES and bool(np.all(values == np.floor(values)))


def _inferred(name: Any, values: npt.NDArray[np.float64] | None, n_different: int) -> str:
    """The note that says how a target was taken."""
    if not _holds_classes(values, n_different):
        return f"target '{name}': {n_different} different numbers, taken as a quantity"
    if values is None:
        return f"target '{name}': {n_different} labels, taken as classes"
    hint = "if it is a quantity, say 'task_type: regression'"
    return f"target '{name}': {n_different} different whole numbers, taken as classes; {hint}"


def _check_classes(labels: tuple[str, ...], task_type: str | None, where: str) -> None:
    if task_type is not None and (task_type == "binary") != (len(labels) == 2):
        fitting = "binary" if len(labels) == 2 else "multiclass"
        raise RequestError(f"{where} has {len(labels)} classes: task_type is '{fitting}', not '{task_type}'")


def _single_rows(
    codes: npt.NDArray[np.int64], labels: tuple[str, ...], where: str, *, lone: bool
) -> tuple[str, ...]:
    """The note about classes with a single row; an error unless ``lone`` allows them."""
    rare = [labels[code] for code in np.flatnonzero(np.bincount(codes) == 1)]
    if not rare:
        return ()
    if not lone:
        raise RequestError(f"{where}: the class '{rare[0]}' has a single row; remove or merge it")
    return (f"target: a single row each has {', '.join(map(repr, rare))}",)


def settled(column: pd.Series) -> pd.Series:
    """A column of Python objects as the type that all of them are, if numbers or bools; else as it is."""
    if not types.is_object_dtype(column.dtype):
        return column
    kind = types.infer_dtype(column, skipna=True)
    if kind in ("integer", "floating", "mixed-integer-float", "decimal"):
        whole = kind == "integer" and not column.isna().any()
        return pd.to_numeric(column) if whole else column.astype(np.float64)
    return column.astype("boolean") if kind == "boolean" else column


def is_number(column: pd.Series) -> bool:
    """Whether a column holds numbers; a bool is none."""
    return bool(types.is_integer_dtype(column.dtype) or types.is_float_dtype(column.dtype))


def is_label(column: pd.Series) -> bool:
    """Whether a column holds text, bools or categories."""
    return (
        is_text(column) or types.is_bool_dtype(column.dtype) or isinstance(column.dtype, pd.CategoricalDtype)
    )


def is_text(column: pd.Series) -> bool:
    """Whether a column holds text, or Python objects of several types."""
    return types.is_object_dtype(column.dtype) or isinstance(column.dtype, pd.StringDtype)


def is_nested(column: pd.Series) -> bool:
    """Whether a column holds lists, mappings, arrays or bytes."""
    if not types.is_object_dtype(column.dtype):
        return False
    first = column.first_valid_index()
    return first is not None and isinstance(column[first], (list, dict, tuple, set, bytes, np.ndarray))


def floats(column: pd.Series, where: str) -> npt.NDArray[np.float64]:
    """Values ``(n_rows,)``, NaN where missing.

    Raises
    ------
    RequestError
        When one of them is infinite.
    """
    # With na_value, pandas copies even what is float64 already.
    plain = column.dtype == np.float64
    values: npt.NDArray[np.float64] = (
        column.to_numpy() if plain else column.to_numpy(np.float64, na_value=np.nan)
    )
    infinite = int(np.isinf(values).sum())
    if infinite:
        rows = f"{infinite} of {len(values)} rows"
        raise RequestError(f"{where} is infinite in {rows}; replace them, by missing values for instance")
    return values


def encode(column: pd.Series, where: str) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Codes ``(n_rows,)``, -1 where missing, and the label of every code.

    Raises
    ------
    RequestError
        When the values are lists or the like.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        used = column.cat.remove_unused_categories()
        found, values = used.cat.codes.to_numpy(), pd.Series(used.cat.categories)
    else:
        try:
            found, unique = pd.factorize(column)
        except TypeError as error:
            raise RequestError(f"{where} holds nested values; put it under 'ignore'") from error
        values = pd.Series(unique)
    labels = [_label(value) for value in values]
    if is_number(values):
        ordered = [labels[position] for position in np.argsort(values.to_numpy(), kind="stable")]
    else:
        ordered = sorted(set(labels))
    code = {label: position for position, label in enumerate(ordered)}
    return np.array([*(code[label] for label in labels), -1], np.int64)[found], tuple(ordered)


def _label(value: Any) -> str:
    """Text of a value: the same for 2 and 2.0, since a missing neighbour turns one into the other."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)
