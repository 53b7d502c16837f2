"""Whether an arm that was computed again is still what it was, on these data sets and in these hosts.

The cells are the same ones, so the question is not whether a change would be seen on other data sets, and the
spread between data sets is no part of the noise. If only random numbers differ, then and now are exchangeable
on every split: swapping them flips the sign of the split's effect. The test asks how often the mean effect is
as far from zero as the one seen when all signs are flipped at random (Fisher's randomization test; exact
where there are few splits). Seeds of a split share what was tuned there, so the split is the unit.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.judge.effects import grid, relative
from benchmark.judge.pairing import impute, pair, tabulate

__all__ = ["Recomputed", "recomputed"]

_SPLIT = ["origin", "task", "host", "base_host", "repeat", "fold"]
_BLOCK = ["host", "task", "repeat", "fold", "seed"]
_THEN, _NOW = "then", "now"
_EXACT_UP_TO = 14
"""Splits up to which all signs are tried."""
_FLIPS = 20_000
_LARGEST = 3


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What computing an arm again changed."""

    effect: float
    """Mean over data sets, then hosts, tasks and splits, of (then − now) / max(then, now): negative where the
    arm is worse now."""
    p: float
    """Two-sided, that a change this large comes from other random numbers alone."""
    floor: float | None
    """The largest such mean of its A/A arms of then; None without them."""
    origins: int
    largest: tuple[tuple[str, float], ...]
    """The tasks with the largest mean changes."""


def recomputed(before: pd.DataFrame, now: pd.DataFrame, arm: str, setting: str) -> Recomputed | None:
    """How a baseline differs between two tables of records, on the blocks that both have; None without any.

    Parameters
    ----------
    before, now
        As :func:`~benchmark.judge.compare.compare` takes them, with the columns role and replicate.
    """
    sides = [
        side[(side["component"] == arm) & (side["setting"] == setting) & (side["replicate"] == 0)]
        for side in (before[before["role"] == "baseline"], now[now["role"] == "baseline"])
    ]
    shared = _blocks(sides[0]).intersection(_blocks(sides[1]))
    if shared.empty:
        return None
    rows = (before["component"] == arm) & (before["setting"] == setting) & (before["role"] == "aa")
    twins = {f"twin {n}": one for n, one in before[rows].groupby("replicate")}
    floors = [
        abs(_mean(_by_split(part, sides[0], part_blocks)))
        for part in twins.values()
        if not (part_blocks := _blocks(part).intersection(shared)).empty
    ]
    effects = _by_split(sides[1], sides[0], shared)
    by_task = effects.groupby("task", observed=True)["effect"].mean().sort_values(key=lambda one: -one.abs())
    return Recomputed(
        _mean(effects),
        _p(effects),
        max(floors, default=None),
        int(effects["origin"].nunique()),
        tuple((str(task), float(effect)) for task, effect in by_task.head(_LARGEST).items()),
    )


def _blocks(rows: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[_BLOCK])


def _by_split(now: pd.DataFrame, then: pd.DataFrame, shared: pd.MultiIndex) -> pd.DataFrame:
    """The effect on every split: columns of _SPLIT, effect."""
    arms = [
        side[_blocks(side).isin(shared)].assign(component=name, role="baseline", replicate=0)
        for name, side in ((_NOW, now), (_THEN, then))
    ]
    setting = str(then["setting"].iloc[0])
    blocks = impute(pair(tabulate(pd.concat(arms, ignore_index=True)), _NOW, _THEN, setting))
    means = blocks.groupby(_SPLIT, observed=True, sort=True)[["error_candidate", "error_baseline"]].mean()
    theirs, ours = (means[name].to_numpy(dtype=float) for name in ("error_baseline", "error_candidate"))
    return means.reset_index()[_SPLIT].assign(effect=relative(theirs, ours))


def _mean(effects: pd.DataFrame) -> float:
    return float(np.nanmean(np.nanmean(grid(effects), axis=1)))


def _p(effects: pd.DataFrame) -> float:
    """The share of all flips, or of many, with a mean as far from zero as the one seen."""
    weights = _weights(effects)
    parts = weights * effects["effect"].to_numpy(dtype=float)
    seen = abs(parts.sum()) * (1 - 1e-9)
    if len(parts) <= _EXACT_UP_TO:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=len(parts))))
        return float((np.abs(signs @ parts) >= seen).mean())
    signs = np.random.default_rng(0).choice((1.0, -1.0), (_FLIPS, len(parts)))
    return float((1 + (np.abs(signs @ parts) >= seen).sum()) / (1 + _FLIPS))


def _weights(effects: pd.DataFrame) -> np.ndarray:
    """What every split weighs in :func:`_mean`: ``(n_splits,)``, summing to 1."""
    hosts = effects.groupby("origin", observed=True)["base_host"].transform("nunique")
    splits = effects.groupby(["origin", "base_host"], observed=True)["effect"].transform("size")
    weights: np.ndarray = 1.0 / (effects["origin"].nunique() * hosts * splits).to_numpy(dtype=float)
    return weights
