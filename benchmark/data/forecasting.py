"""From a series to a forecasting task: windows of the past, each with the values that follow it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmark.data.columns import floats, is_number, settled
from benchmark.data.options import check_options, whole_number
from benchmark.data.raw import Raw
from benchmark.data.roles import check_names, ranks
from benchmark.data.taskdata import Ragged, TaskData
from benchmark.errors import RequestError
from benchmark.spec import Dataset

__all__ = ["to_task_data"]

Array = npt.NDArray[Any]

_LONGEST_HORIZON = 12
"""Steps ahead of a series without a season where the card does not say it; fewer in a short series."""


class _Windows(NamedTuple):
    """How a series is cut, in steps."""

    context: int
    """Values before, which are seen."""
    horizon: int
    """Values after, which are predicted together."""
    season: int
    """Steps after which the series resembles itself, by which the others are chosen; 1: none known."""


def to_task_data(raw: Raw, dataset: Dataset, where: str) -> TaskData:
    """A window at every step of a series, in order: ``context`` values, to predict the next ``horizon``.

    The target is the first channel of the windows; further numeric columns, whose future is not seen, are the
    others. Windows that touch a missing value are left out.

    Raises
    ------
    RequestError
        For a table without the series, a time that does not increase, a series that is too short; the line
        begins with ``where``.
    """
    check_options(dataset, _Windows._fields, where)
    frame, target = _table(raw, dataset, where)
    ordered = _check_time(frame, dataset, where)
    windows = _windows_of(dataset, len(frame), where)
    series = _channels(frame, target, dataset, where)
    known = np.isfinite(series)
    complete = _before(known, windows).all(axis=(1, 2)) & _after(known, windows).all(axis=1)
    n_windows, n_rows = np.size(complete), int(np.count_nonzero(complete))
    if not n_rows:
        raise RequestError(f"{where}: location: every window of '{dataset.location}' touches a missing value")
    notes = [*raw.notes, *ordered, *_said(dataset, windows, len(series))]
    if n_rows < n_windows:
        left_out = f"{n_windows - n_rows} of {n_windows} windows"
        notes.append(f"{left_out} touch a missing value and are left out")
    inputs = _before(series.astype(np.float32), windows)[complete].reshape(-1, series.shape[1])
    return TaskData(
        Ragged(inputs, np.arange(n_rows + 1, dtype=np.int64) * windows.context),
        _after(series, windows)[complete],
        "forecasting",
        modality="sequence",
        time=np.arange(n_rows, dtype=np.int64),
        gap=windows.horizon - 1,
        origin=raw.origin,
        notes=tuple(notes),
    )


def _windows_of(dataset: Dataset, n_steps: int, where: str) -> _Windows:
    """How a series of ``n_steps`` values is cut: as the card's options say, else by its length.

    Without a word, the horizon is one season, or twelve steps where none is known, but at most a
    twentieth of the series; the context is two seasons or horizons, whichever is more.

    Raises
    ------
    RequestError
        When there is not a single window.
    """
    said = {name: whole_number(dataset, name, where) for name in _Windows._fields}
    season = said["season"] or 1
    horizon = said["horizon"] or max(1, min(season if season > 1 else _LONGEST_HORIZON, n_steps // 20))
    context = said["context"] or 2 * max(season, horizon)
    if n_steps < context + horizon:
        raise RequestError(
            f"{where}: location: '{dataset.location}' has {n_steps} values, and one window needs "
            f"{context + horizon}: context {context} and horizon {horizon}; set 'options' to less"
        )
    return _Windows(context, horizon, season)


def _said(dataset: Dataset, windows: _Windows, n_steps: int) -> list[str]:
    """The note about what the card left open."""
    found = [f"{name} {value}" for name, value in windows._asdict().items() if name not in dataset.options]
    return [f"{', '.join(found)}: chosen for {n_steps} values; 'options' sets them"] if found else []


def _table(raw: Raw, dataset: Dataset, where: str) -> tuple[pd.DataFrame, str]:
    """The table, and the name of the column to predict."""
    place = f"'{dataset.location}'"
    if not isinstance(raw.inputs, pd.DataFrame):
        raise RequestError(f"{where}: location: {place}: a series to forecast is a column of a table")
    for key in ("groups", "weights", "split", "test", "categorical"):
        if getattr(dataset, key):
            what = "one series, split by time, of numbers without weights"
            raise RequestError(f"{where}: {key}: a forecasting task is {what}; take this key out")
    frame = raw.inputs.rename(columns=str).reset_index(drop=True)
    target = raw.name_of_target(dataset.target)
    check_names(frame, dataset, target, where)
    return frame, target


def _check_time(frame: pd.DataFrame, dataset: Dataset, where: str) -> tuple[str, ...]:
    """Refuse rows that are not in the order of their times; a note where nothing says the order."""
    if dataset.time is None:
        return ("no 'time' column: rows are taken in the order of the table",)
    column = frame[dataset.time]
    place = f"{where}: time: column '{dataset.time}'"
    if column.isna().any():
        raise RequestError(f"{place} is missing in {column.isna().sum()} of {len(column)} rows; fill it in")
    steps = np.diff(ranks(column, place))
    if (steps <= 0).any():
        row = int((steps <= 0).argmax())
        order = f"row {row + 2} ({column.iloc[row + 1]}) is not after row {row + 1} ({column.iloc[row]})"
        raise RequestError(f"{place} does not increase: {order}; a series has one row a step, in order")
    return ()


def _channels(frame: pd.DataFrame, target: str, dataset: Dataset, where: str) -> Array:
    """The values ``(n_steps, channels)``, NaN where missing, the target first."""
    unseen = {target, dataset.time, *dataset.ignore} - set(dataset.numeric)
    columns = []
    for name in (target, *(column for column in frame.columns if column not in unseen)):
        place = f"{where}: {'target: ' if name == target else ''}column '{name}'"
        column = settled(frame[name])
        if not is_number(column):
            hint = "choose another column" if name == target else "put it under 'ignore' or 'time'"
            raise RequestError(f"{place} holds no numbers, and a series is made of numbers; {hint}")
        columns.append(floats(column, place))
    known = columns[0][~np.isnan(columns[0])]
    if not len(known) or (known == known[0]).all():
        raise RequestError(f"{where}: target: column '{target}' never changes; there is nothing to predict")
    return np.column_stack(columns)


def _before(series: Array, windows: _Windows) -> Array:
    """What each window sees, a view ``(n_windows, context, channels)``."""
    past = np.lib.stride_tricks.sliding_window_view(series[: -windows.horizon], windows.context, axis=0)
    return past.transpose(0, 2, 1)


def _after(series: Array, windows: _Windows) -> Array:
    """What each window asks for, a view ``(n_windows, horizon)``."""
    return np.lib.stride_tricks.sliding_window_view(series[windows.context :, 0], windows.horizon)
