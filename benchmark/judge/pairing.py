"""From a table of records to pairs of errors: complete blocks, or a refusal that says what is missing."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from benchmark.errors import RequestError, nearest

__all__ = [
    "COORDINATE",
    "MEASURED",
    "UNSTATED",
    "Arm",
    "Excluded",
    "aligned",
    "impute",
    "left_out",
    "pair",
    "tabulate",
    "without_controls",
]

Excluded = Collection[tuple[str, str] | tuple[str, str, str]]
"""Combinations that could not be run: (component, host), or (component, host, task)."""

Arm = tuple[str, str, int]
"""Whose rows: component, setting and replicate."""

UNSTATED = "unstated"
"""The setting of every row of a table that does not say how its arms were tuned."""

ARM = ["component", "setting", "replicate"]
COORDINATE = ["task", "host", "repeat", "fold", "seed"]
"""What names a block."""
DEFAULTS = {"host": "", "setting": UNSTATED, "role": "none", "status": "ok", "replicate": 0}
"""What an empty cell means. Elsewhere in a coordinate it is refused."""
MEASURED = [
    "error",
    "featureless_error",
    "test_errors",
    "n_train",
    "n_test",
    "fit_seconds",
    "peak_memory_mb",
    "pooled",
]
FIXED = (("origin", "task"), ("base_host", "host"))
"""What belongs to a task or a host, whatever the arm: never two of one."""
MISSING_SHOWN = 3


def tabulate(records: pd.DataFrame) -> pd.DataFrame:
    """The records as the judge reads them: every column there, one row per cell, in one fixed order.

    Rows of controls (of role ``control``) are left out: see ``judge.controls``.

    Needed are ``component``, ``task`` and ``error``. Coordinates become categories; ``error`` is NaN
    where the cell failed (a status other than ok, or no finite error); ``worst`` is the largest error
    of the task in the whole table; ``reference`` marks whole pipelines, which are never paired.
    A featureless error or a cost that is infinite or negative is not known. ``base_host`` is what a host is
    a variant of (the host itself unless the table says otherwise), ``rows`` the size of its task, ``width``
    that of its host; NaN where they are not told, or where a column of that name is something else (no
    number above 0, or not the same throughout a task or host).

    Raises
    ------
    RequestError
        When a needed column or a coordinate is missing, an error is negative or not a number, a task
        has two origins, or two rows are the same cell.
    """
    for name in ("component", "task", "error"):
        if name not in records.columns:
            raise RequestError(f"records: no column '{name}', {nearest(name, map(str, records.columns))}")
    records = without_controls(records)
    if records.empty:
        raise RequestError("records: the table has no rows")
    table = pd.DataFrame({name: _coordinate(records, name) for name in [*ARM, *COORDINATE, "role"]})
    origin = records.get("origin", records["task"]).astype("str").reset_index(drop=True)
    table["origin"] = _categories(origin.fillna(table["task"].astype("str")))
    base = records.get("base_host", records.get("host", table["host"])).astype("str").reset_index(drop=True)
    table["base_host"] = _categories(base.fillna(table["host"].astype("str")))
    for name, of in (("rows", "task"), ("width", "host")):
        table[name] = _sizes(records, name, table[of])
    for name in MEASURED:
        table[name] = _numbers(records, name)
    for name in ("featureless_error", "fit_seconds", "peak_memory_mb"):
        table[name] = table[name].where(np.isfinite(table[name]) & (table[name] >= 0))
    if (table["error"] < 0).any():
        row = int(np.flatnonzero(table["error"] < 0)[0])
        raise RequestError(f"records: error={table['error'][row]:g} in row {row}, an error is at least 0")
    ok = np.isfinite(table["error"]) & (_text(records, "status", "ok") == "ok")
    table["error"] = table["error"].where(ok)
    table["worst"] = table.groupby("task", observed=True)["error"].transform("max")
    table["reference"] = (table["role"] == "reference").to_numpy()
    return _in_order(table)


def without_controls(records: pd.DataFrame) -> pd.DataFrame:
    """The records but for those of control arms, whose labels were wrong on purpose."""
    if "role" not in records.columns:
        return records
    return records[(_text(records, "role", "") != "control").to_numpy()]


def pair(
    table: pd.DataFrame,
    candidate: str,
    baseline: str,
    setting: str,
    *,
    replicate: int = 0,
    excluded: Excluded = (),
) -> pd.DataFrame:
    """The blocks of two arms: one row per (task, host, repeat, fold, seed), in that order of keys.

    Every measured column comes twice, as ``error_candidate`` and ``error_baseline``. ``replicate``
    chooses the candidate's rows, so that a baseline is paired with its own A/A arms.

    Parameters
    ----------
    table : pandas.DataFrame
        What :func:`tabulate` returns.
    excluded : collection of (component, host) or (component, host, task)
        Combinations that could not be run: they are left out of both arms.

    Raises
    ------
    RequestError
        When an arm is unknown or a block is there in one arm only; counts and names the first ones.
    """
    arms = [(candidate, setting, replicate), (baseline, setting, 0)]
    ours, theirs = aligned(table, arms, excluded=excluded)
    blocks = theirs[["origin", "base_host", "rows", "width", *COORDINATE, "worst"]].reset_index(drop=True)
    for side, rows in (("candidate", ours), ("baseline", theirs)):
        for name in MEASURED:
            blocks[f"{name}_{side}"] = rows[name].to_numpy()
    return blocks


def aligned(table: pd.DataFrame, arms: Sequence[Arm], *, excluded: Excluded = ()) -> list[pd.DataFrame]:
    """The rows of each arm, the same blocks in the same order in all of them.

    Parameters
    ----------
    table : pandas.DataFrame
        What :func:`tabulate` returns.
    excluded : collection of (component, host) or (component, host, task)
        Combinations that could not be run: where one of the arms has one, it is left out of all.

    Raises
    ------
    RequestError
        When an arm is unknown or a block is not there in every arm; counts and names the first ones.
    """
    named = {component for component, _, _ in arms}
    places = [tuple(place) for component, *place in excluded if component in named]
    parts = [_without(_arm(table, *arm), places, arm[0]) for arm in arms]
    first = parts[0]
    for part in parts[1:]:
        if not all(np.array_equal(part[name].cat.codes, first[name].cat.codes) for name in COORDINATE):
            raise RequestError(_what_is_missing(arms, parts))
    return parts


def impute(blocks: pd.DataFrame) -> pd.DataFrame:
    """The blocks with an error for every failure, and ``failed_candidate``, ``failed_baseline``.

    A failure gets the worse of the split's featureless error and the other arm's error; where no
    featureless error is known, the task's worst error. It stays NaN where the table holds no error at
    all for the task: then both arms failed.
    """
    filled = blocks.copy()
    featureless = np.fmax(blocks["featureless_error_candidate"], blocks["featureless_error_baseline"])
    for side, other in (("candidate", "baseline"), ("baseline", "candidate")):
        failed = blocks[f"error_{side}"].isna()
        price = np.fmax(featureless, blocks[f"error_{other}"]).where(featureless.notna(), blocks["worst"])
        filled[f"failed_{side}"] = failed
        filled[f"error_{side}"] = blocks[f"error_{side}"].where(~failed, price)
    return filled


def _text(records: pd.DataFrame, name: str, default: str) -> pd.Series:
    if name not in records.columns:
        return pd.Series(default, index=range(len(records)), dtype="str")
    return records[name].astype("str").reset_index(drop=True).fillna(default)


def _categories(values: pd.Series) -> pd.Series:
    """Categories in sorted order, so that codes compare and sort like the values do."""
    return pd.Series(pd.Categorical(values, categories=sorted(values.unique())))


def _coordinate(records: pd.DataFrame, name: str) -> pd.Series:
    if name not in records.columns:
        return _categories(pd.Series(DEFAULTS.get(name, 0), index=range(len(records))))
    if name == "replicate":
        return _categories(pd.Series(np.nan_to_num(_numbers(records, name)).astype(int)))
    values = records[name].reset_index(drop=True)
    if not pd.api.types.is_integer_dtype(values) or name not in ("repeat", "fold", "seed"):
        values = values.astype("str")
    if name in DEFAULTS:
        values = values.fillna(DEFAULTS[name])
    if values.isna().any():
        rows = np.flatnonzero(values.isna())
        raise RequestError(f"records: column '{name}' is empty in {len(rows)} rows, first in row {rows[0]}")
    return _categories(values)


def _numbers(records: pd.DataFrame, name: str) -> np.ndarray:
    if name not in records.columns:
        return np.full(len(records), np.nan)
    values: np.ndarray = pd.to_numeric(records[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    wrong = np.flatnonzero(np.isnan(values) & records[name].notna().to_numpy())
    if len(wrong):
        raise RequestError(
            f"records: {name}={records[name].iloc[wrong[0]]!r} in row {wrong[0]} is not a number"
        )
    return values


def _sizes(records: pd.DataFrame, name: str, of: pd.Series) -> np.ndarray:
    """The column as sizes of tasks or hosts; NaN throughout where it cannot be that.

    A foreign table may call anything ``rows`` or ``width``, and no verdict needs either.
    """
    unknown = np.full(len(records), np.nan)
    if name not in records.columns:
        return unknown
    values = pd.to_numeric(records[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    sizes = records[name].isna().to_numpy() | (np.isfinite(values) & (values > 0))
    one_each = pd.Series(values).groupby(of, observed=True).nunique(dropna=False) == 1
    return values if sizes.all() and one_each.all() else unknown


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    keys = ["reference", *ARM, *COORDINATE]
    codes = [table["reference"].to_numpy(), *(table[name].cat.codes.to_numpy() for name in keys[1:])]
    order = np.lexsort(codes[::-1])
    table = table.take(order).reset_index(drop=True)
    same = np.logical_and.reduce([np.diff(code[order].astype(int)) == 0 for code in codes])
    if same.any():
        first = table.iloc[int(np.flatnonzero(same)[0])]
        raise RequestError(f"records: {same.sum()} rows repeat a cell, first {_named(first, keys[1:])}")
    for name, of in FIXED:
        pairs = table[[of, name]].drop_duplicates()
        if (twice := pairs[of].duplicated()).any():
            one = pairs.loc[twice, of].iloc[0]
            raise RequestError(f"records: {of} '{one}' has more than one {name}, a {of} has one")
    return table


def _named(row: pd.Series, names: list[str]) -> str:
    return " ".join(f"{name}={row[name]}" for name in names if row[name] != "")


def _arm(table: pd.DataFrame, component: str, setting: str, replicate: int) -> pd.DataFrame:
    mine = ((table["component"] == component) & ~table["reference"]).to_numpy()
    if not mine.any():
        known = table.loc[~table["reference"], "component"].unique()
        raise RequestError(f"records: no component '{component}', {nearest(component, known)}")
    chosen = mine & (table["setting"] == setting).to_numpy()
    if not chosen.any():
        known = table.loc[mine, "setting"].unique()
        raise RequestError(f"records: '{component}' has no setting '{setting}', {nearest(setting, known)}")
    rows = table[chosen & (table["replicate"] == replicate).to_numpy()]
    if rows.empty:
        raise RequestError(f"records: '{component}' has no rows of replicate {replicate} ({setting})")
    return rows


def _without(rows: pd.DataFrame, places: list[tuple[str, ...]], component: str) -> pd.DataFrame:
    out = left_out(rows, places)
    if out.all():
        raise RequestError(f"records: nothing of '{component}' is left outside the excluded combinations")
    return rows[~out]


def left_out(rows: pd.DataFrame, places: Sequence[tuple[str, ...]]) -> np.ndarray:
    """Which rows, ``(n_rows,)``, lie in one of the places, each of them (host,) or (host, task)."""
    hosts = [place[0] for place in places if len(place) == 1]
    cells = [place for place in places if len(place) == 2]
    found: np.ndarray = rows["host"].isin(hosts).to_numpy()
    if cells:
        found = found | pd.MultiIndex.from_frame(rows[["host", "task"]]).isin(cells)
    return found


def _what_is_missing(arms: Sequence[Arm], parts: Sequence[pd.DataFrame]) -> str:
    every = pd.concat([part[COORDINATE] for part in parts]).drop_duplicates()
    lines = []
    for (component, _, _), part in zip(arms, parts, strict=True):
        there = pd.MultiIndex.from_frame(every).isin(pd.MultiIndex.from_frame(part[COORDINATE]))
        lacking = every[~there].sort_values(COORDINATE)
        if len(lacking):
            shown = lacking.head(MISSING_SHOWN).apply(_named, axis=1, names=COORDINATE)
            more = f" and {len(lacking) - len(shown)} more" if len(lacking) > len(shown) else ""
            lines.append(
                f"'{component}' lacks {len(lacking)} of {len(every)} blocks: {'; '.join(shown)}{more}"
            )
    settings = ", ".join(dict.fromkeys(setting for _, setting, _ in arms))
    if len(lines) > MISSING_SHOWN:
        lines = [*lines[:MISSING_SHOWN], f"and {len(lines) - MISSING_SHOWN} more components lack some"]
    return f"records: incomplete blocks ({settings}): " + "; ".join(lines)
