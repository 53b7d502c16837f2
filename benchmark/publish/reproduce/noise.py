"""How far apart the errors of one computation lie when only its randomness changes, by a study's records."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
import pandas as pd

from benchmark.errors import RequestError
from benchmark.judge.effects import relative

__all__ = ["BLOCK", "ROUNDING", "aa_pairs", "effects", "limits", "seed_pairs", "strata_of", "values"]

BLOCK = ["task", "host", "repeat", "fold"]
ROUNDING = 1e-6
"""Relative differences up to here are the arithmetic of another processor, and count as none."""

_CELL = [*BLOCK, "setting"]


def values(status: pd.Series, error: pd.Series) -> np.ndarray:
    """The error where there is one, infinity where a fit failed or diverged, NaN where it did not end."""
    numbers = pd.to_numeric(error).to_numpy(dtype=float, na_value=np.nan)
    found: np.ndarray = np.where(status.isin(["failed", "diverged"]), np.inf, numbers)
    return np.where(status.isin(["ok", "failed", "diverged"]), found, np.nan)


def effects(then: np.ndarray, now: np.ndarray) -> np.ndarray:
    """(then − now) / max(then, now); 0 for two zeros or two failures, ±1 for one failure, NaN for unknown."""
    failed, failed_now = np.isinf(then), np.isinf(now)
    found = relative(np.where(failed, np.nan, then), np.where(failed_now, np.nan, now))
    found = np.where(np.isnan(then) | np.isnan(now), np.nan, found)
    found = np.where(failed & failed_now, 0.0, found)
    found = np.where(failed & np.isfinite(now), 1.0, found)
    return np.where(np.isfinite(then) & failed_now, -1.0, found)


def aa_pairs(records: pd.DataFrame) -> pd.DataFrame:
    """Every baseline cell against its A/A replicates, and these against each other.

    Columns: component, origin, task, host, repeat, fold, setting, seed, first, second (replicates), effect,
    apart: true in pairs of which no two share a replicate, taken two by two from the last.
    """
    rows = records[records["role"].isin(["baseline", "aa"])]
    replicates = sorted(set(rows["replicate"]))
    apart = set(zip(replicates[-2::-2], replicates[::-2], strict=False))
    pairs = itertools.combinations(replicates, 2)
    return _pairs(rows, ["component", "origin", *_CELL, "seed"], "replicate", pairs, apart)


def seed_pairs(records: pd.DataFrame) -> pd.DataFrame:
    """One arm's cells, two seeds by two: the noise of the arm itself. Columns as in :func:`aa_pairs`."""
    seeds = sorted(set(records["seed"]))
    pairs = list(zip(seeds[::2], seeds[1::2], strict=False))
    return _pairs(records, ["component", "origin", *_CELL, "replicate"], "seed", pairs, set(pairs))


def _pairs(
    rows: pd.DataFrame,
    place: list[str],
    across: str,
    pairs: Iterable[tuple[int, int]],
    apart: set[tuple[int, int]],
) -> pd.DataFrame:
    if rows.duplicated([*place, across]).any():
        raise RequestError("the study's records have a cell twice")
    valued = rows.assign(value=values(rows["status"], rows["error"]))
    wide = valued.pivot(index=place, columns=across, values="value")
    found = [pd.DataFrame({name: [] for name in [*place, "first", "second", "effect", "apart"]})]
    for first, second in pairs:
        effect = effects(wide[first].to_numpy(), wide[second].to_numpy())
        pair = wide.index.to_frame(index=False)
        pair = pair.assign(first=first, second=second, effect=effect, apart=(first, second) in apart)
        found.append(pair[pair["effect"].notna()])
    return pd.concat(found[1:] or found, ignore_index=True)


def limits(cells: pd.DataFrame, pairs: pd.DataFrame) -> np.ndarray:
    """For every cell the largest |A/A effect| of its task, host and setting, or of its task alone.

    At least :data:`ROUNDING`; NaN where the task has no A/A cells.
    """
    found = np.full(len(cells), np.nan)
    if pairs.empty:
        return found
    for place in (["task", "host", "setting"], ["task", "setting"], ["task"]):
        sizes = pairs["effect"].abs().groupby([pairs[name] for name in place])
        here = cells[place].merge(sizes.max().reset_index(), on=place, how="left")["effect"]
        found = np.where(np.isnan(found), here.to_numpy(dtype=float), found)
    return np.where(found < ROUNDING, ROUNDING, found)


def strata_of(cells: pd.DataFrame, pairs: pd.DataFrame) -> list[tuple[np.ndarray, np.ndarray]]:
    """Mean |effect| of the cells' blocks and of the pairs' blocks, by task and host.

    A host without pairs is held against those of the task's other hosts; a task without any is left out.
    A block is one number, since its cells share their tuning, and pairs are used that share no fit.
    """
    if pairs.empty:
        return []
    pairs = pairs[pairs["apart"] & pairs["setting"].isin(set(cells["setting"]))]
    kind = ["component", "replicate" if "replicate" in pairs else "first"]
    controls = _sizes(pairs, kind)
    by_host = {place: group["size"].to_numpy() for place, group in controls.groupby(["task", "host"])}
    by_task = {task: group["size"].to_numpy() for task, group in controls.groupby("task")}
    found = []
    for (task, host), group in _sizes(cells, ["replicate"]).groupby(["task", "host"]):
        beside = by_host.get((task, host), by_task.get(task))
        if beside is not None:
            found.append((group["size"].to_numpy(), beside))
    return found


def _sizes(rows: pd.DataFrame, kind: list[str]) -> pd.DataFrame:
    size = rows["effect"].abs()
    size = size.where(size > ROUNDING, 0.0).rename("size")
    return size.groupby([rows[name] for name in [*BLOCK, *kind]]).mean().reset_index()
