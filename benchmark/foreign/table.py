"""Somebody's table as records of the judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.errors import RequestError, nearest
from benchmark.foreign.columns import COMMON, Asked, Layout, column, settle
from benchmark.foreign.files import SEPARATORS, load
from benchmark.foreign.missing import complete
from benchmark.foreign.values import as_errors, decimal_commas, mostly_text, names, numbers, whole
from benchmark.judge.pairing import MEASURED, without_controls

__all__ = ["Foreign", "method_of", "read", "read_table", "told"]

OPTIONAL_NUMBERS = {"seconds": "fit_seconds", "n_train": "n_train", "n_test": "n_test"}
OWN_NUMBERS = ("replicate", "rows", "width", *(name for name in MEASURED if name != "pooled"))
"""Columns of Swapbench's own records that are text in a CSV."""
SHOWN = 3


@dataclass(frozen=True, eq=False)
class Foreign:
    """A table as the judge reads it, and how it was read."""

    name: str
    """The file's name without its endings."""
    records: pd.DataFrame
    """One row per cell, columns as ``judge.compare`` wants them; ``error`` is NaN where it failed."""
    methods: tuple[str, ...]
    """In the order in which the table has them, references of Swapbench's own records left out."""
    metric: str
    """The column of errors or scores, or what Swapbench's own records say."""
    layout: Layout
    rows: int
    """Of the table, those that ``where`` left out not counted."""
    notes: tuple[str, ...]
    """What was told by the columns' names or otherwise inferred, a line each."""


def read_table(
    table: Path | str | pd.DataFrame,
    *,
    missing: str = "refuse",
    wide: bool = False,
    higher_is_better: bool = False,
    best: float | None = None,
    test_to_train: float | None = None,
    methods: Iterable[str] = (),
    **columns: str,
) -> pd.DataFrame:
    """Somebody's results as records for ``compare`` and ``judge_study``: one row per cell.

    Parameters
    ----------
    table : path or pandas.DataFrame
        A CSV (also separated by semicolons or tabs, also .gz) or Parquet file, or the table itself; long
        (one row per result) or wide (one column per method).
    missing : str
        What to do where a method has no row for a block that another has: ``refuse``, ``fail`` (count it as
        a failure) or ``drop`` (leave the block out of every method).
    wide : bool
        Every column that is no coordinate is a method.
    higher_is_better, best
        The values are scores; an error is ``best`` (1 unless given) minus the score.
    test_to_train : float, optional
        Test rows divided by training rows of a split, for the corrected test of a single data set.
    methods : iterable of str
        Only these need to have all blocks; every method unless given.
    **columns : str
        Names of columns by role: dataset, origin, method, host, split (``"Rep,Fold"`` for two), seed,
        setting, error, score, seconds. The others are known by common names.

    Raises
    ------
    RequestError
        In one line, where the table cannot be read as results.
    """
    asked = Asked(
        columns,
        wide=wide,
        higher_is_better=higher_is_better,
        best=best,
        test_to_train=test_to_train,
        methods=tuple(methods),
    )
    found = read(table, asked)
    arms = [method_of(found, one) for one in asked.methods] or found.methods
    return complete(found.records, arms, missing, found.name).records


def method_of(found: Foreign, asked: str) -> str:
    """The method of that name.

    Raises
    ------
    RequestError
        When the table has none; names the nearest, or the option that may have been forgotten.
    """
    if asked in found.methods:
        return asked
    if found.layout.form == "long" and asked in found.layout.unread:
        raise RequestError(f"{found.name}: '{asked}' is a column and no method: --wide")
    raise RequestError(f"{found.name}: no method '{asked}', {nearest(asked, found.methods)}")


