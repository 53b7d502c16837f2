"""The paired effect: once per (task, host), after averaging errors over splits and seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = [
    "SATURATED_BELOW",
    "base_hosts",
    "by_host",
    "by_task_and_host",
    "grid",
    "leave_one_out",
    "over_hosts",
    "relative",
    "scaled",
]

SATURATED_BELOW = 5
"""Fewer test errors than this in both arms, and a task cannot tell them apart any more."""

PLACE = ["origin", "task", "host"]
ERRORS = ["error_candidate", "error_baseline"]
FAILED = ["failed_candidate", "failed_baseline"]


def relative(baseline: np.ndarray, candidate: np.ndarray) -> np.ndarray:
    """Δ = (baseline − candidate) / max(baseline, candidate), in [−1, 1]; 0 for two zeros or two NaN."""
    larger = np.maximum(baseline, candidate)
    effect: np.ndarray = np.zeros_like(larger)
    np.divide(baseline - candidate, larger, out=effect, where=larger > 0)
    return effect


def by_task_and_host(blocks: pd.DataFrame) -> pd.DataFrame:
    """One row per (task, host), sorted by origin, task and host.

    Columns: origin, task, host, effect, error_candidate, error_baseline (means over splits and seeds),
    complete_case (the effect over blocks in which neither arm failed; NaN without one), lowest and highest
    (what the effect may be, whatever stands for a failure: see below), improvement (share of blocks the
    candidate wins, ties counting half), blocks, imputed (whether any block was), saturated (a property of
    the task, over its hosts), base_host, rows (of the task) and width (of the host; NaN where there is none).

    For ``lowest`` a block counts −1 where the candidate failed, 0 where the baseline alone did, and the
    others their complete case; ``highest`` mirrors that. Neither is inside the effect itself.

    Parameters
    ----------
    blocks : pandas.DataFrame
        What ``impute`` returns.
    """
    blocks = scaled(blocks)
    wins = np.sign(blocks["error_baseline"] - blocks["error_candidate"]).fillna(0.0)
    failed = blocks["failed_candidate"] | blocks["failed_baseline"]
    complete = blocks[ERRORS].where(~failed).add_prefix("complete_")
    columns = [blocks[PLACE + ERRORS + FAILED], complete, wins.rename("won"), failed.rename("imputed")]
    groups = pd.concat(columns, axis=1).groupby(PLACE, observed=True, sort=True)
    means = groups.mean()
    units = blocks[[*PLACE, "exponent", "base_host", "rows", "width"]]
    units = units.groupby(PLACE, observed=True, sort=True).first()
    effects = means[ERRORS].apply(lambda errors: np.ldexp(errors, units["exponent"]))
    effects["effect"] = relative(*_pair(means, "error_baseline", "error_candidate"))
    between = relative(*_pair(means, "complete_error_baseline", "complete_error_candidate"))
    clean = between * (1 - means["imputed"])
    effects["complete_case"] = np.where(means["complete_error_baseline"].notna(), between, np.nan)
    effects["lowest"] = np.minimum(clean - means["failed_candidate"], effects["effect"])
    effects["highest"] = np.maximum(clean + means["failed_baseline"], effects["effect"])
    effects["improvement"] = 0.5 + means["won"] / 2
    effects["blocks"] = groups.size()
    effects["imputed"] = means["imputed"] > 0
    effects["saturated"] = _saturated(blocks, effects.index)
    effects[["base_host", "rows", "width"]] = units[["base_host", "rows", "width"]]
    effects = effects.reset_index()
    return effects.astype({name: "str" for name in [*PLACE, "base_host"]})


def scaled(blocks: pd.DataFrame) -> pd.DataFrame:
    """The blocks with both errors divided by a power of two, the same throughout a (task, host).

    The largest error of each is then in [½, 1), so that sums and differences neither overflow at 1e300 nor
    vanish at 1e-300; effects are the same. Column ``exponent`` says which power it was; blocks that have
    it are scaled already.
    """
    if "exponent" in blocks.columns:
        return blocks
    places = [blocks["task"], blocks["host"]]
    largest = blocks[ERRORS].max(axis=1).groupby(places, observed=True).transform("max")
    exponent = np.frexp(largest.fillna(0.0).to_numpy(dtype=float))[1]
    down = {name: np.ldexp(blocks[name].to_numpy(dtype=float), -exponent) for name in ERRORS}
    return blocks.assign(**down, exponent=exponent)


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
    """The effects as ``(n_origins, n_hosts)``, the mean of all that share origin and base host.

    Tasks of one origin are no independent data sets, and one host in several widths is no sample of
    hosts. NaN where there is none; origins without any value are left out.
    """
    units = [effects["origin"], base_hosts(effects)]
    table = effects[column].groupby(units, sort=True).mean().unstack()
    return np.asarray(table.dropna(how="all"), dtype=float)


def base_hosts(table: pd.DataFrame) -> pd.Series:
    """What each row's host is a variant of: column ``base_host``, or the host itself where there is none."""
    named: pd.Series = table["base_host"] if "base_host" in table.columns else table["host"]
    return named.rename("base_host")


def over_hosts(effects: pd.DataFrame, by: list[str]) -> pd.Series:
    """Mean effect by ``by``, every base host weighing the same however many variants of it there are."""
    units = [*(effects[name] for name in by), base_hosts(effects)]
    means = effects["effect"].groupby(units, sort=True).mean()
    return means.groupby(level=by, sort=True).mean()


def by_host(effects: pd.DataFrame) -> dict[str, np.ndarray]:
    """Each host's effects by origin, ``(n_origins,)``, hosts in sorted order."""
    means = effects.groupby(["host", "origin"], sort=True)["effect"].mean()
    hosts = means.groupby(level="host", sort=True)
    return {str(host): np.asarray(values, dtype=float) for host, values in hosts}


def leave_one_out(effects: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Mean effects without each task ``(n_tasks,)`` and without each base host ``(n_hosts,)``.

    Empty where only one is there. Every mean is over origins of the mean over base hosts of the mean
    over the origin's tasks and the host's variants, as the whole effect is.
    """
    groups = effects["effect"].groupby([effects["origin"], effects["task"], base_hosts(effects)], sort=True)
    sums = groups.sum().unstack(fill_value=0.0)
    values, seen = sums.to_numpy(dtype=float), groups.size().unstack(fill_value=0).to_numpy(dtype=float)
    origin = sums.index.get_level_values("origin").factorize()[0]
    totals = np.zeros((origin.max() + 1, values.shape[1]))
    counts = np.zeros_like(totals)
    np.add.at(totals, origin, values)
    np.add.at(counts, origin, seen)
    hosts = range(values.shape[1]) if values.shape[1] > 1 else ()
    without_host = [_mean_of_origins(np.delete(totals, h, 1), np.delete(counts, h, 1)) for h in hosts]
    if len(values) == 1:
        return np.empty(0), np.array(without_host)
    whole = _origin_means(totals, counts)
    rest = _origin_means(totals[origin] - values, counts[origin] - seen)
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
