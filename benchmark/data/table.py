"""From a raw table and its card to a tabular task, or one clear line about why there is nothing to learn."""

from __future__ import annotations

import pandas as pd

from benchmark.data.columns import target_of
from benchmark.data.inference import feature, notes_of
from benchmark.data.options import check_options
from benchmark.data.raw import Raw
from benchmark.data.roles import check_names, roles_of
from benchmark.data.taskdata import TaskData
from benchmark.errors import RequestError
from benchmark.spec import Dataset

__all__ = ["to_task_data"]


def to_task_data(raw: Raw, dataset: Dataset, where: str) -> TaskData:
    """The typed arrays of a raw table.

    Numbers become float64; text, bools and the columns under ``categorical`` become categories; dates become
    days since 1970. Columns that cannot teach anything (constant, empty, names of rows) are left out, and
    the notes say so, unless the card gives them a type or the source declares the types. Class codes follow
    the order of the labels: numbers by value, text by code point.

    Raises
    ------
    RequestError
        For a card that does not fit the table, and a table that nothing could be learned from; the line
        begins with ``where``.
    """
    check_options(dataset, (), where)
    frame = _frame(raw, dataset, where)
    name = raw.name_of_target(dataset.target)
    check_names(frame, dataset, name, where)
    target = target_of(frame[name], dataset.task_type or raw.task_type, where, lone=bool(raw.own))
    roles = roles_of(frame, raw, dataset, where)
    X, notes = _features(frame, raw.declared, dataset, name, where)
    return TaskData(
        X,
        target.y,
        target.task_type,
        target.classes,
        groups=roles.groups,
        time=roles.time,
        weights=roles.weights,
        own=roles.own,
        origin=raw.origin,
        notes=(*raw.notes, *target.notes, *notes),
    )


def _frame(raw: Raw, dataset: Dataset, where: str) -> pd.DataFrame:
    """The table, its columns named by different texts and its rows by their positions."""
    where = f"{where}: location: '{dataset.location}'"
    if not isinstance(raw.inputs, pd.DataFrame):
        held = "one running text" if isinstance(raw.inputs, str) else "no table"
        raise RequestError(f"{where} holds {held}; say 'modality: image', 'sequence' or 'text'")
    frame = raw.inputs.rename(columns=str).reset_index(drop=True)
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise RequestError(f"{where} has two columns '{twice}'; rename one")
    if not len(frame):
        raise RequestError(f"{where} has no rows")
    return frame


def _features(
    frame: pd.DataFrame, declared: bool, dataset: Dataset, target: str, where: str
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The columns that the task sees, in the table's order, and what was inferred of them."""
    words = {name: "categorical" for name in dataset.categorical} | dict.fromkeys(dataset.numeric, "numeric")
    roles = {dataset.groups, dataset.time} - set(words)
    unseen = {target, dataset.weights, dataset.split, *dataset.ignore, *roles}
    features = {
        name: feature(frame[name], words.get(name, ""), declared, where)
        for name in frame.columns
        if name not in unseen
    }
    notes = notes_of((name, found.reason) for name, found in features.items())
    kept = {name: found.values for name, found in features.items() if found.values is not None}
    if not kept:
        reason = f" ({'; '.join(notes)})" if notes else ""
        raise RequestError(f"{where}: location: no feature is left of '{dataset.location}'{reason}")
    # Without copying, every column stays the array that was read.
    return pd.DataFrame(kept, copy=False), notes
