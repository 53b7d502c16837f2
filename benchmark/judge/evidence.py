"""What two arms' records say before any verdict: everything that does not depend on other candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from benchmark.judge.beside import Beside, beside
from benchmark.judge.bootstrap import pigeonhole
from benchmark.judge.effects import by_task_and_host, grid, leave_one_out, over_hosts, scaled
from benchmark.judge.floor import Floor, noise_floor
from benchmark.judge.intervals import (
    Estimate,
    Interval,
    effective_hosts,
    estimate,
    moments,
    resolve_host_effects,
)
from benchmark.judge.pairing import Excluded, impute, pair
from benchmark.judge.shrinkage import between_hosts, shrunken
from benchmark.judge.significance import CorrectedT, nadeau_bengio, signed_rank

__all__ = ["Evidence", "gather"]

COSTS = {"fit_seconds": "fit_seconds", "memory": "peak_memory_mb"}
LARGEST_LOG = 700.0
"""Of a cost ratio: e to the power of more is no number."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """The paired effects of candidate against baseline and what was counted beside them."""

    candidate: str
    baseline: str
    setting: str
    effects: pd.DataFrame
    """One row per (task, host): see ``effects.by_task_and_host``, and ``floor``."""
    tasks: pd.DataFrame
    """One row per task: origin, task, effect (over hosts), floor, imputed, saturated."""
    hosts: pd.DataFrame
    """One row per host: host, base_host, mean, low, high (95 % over origins), origins, shrunken,
    shrunken_low, shrunken_high (see ``shrinkage``)."""
    estimate: Estimate
    pigeonhole95: Interval | None
    """The bootstrap's interval of the mean; None for a single origin."""
    unsaturated: Estimate | None
    """Without the saturated tasks; None where there is none, or nothing else."""
    complete_case: float | None
    """Mean effect over blocks in which neither arm failed; None without one."""
    worst_case: Interval | None
    """The mean effect if failures were as bad as can be for the candidate, and as good; None without any."""
    floor: Floor
    improvement: float
    p_wilcoxon: float
    identical: bool
    left_out: Mapping[str, tuple[str, ...]]
    """``hosts`` and ``tasks`` of which nothing could be compared, and single ``combinations``."""
    n: Mapping[str, int]
    failures: Mapping[str, int]
    single_task: CorrectedT | None
    """For a single task: the test over its splits; differences are in units of the effect."""
    leave_one_task_out: Interval | None
    leave_one_host_out: Interval | None
    cost_ratio: Mapping[str, float | None]
    beside: Beside


def gather(
    table: pd.DataFrame,
    candidate: str,
    baseline: str,
    setting: str,
    *,
    rope: float,
    host_effects: str,
    aa: pd.DataFrame,
    excluded: Excluded = (),
) -> Evidence:
    """The evidence of one pair of arms.

    ``table`` is what ``tabulate`` returns, ``aa`` what ``aa_effects`` returns for this baseline and
    setting; the other arguments are those of ``compare``.

    Raises
    ------
    RequestError
        When blocks are incomplete, or ``random`` is asked for with one host.
    """
    paired = pair(table, candidate, baseline, setting, excluded=excluded)
    blocks = scaled(impute(paired))
    effects = by_task_and_host(blocks)
    floor = noise_floor(aa, among=effects)
    effects["floor"] = _looked_up(floor.by_task_and_host(), effects[["task", "host"]])
    whole = grid(effects)
    kind = resolve_host_effects(host_effects, effective_hosts(~np.isnan(whole)))
    found = estimate(whole, kind)
    rest = effects[~effects["saturated"]]
    without_task, without_host = leave_one_out(effects)
    return Evidence(
        candidate=candidate,
        baseline=baseline,
        setting=setting,
        effects=effects,
        tasks=_by_task(effects, floor),
        hosts=_by_host(effects, found.mean),
        estimate=found,
        pigeonhole95=pigeonhole(whole, kind),
        unsaturated=estimate(grid(rest), kind) if 0 < len(rest) < len(effects) else None,
        complete_case=_complete_case(effects),
        worst_case=_worst_case(effects),
        floor=floor,
        improvement=float(moments(grid(effects, "improvement")).mean),
        p_wilcoxon=signed_rank(np.nanmean(whole, axis=1)).p,
        identical=_identical(paired),
        left_out=_left_out(effects, [place for name, *place in excluded if name in (candidate, baseline)]),
        n=_counts(blocks),
        failures={side: int(blocks[f"failed_{side}"].sum()) for side in ("candidate", "baseline")},
        single_task=_over_splits(blocks, effects),
        leave_one_task_out=_range(without_task),
        leave_one_host_out=_range(without_host),
        cost_ratio={name: _cost_ratio(blocks, column) for name, column in COSTS.items()},
        beside=beside(blocks, effects, rope=rope),
    )


def _looked_up(values: pd.Series, keys: pd.DataFrame) -> np.ndarray:
    """The values at each row of keys, NaN where there is none."""
    index = pd.MultiIndex.from_frame(keys) if keys.shape[1] > 1 else pd.Index(keys.iloc[:, 0])
    return np.asarray(values.reindex(index), dtype=float)


