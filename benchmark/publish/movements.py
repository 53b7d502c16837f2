"""What became of every cell from one table of records to another, matched by coordinate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmark.records.schema import COORDINATE

__all__ = ["KINDS", "Cells", "Group", "Largest", "cells_of"]

KINDS: Mapping[str, str] = {
    "status": "another status",
    "error": "another error or metric",
    "recomputed": "another key, the same outcome",
    "added": "only afterwards",
    "gone": "only before",
    "same": "the same key and outcome",
}
"""What can become of a cell."""
_GROUP = ["role", "component", "task"]
_PLACE = ["host", "task", "setting"]
_NUMBER = 1e-9
"""Relative difference up to which two numbers are one."""


@dataclass(frozen=True, slots=True)
class Largest:
    """The cell whose error changed most."""

    coordinate: Mapping[str, Any]
    before: float
    after: float
    change: float
    """(after − before) over the larger one of both."""


@dataclass(frozen=True, slots=True)
class Group:
    """What became of the cells of one arm on one task; those that stayed the same are not counted."""

    role: str
    component: str
    task: str
    counts: Mapping[str, int]
    """By kind (KINDS), what is zero left out."""
    beyond: int | None
    """Changed errors beyond the A/A floor; None where no A/A arm ran there."""
    largest: Largest | None
    """None where no error changed."""


@dataclass(frozen=True, slots=True)
class Cells:
    """What became of all cells; false where every one has the same outcome."""

    counts: Mapping[str, int]
    """By kind, all of KINDS."""
    same_key: int
    """Changed cells whose key did not change: the same computation gave another outcome."""
    beyond: int | None
    """Changed errors beyond the floor: the largest change between the first side's A/A arms and their
    baseline in one cell of the same task, host and setting. None without A/A arms."""
    groups: tuple[Group, ...]
    """The largest change of an error first, then the most cells."""
    arms: frozenset[str]
    """Components with cells on both sides."""
    rekeyed: frozenset[str]
    """Those of which some cell has another key."""

    def __bool__(self) -> bool:
        return any(count for kind, count in self.counts.items() if kind not in ("same", "recomputed"))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            **{name: getattr(self, name) for name in ("counts", "same_key", "beyond")},
            "groups": [asdict(group) for group in self.groups],
        }


def cells_of(before: pd.DataFrame, after: pd.DataFrame) -> Cells:
    """What became of the cells of ``before`` in ``after``; both have ``RECORD_COLUMNS``."""
    metrics = sorted(
        {name for side in (before, after) for name in side.columns if str(name).startswith("metric_")}
    )
    both = _numbered(before, metrics).merge(
        _numbered(after, metrics),
        on=[*COORDINATE, "copy"],
        how="outer",
        suffixes=("_a", "_b"),
        indicator=True,
    )
    matched = (both["_merge"] == "both").to_numpy()
    rekeyed = matched & (both["key_a"] != both["key_b"]).to_numpy()
    other_status = matched & (both["status_a"] != both["status_b"]).to_numpy()
    moved = np.zeros(len(both), dtype=bool)
    for name in ("error", "score", *metrics):
        moved |= ~_close(both[f"{name}_a"].to_numpy(float), both[f"{name}_b"].to_numpy(float))
    moved &= matched & ~other_status
    conditions = [
        (both["_merge"] == "right_only").to_numpy(),
        (both["_merge"] == "left_only").to_numpy(),
        other_status,
        moved,
        rekeyed,
    ]
    both["kind"] = np.select(conditions, ["added", "gone", "status", "error", "recomputed"], "same")
    both["change"] = np.where(moved, _change(both["error_a"], both["error_b"]), 0.0)
    floor = _floors(before)
    where = pd.MultiIndex.from_frame(both[_PLACE])
    both["floor"] = floor.reindex(where).to_numpy(float) if len(floor) else np.nan
    return Cells(
        {kind: int((both["kind"] == kind).sum()) for kind in KINDS},
        int(((other_status | moved) & ~rekeyed).sum()),
        _beyond(both),
        _groups(both[both["kind"] != "same"]),
        frozenset(both.loc[matched, "component"]),
        frozenset(both.loc[rekeyed, "component"]),
    )


def _numbered(records: pd.DataFrame, metrics: list[str]) -> pd.DataFrame:
    """What is compared of the records; a coordinate that stands twice is told apart by ``copy``."""
    table = records.reindex(columns=[*COORDINATE, "key", "status", "error", "score", *metrics])
    for name in ("role", "component", "host", "task", "setting", "control"):
        table[name] = table[name].astype(object)
    for name in ("repeat", "fold", "seed", "replicate"):
        table[name] = table[name].astype("int64")
    return table.assign(copy=table.groupby(list(COORDINATE), sort=False).cumcount().astype("int64"))


def _change(a: pd.Series, b: pd.Series) -> np.ndarray:
    """The change from ``a`` to ``b`` over the larger one of both; 0 where one is missing."""
    old, new = a.to_numpy(float), b.to_numpy(float)
    scale = np.maximum(np.abs(old), np.abs(new))
    with np.errstate(invalid="ignore", divide="ignore"):
        change = (new - old) / scale
    return np.where(_close(old, new) | ~np.isfinite(change), 0.0, change)


def _close(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where two columns are equal within rounding, or both missing."""
    with np.errstate(invalid="ignore"):
        near = np.abs(a - b) <= _NUMBER * np.maximum(np.abs(a), np.abs(b))
    equal: np.ndarray = near | (a == b) | (np.isnan(a) & np.isnan(b))
    return equal


def _floors(records: pd.DataFrame) -> pd.Series:
    """The largest change in one cell between an A/A arm and its baseline, by host, task and setting."""
    cell = ["component", "host", "task", "repeat", "fold", "seed", "setting"]
    columns = [*cell, "error"]
    twins = records.loc[records["role"] == "aa", columns]
    first = records.loc[records["role"] == "baseline", columns]
    pairs = twins.merge(first, on=cell, suffixes=("_aa", "_first"))
    sizes = np.abs(_change(pairs["error_first"], pairs["error_aa"]))
    return pairs.assign(size=sizes).groupby(_PLACE)["size"].max()


def _beyond(cells: pd.DataFrame) -> int | None:
    """How many changed errors are beyond the floor; None where there is no floor."""
    if cells["floor"].isna().all():
        return None
    return int(((cells["kind"] == "error") & (cells["change"].abs() > cells["floor"])).sum())


def _groups(cells: pd.DataFrame) -> tuple[Group, ...]:
    groups = [
        Group(
            str(name[0]),
            str(name[1]),
            str(name[2]),
            {kind: int(count) for kind, count in part["kind"].value_counts(sort=False).items()},
            _beyond(part),
            _largest(part),
        )
        for name, part in cells.groupby(_GROUP, sort=True)
    ]
    return tuple(
        sorted(
            groups,
            key=lambda one: (
                -abs(one.largest.change) if one.largest else 0.0,
                -sum(one.counts.values()),
                (one.role, one.component, one.task),
            ),
        )
    )


def _largest(part: pd.DataFrame) -> Largest | None:
    sizes = part["change"].abs().to_numpy()
    if not sizes.any():
        return None
    row = part.iloc[int(sizes.argmax())]
    coordinate = {name: row[name] if isinstance(row[name], str) else int(row[name]) for name in COORDINATE}
    return Largest(coordinate, float(row["error_a"]), float(row["error_b"]), float(row["change"]))
