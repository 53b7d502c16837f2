"""From raw sequences to a task, with labels or with their own future, or one clear line about why not."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmark.data import forecasting
from benchmark.data.labels import labels_of, labels_of_table, task_of
from benchmark.data.options import check_options
from benchmark.data.raw import Raw
from benchmark.data.taskdata import Ragged, TaskData
from benchmark.errors import RequestError
from benchmark.spec import Dataset

__all__ = ["to_task_data"]

Array = npt.NDArray[Any]


def to_task_data(raw: Raw, dataset: Dataset, where: str) -> TaskData:
    """Sequences ``(time, channels)`` of unequal length with their labels, or windows of one series.

    In a table, every column of lists is a channel, in the table's order; in arrays, the last axis is the
    channels, and a flat sequence has one.

    Raises
    ------
    RequestError
        For sequences without steps, of missing values or of channels that do not fit each other, and for
        labels that do not fit; the line begins with ``where``. Of a series, as
        :func:`benchmark.data.forecasting.to_task_data`.
    """
    if (dataset.task_type or raw.task_type) == "forecasting":
        return forecasting.to_task_data(raw, dataset, where)
    check_options(dataset, (), where)
    place = f"{where}: location: '{dataset.location}'"
    notes: tuple[str, ...] = ()
    if isinstance(raw.inputs, pd.DataFrame):
        frame, labels = labels_of_table(raw, dataset, where)
        rows, notes = _rows_of_table(frame, where, place)
    elif isinstance(raw.inputs, str):
        raise RequestError(f"{place} is one running text; say 'modality: text'")
    else:
        labels = labels_of(raw, dataset, len(raw.inputs), where)
        rows = [_steps(row, f"{place}: row {number}") for number, row in enumerate(raw.inputs, 1)]
    return task_of(_checked(rows, place), "sequence", raw, labels, notes)


def _rows_of_table(frame: pd.DataFrame, where: str, place: str) -> tuple[list[Array], tuple[str, ...]]:
    """Every row's channels side by side, and a note about columns that are none."""
    channels = [name for name in frame.columns if _holds_lists(frame[name])]
    if not channels:
        raise RequestError(f"{place} has no column of lists; a channel is a column with a list in every row")
    others = [f"'{name}'" for name in frame.columns if name not in channels]
    one_a_row = f"{', '.join(others)}: one value a row and no sequence, left out"
    columns = [_lists(frame[name], f"{where}: column '{name}'") for name in channels]
    rows = []
    for number, values in enumerate(zip(*columns, strict=True), 1):
        lengths = [len(value) for value in values]
        if len(set(lengths)) > 1:
            found = ", ".join(f"'{name}' {length}" for name, length in zip(channels, lengths, strict=True))
            raise RequestError(f"{place}: the channels of row {number} are of unequal length: {found} steps")
        rows.append(np.column_stack(values))
    return rows, (one_a_row,) if others else ()


def _holds_lists(column: pd.Series) -> bool:
    first = column.first_valid_index()
    return first is not None and isinstance(column[first], (list, tuple, np.ndarray))


def _lists(column: pd.Series, where: str) -> list[Array]:
    """The values of one channel, each ``(time,)``."""
    found = []
    for number, value in enumerate(column, 1):
        steps = _floats(value, f"{where}: row {number}")
        if steps.ndim != 1:
            what = "no list" if steps.ndim == 0 else "lists of lists"
            raise RequestError(f"{where}: row {number} holds {what}; a channel is one list of numbers a row")
        found.append(steps)
    return found


def _steps(row: Any, where: str) -> Array:
    """One sequence ``(time, channels)``."""
    steps = _floats(row, where)
    if steps.ndim not in (1, 2):
        shape = " x ".join(map(str, steps.shape)) or "one number"
        raise RequestError(f"{where} is {shape}; a sequence is time x channels")
    return steps[:, np.newaxis] if steps.ndim == 1 else steps


def _floats(values: Any, where: str) -> Array:
    try:
        # What float32 cannot hold becomes infinite, and is refused as such.
        with np.errstate(over="ignore"):
            return np.asarray(values, np.float32)
    except (TypeError, ValueError) as error:
        raise RequestError(f"{where} holds what is no number: {error}") from error


def _checked(rows: list[Array], where: str) -> Ragged:
    """The sequences in one array, if each has steps, all the same channels, and no value is missing."""
    for number, row in enumerate(rows, 1):
        if not row.size:
            raise RequestError(f"{where}: row {number} is empty; a sequence has at least one step: remove it")
        if row.shape[1] != rows[0].shape[1]:
            found = f"row {number} has {row.shape[1]} channels, and row 1 has {rows[0].shape[1]}"
            raise RequestError(f"{where}: {found}; all rows have the same")
    sequences = Ragged.of_arrays(rows)
    bad = np.flatnonzero(~np.isfinite(sequences.values).all(axis=1))
    if len(bad):
        first = np.searchsorted(sequences.offsets, bad[0], side="right")
        found = f"{len(bad)} steps, first in row {first}"
        raise RequestError(f"{where}: a value is missing or infinite in {found}; fill them or leave rows out")
    return sequences