def _by_task(effects: pd.DataFrame, floor: Floor) -> pd.DataFrame:
    groups = effects.groupby(["origin", "task"], sort=True)
    tasks = groups.agg(imputed=("imputed", "any"), saturated=("saturated", "any"))
    tasks.insert(0, "effect", over_hosts(effects, ["origin", "task"]))
    tasks = tasks.reset_index()
    tasks.insert(3, "floor", _looked_up(floor.by_task(), tasks[["task"]]))
    return tasks


def _by_host(effects: pd.DataFrame, mean: float) -> pd.DataFrame:
    cells = grid(effects.drop(columns="base_host"))
    rows = effects[["host", "base_host"]].drop_duplicates().sort_values("host", ignore_index=True)
    found = [estimate(column[~np.isnan(column)][:, None], "fixed") for column in cells.T]
    means, origins = (np.array([getattr(one, name) for one in found]) for name in ("mean", "origins"))
    errors = np.array([np.nan if one.error is None else one.error for one in found])
    pulled, sure = shrunken(means, errors, origins, mean=mean, between=between_hosts(cells))
    half = stats.t.ppf(0.975, np.maximum(origins - 1, 1))
    columns = {"mean": means, "low": means - half * errors, "high": means + half * errors, "origins": origins}
    rows = rows.assign(**columns, shrunken=pulled)
    rows["shrunken_low"], rows["shrunken_high"] = pulled - half * sure, pulled + half * sure
    ends = ["low", "high", "shrunken_low", "shrunken_high"]
    return rows.assign(**rows[ends].clip(-1.0, 1.0))


def _complete_case(effects: pd.DataFrame) -> float | None:
    cells = grid(effects, "complete_case")
    return float(moments(cells).mean) if cells.size else None


def _worst_case(effects: pd.DataFrame) -> Interval | None:
    if not effects["imputed"].any():
        return None
    low, high = (float(moments(grid(effects, column)).mean) for column in ("lowest", "highest"))
    return low, high


def _identical(paired: pd.DataFrame) -> bool:
    ours, theirs = paired["error_candidate"].to_numpy(), paired["error_baseline"].to_numpy()
    return bool(np.array_equal(ours, theirs, equal_nan=True) and not np.isnan(ours).all())


def _left_out(effects: pd.DataFrame, places: list[list[str]]) -> dict[str, tuple[str, ...]]:
    known = {name: set(effects[name].unique()) for name in ("host", "task")}
    hosts = {place[0] for place in places} - known["host"]
    tasks = {place[1] for place in places if len(place) == 2 and place[0] not in hosts} - known["task"]
    single = {
        f"{place[1]} in {place[0]}"
        for place in places
        if len(place) == 2 and place[0] not in hosts and place[1] not in tasks
    }
    named = {"hosts": hosts, "tasks": tasks, "combinations": single}
    return {kind: tuple(sorted(names)) for kind, names in named.items()}


def _counts(blocks: pd.DataFrame) -> dict[str, int]:
    return {
        "origins": blocks["origin"].nunique(),
        "tasks": blocks["task"].nunique(),
        "hosts": blocks["base_host"].nunique(),
        "splits": len(blocks[["repeat", "fold"]].drop_duplicates()),
        "seeds": blocks["seed"].nunique(),
        "blocks": len(blocks),
    }


def _over_splits(blocks: pd.DataFrame, effects: pd.DataFrame) -> CorrectedT | None:
    """Nadeau and Bengio's test for a single task, on differences whose mean is the task's effect.

    None where errors are pooled over the folds: equal by construction, they say nothing of the variance.
    """
    if effects["task"].nunique() > 1 or (blocks["pooled_baseline"] == 1).any():
        return None
    cells = blocks[["error_candidate", "error_baseline"]].groupby(blocks["host"], observed=True)
    scale = cells.transform("mean").max(axis=1).to_numpy()
    gained = blocks["error_baseline"].to_numpy() - blocks["error_candidate"].to_numpy()
    shares = np.divide(gained, scale, out=np.zeros_like(scale), where=scale > 0)
    runs = blocks[["base_host", "repeat", "fold", "seed"]].assign(share=shares)
    variants = runs.groupby(list(runs.columns[:-1]), observed=True, sort=True)["share"].mean()
    by_split = variants.groupby(["repeat", "fold"], observed=True, sort=True).mean()
    ratio = (blocks["n_test_baseline"] / blocks["n_train_baseline"]).mean()
    return nadeau_bengio(by_split.to_numpy(), float(ratio))


def _range(means: np.ndarray) -> Interval | None:
    return (float(means.min()), float(means.max())) if len(means) else None


def _cost_ratio(blocks: pd.DataFrame, name: str) -> float | None:
    """Geometric mean over (task, host) of candidate / baseline, over blocks in which neither failed."""
    sides = [f"{name}_candidate", f"{name}_baseline"]
    clean = blocks[~(blocks["failed_candidate"] | blocks["failed_baseline"])]
    means = clean.groupby(["task", "host"], observed=True, sort=True)[sides].mean()
    logs = np.log(means[(means > 0).all(axis=1) & np.isfinite(means).all(axis=1)])
    ratio = (logs[sides[0]] - logs[sides[1]]).mean()
    return float(np.exp(ratio)) if abs(ratio) < LARGEST_LOG else None