def read(table: Path | str | pd.DataFrame, asked: Asked) -> Foreign:
    """The table as records, read as ``asked`` says and by its columns' names where it does not.

    Raises
    ------
    RequestError
        In one line, where the table cannot be read as results.
    """
    name, frame, separator = _loaded(table)
    frame = _where(frame, asked.where, name)
    if frame.empty:
        raise RequestError(f"{name}: the table has no rows{' that --where leaves' if asked.where else ''}")
    layout = settle(list(frame.columns), mostly_text(frame), asked, name)
    frame = without_controls(frame) if layout.form == "records" else frame
    measured = [
        *layout.values,
        *(layout.columns[role] for role in OPTIONAL_NUMBERS if role in layout.columns),
    ]
    comma = separator in (";", "\t") and decimal_commas(frame, measured, name)
    values = _values(frame, layout, asked, name, comma)
    records = (
        _own(frame, layout, values) if layout.form == "records" else _records(frame, layout, values, name)
    )
    for role, known in OPTIONAL_NUMBERS.items():
        if role in layout.columns:
            counted = numbers(frame, layout.columns[role], name, comma=comma)
            records[known] = np.tile(counted, len(records) // len(frame))
    _add_ratio(records, asked.test_to_train, name)
    if layout.form != "records":
        _refuse_repeats(records, frame, layout, name)
    ranked = records if "role" not in records.columns else records[records["role"] != "reference"]
    return Foreign(
        name=_stem(name),
        records=records,
        methods=tuple(dict.fromkeys(ranked["component"].astype("str"))),
        metric=_metric(frame, layout, asked),
        layout=layout,
        rows=len(frame),
        notes=tuple(_notes(layout, asked, separator, comma, name)),
    )


def _loaded(table: Path | str | pd.DataFrame) -> tuple[str, pd.DataFrame, str]:
    """Name, table with rows numbered from 0, separator."""
    if isinstance(table, pd.DataFrame):
        named = any(name is not None for name in table.index.names)
        frame = table.reset_index(drop=not named)
        frame.columns = [str(one) for one in frame.columns]
        if twice := frame.columns[frame.columns.duplicated()].tolist():
            raise RequestError(f"table: two columns are called '{twice[0]}', each needs a name of its own")
        return "table", frame, ""
    path = Path(table)
    frame, separator = load(path)
    return path.name, frame, separator


def _stem(name: str) -> str:
    return name.removesuffix(".gz").rpartition(".")[0] or name


def _where(frame: pd.DataFrame, wanted: Mapping[str, str], name: str) -> pd.DataFrame:
    for asked, value in wanted.items():
        at = column(asked, list(frame.columns), name, "--where")
        cells = frame[at].astype("str").str.strip()
        if not (cells == value).any():
            raise RequestError(
                f"{name}: no '{value}' in column '{at}', {nearest(value, set(cells.dropna()))}"
            )
        frame = frame[(cells == value).to_numpy()]
    return frame


def _values(frame: pd.DataFrame, layout: Layout, asked: Asked, name: str, comma: bool) -> np.ndarray:
    """Errors as ``(n_rows, n_values)``."""
    hint = "; the cell of a failed run is empty"
    if layout.form == "wide":
        hint += ", a column that is no method is named by its option, or by --ignore"
    read = {one: numbers(frame, one, name, comma=comma, hint=hint) for one in layout.values}
    best = 1.0 if asked.best is None else asked.best
    scores = pd.DataFrame(read, index=frame.index)
    return as_errors(scores, name, higher_is_better=asked.higher_is_better, best=best)


def _records(frame: pd.DataFrame, layout: Layout, errors: np.ndarray, name: str) -> pd.DataFrame:
    at = layout.columns
    known = {"task": "dataset", "origin": "origin", "host": "host", "setting": "setting"}
    records = pd.DataFrame({one: names(frame, at[role], name) for one, role in known.items() if role in at})
    for one in ("repeat", "fold", "seed"):
        if one in at:
            records[one] = whole(names(frame, at[one], name))
    if "task" not in records.columns:
        records["task"] = pd.Series(_stem(name), index=frame.index, dtype="str")
    if layout.form == "long":
        records.insert(0, "component", names(frame, at["method"], name))
    else:
        methods = [one.strip() for one in layout.values]
        records = pd.concat([records.assign(component=one) for one in methods])
    records = records.reset_index(drop=True).assign(error=errors.T.ravel())
    return records.assign(status=np.where(records["error"].isna(), "failed", "ok"))


def _own(frame: pd.DataFrame, layout: Layout, errors: np.ndarray) -> pd.DataFrame:
    """Swapbench's own records as they are, but for the columns that were named otherwise."""
    records = frame.reset_index(drop=True)
    for one in OWN_NUMBERS:
        if one in frame.columns and one not in layout.values:
            records[one] = numbers(frame, one, "records")
    if "pooled" in frame.columns:
        records["pooled"] = frame["pooled"].astype("str").str.casefold().isin(["true", "1", "1.0"]).to_numpy()
    for role, one in layout.columns.items():
        known = {"dataset": "task", "method": "component"}.get(role, role)
        if role not in ("error", "score", *OPTIONAL_NUMBERS) and one != known:
            records[known] = names(frame, one, "records").to_numpy()
    return records.assign(error=errors[:, 0])


def _add_ratio(records: pd.DataFrame, test_to_train: float | None, name: str) -> None:
    if test_to_train is None:
        return
    if not 0 < test_to_train < np.inf:
        raise RequestError(f"--test-to-train {test_to_train:g}: test rows divided by training rows, above 0")
    if {"n_train", "n_test"} <= set(records.columns):
        raise RequestError(f"{name}: its columns n_train and n_test tell what --test-to-train is asked for")
    records["n_train"], records["n_test"] = 1.0, test_to_train


def _refuse_repeats(records: pd.DataFrame, frame: pd.DataFrame, layout: Layout, name: str) -> None:
    keys = [
        one for one in ("component", "task", "host", "setting", "repeat", "fold", "seed") if one in records
    ]
    repeated = records.duplicated(keys).to_numpy()
    if not repeated.any():
        return
    second = int(np.flatnonzero(repeated)[0])
    first = int(np.flatnonzero((records[keys] == records.loc[second, keys]).all(axis=1))[0])
    cell = " ".join(f"{one}={records.loc[second, one]}" for one in keys)
    rows = " and ".join(str(frame.index[place % len(frame)] + 1) for place in (first, second))
    cells = frame.assign(**{f" {one}": records[one].to_numpy() for one in keys}) if layout.unread else frame
    apart = [one for one in layout.unread if not cells.duplicated([*(f" {key}" for key in keys), one]).any()]
    option = next((role for one in apart for role in ("host", "setting") if one in COMMON[role]), "seed")
    hint = f"column '{apart[0]}' would: --{option} {apart[0]}" if apart else "none of its other columns would"
    many = f"{repeated.sum()} rows repeat" if repeated.sum() > 1 else "1 row repeats"
    raise RequestError(
        f"{name}: {many} a cell, first {cell} (rows {rows}); --split, --seed, --host or --setting COL tells"
        f" such rows apart ({hint})"
    )


def _metric(frame: pd.DataFrame, layout: Layout, asked: Asked) -> str:
    if layout.form == "long" or "score" in layout.columns:
        return layout.values[0]
    if layout.form == "wide":
        return "score" if asked.higher_is_better else "error"
    told = frame.get("metric", pd.Series(dtype="str")).dropna().astype("str")
    return ", ".join(sorted(set(told) - {""})) or "error"


def _notes(layout: Layout, asked: Asked, separator: str, comma: bool, name: str) -> list[str]:
    notes = []
    if layout.form == "records":
        notes.append("read as: records of Swapbench")
    elif layout.guessed or layout.form == "wide":
        read = [f"{role}={layout.columns[role]}" for role in COMMON if role in layout.columns]
        if layout.form == "wide":
            read.append(f"one column per method: {_some(layout.values)}")
            way = "scores, higher is better" if asked.higher_is_better else "errors, smaller is better"
            read.append(f"their values {way}")
        notes.append(f"read as: {', '.join(read)}")
    if separator in (";", "\t"):
        commas = ", 0,5 as 0.5" if comma else ""
        notes.append(f"read as separated by {SEPARATORS[separator]}s{commas}")
    if "dataset" not in layout.columns:
        notes.append(f"no column names data sets: all rows are of one, '{_stem(name)}'")
    if layout.unread and layout.guessed:
        notes.append(f"not read: {_some(layout.unread)}")
    return notes


def _some(columns: tuple[str, ...]) -> str:
    more = f" and {len(columns) - SHOWN} more" if len(columns) > SHOWN + 1 else ""
    return ", ".join(columns[:SHOWN] if more else columns) + more


def told(found: Foreign) -> dict[str, Any]:
    """How the table was read, as plain values."""
    return {
        "form": found.layout.form,
        "columns": dict(sorted(found.layout.columns.items())),
        "guessed": sorted(found.layout.guessed),
        "methods": len(found.methods),
        "rows": found.rows,
    }
