"""The paired effect: once per (task, host), after averaging errors over splits and seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["SATURATED_BELOW", "by_host", "by_task_and_host", "grid", "leave_one_out", "relative"]

SATURATED_BELOW = 5
"""Fewer test errors than this in both arms, and a task cannot tell them apart any more."""

PLACE = ["origin", "task", "host"]


def relative(baseline: np.ndarray, candidate: np.ndarray) -> np.ndarray:
    """Δ = (baseline − candidate) / max(baseline, candidate), in [−1, 1]; 0 for two zeros or two NaN."""
    larger = np.maximum(baseline, candidate)
    effect: np.ndarray = np.zeros_like(larger)
    np.divide(baseline - candidate, larger, out=effect, where=larger > 0)
    return effect


def by_task_and_host(blocks: pd.DataFrame) -> pd.DataFrame:
    """One row per (task, host), sorted by origin, task and host.

    Columns: origin, task, host, effect, error_candidate, error_baseline (means over splits and seeds),
    complete_case (the effect over blocks in which neither arm failed; NaN without one), improvement
    (share of blocks the candidate wins, ties counting half), blocks, imputed (whether any block was),
    saturated (a property of the task, over its hosts).

    Parameters
    ----------
    blocks : pandas.DataFrame
        What ``impute`` returns.
    """
    sides = ("candidate", "baseline")
    errors = [f"error_{side}" for side in sides]
    wins = np.sign(blocks["error_baseline"] - blocks["error_candidate"]).fillna(0.0)
    failed = blocks["failed_candidate"] | blocks["failed_baseline"]
    complete = blocks[errors].where(~failed).add_prefix("complete_")
    columns = [blocks[PLACE + errors], complete, wins.rename("won"), failed.rename("imputed")]
    groups = pd.concat(columns, axis=1).groupby(PLACE, observed=True, sort=True)
    means = groups.mean()
    effects = means[errors].copy()
    effects["effect"] = relative(*_pair(means, "error_baseline", "error_candidate"))
    clean = means["complete_error_baseline"].notna()
    between = relative(*_pair(means, "complete_error_baseline", "complete_error_candidate"))
    effects["complete_case"] = np.where(clean, between, np.nan)
    effects["improvement"] = 0.5 + means["won"] / 2
    effects["blocks"] = groups.size()
    effects["imputed"] = means["imputed"] > 0
    effects["saturated"] = _saturated(blocks, effects.index)
    effects = effects.reset_index()
    return effects.astype({name: "str" for name in PLACE})


def _pair(means: pd.DataFrame, first: str, second: str) -> tuple[np.ndarray, np.ndarray]:
    return means[first].to_numpy(dtype=float), means[second].to_numpy(dtype=float)


def _saturated(blocks: pd.DataFrame, index: pd.MultiIndex) -> np.ndarray:
    """Whether both arms make fewer than five errors in one pass over the task's test rows.

    A pass is every fold of one repeat and one seed; passes and hosts are averaged.
    """
    counts = [f"test_errors_{side}" for side in ("candidate", "baseline")]
    if blocks[counts].isna().all(axis=None):
        return np.zeros(len(index), dtype=bool)
    known = blocks[["task", *counts]].fillna({name: np.inf for name in counts})
    totals = known.groupby("task", observed=True)[counts].sum()
    passes = blocks[["task", "host", "repeat", "seed"]].drop_duplicates()
    passes = passes.groupby("task", observed=True).size()
    few = (totals.div(passes, axis=0) < SATURATED_BELOW).all(axis=1)
    return np.asarray(few.reindex(index.get_level_values("task")), dtype=bool)


def grid(effects: pd.DataFrame, column: str = "effect") -> np.ndarray:
    """The effects as ``(n_origins, n_hosts)``: tasks of one origin averaged; NaN where there is none.

    Origins without any value are left out.
    """
    table = effects.groupby(["origin", "host"], sort=True)[column].mean().unstack("host")
    return np.asarray(table.dropna(how="all"), dtype=float)


def by_host(effects: pd.DataFrame) -> dict[str, np.ndarray]:
    """Each host's effects by origin, ``(n_origins,)``, hosts in sorted order."""
    means = effects.groupby(["host", "origin"], sort=True)["effect"].mean()
    hosts = means.groupby(level="host", sort=True)
    return {str(host): np.asarray(values, dtype=float) for host, values in hosts}


def leave_one_out(effects: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Mean effects without each task ``(n_tasks,)`` and without each host ``(n_hosts,)``.

    Empty where only one is there. Every mean is over origins of the mean over hosts of the mean over
    the origin's tasks, as the whole effect is.
    """
    table = effects.pivot(index=["origin", "task"], columns="host", values="effect").sort_index()
    values = table.to_numpy(dtype=float)
    origin = table.index.get_level_values("origin").factorize()[0]
    seen = ~np.isnan(values)
    totals = np.zeros((origin.max() + 1, values.shape[1]))
    counts = np.zeros_like(totals)
    np.add.at(totals, origin, np.where(seen, values, 0.0))
    np.add.at(counts, origin, seen)
    hosts = range(values.shape[1]) if values.shape[1] > 1 else ()
    without_host = [_mean_of_origins(np.delete(totals, h, 1), np.delete(counts, h, 1)) for h in hosts]
    if len(values) == 1:
        return np.empty(0), np.array(without_host)
    whole = _origin_means(totals, counts)
    rest = _origin_means(totals[origin] - np.where(seen, values, 0.0), counts[origin] - seen)
    left = len(whole) - np.isnan(rest)
    without_task = (whole.sum() - whole[origin] + np.nan_to_num(rest)) / np.maximum(left, 1)
    return without_task, np.array(without_host)


def _origin_means(totals: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean over hosts of the mean over tasks, ``(n_origins,)``; NaN for an origin with nothing left."""
    seen = counts > 0
    cells = np.divide(totals, counts, out=np.zeros_like(totals), where=seen)
    hosts = seen.sum(axis=1)
    means = np.full(len(cells), np.nan)
    np.divide(cells.sum(axis=1), hosts, out=means, where=hosts > 0)
    return means


def _mean_of_origins(totals: np.ndarray, counts: np.ndarray) -> float:
    return float(np.nanmean(_origin_means(totals, counts)))
