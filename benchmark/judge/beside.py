"""What readers expect beside a verdict, computed from the same blocks; no verdict rests on it.

All of it is a function of the numbers alone: no order of rows, no names, and swapping the arms mirrors it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmark.judge.effects import grid
from benchmark.judge.field.bayes import Posterior, signed_rank
from benchmark.judge.field.improvement import WithInterval, interquartile_mean, probability_of_improvement
from benchmark.judge.field.replicability import k_hat
from benchmark.judge.field.welch import count, satterthwaite, tail

__all__ = ["Beside", "beside"]

ARMS = ("candidate", "baseline")
ERRORS = [f"error_{arm}" for arm in ARMS]
PLACE = ["task", "origin", "base_host", "host", "repeat", "fold"]
NEEDED = [*PLACE, "seed", *ERRORS, "n_test_baseline", "n_train_baseline", "pooled_baseline"]
DRAWS = 10_000
WEIGHTS = 1_000_000
"""Draws of the signed-rank test times origins: past 100 origins it is drawn less often, so that a million
records stay within seconds."""
ROUNDING = 1e-13
"""Errors are shares of the larger mean here: a number below this is the arithmetic's, not the data's."""

_Estimates = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Mean differences (positive: the candidate is better), their standard errors and degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Evidence beside a verdict, for readers who expect it; None where the records do not hold it."""

    improvement: WithInterval | None
    """That a random run of the candidate has a smaller error than a random run of the baseline, of the same
    task and host: all pairs of runs, whereas ``Comparison.probability_of_improvement`` sets each run
    against the one of its own split and seed. Weighted as the effect is: origins and hosts equally."""
    bayes: Posterior | None
    """Bayesian signed-rank test over the origins' mean effects, with the rope: how probable it is that
    worse, equal or better is the likeliest for the mean effect of two data sets at random."""
    iqm: Mapping[str, WithInterval] | None
    """``candidate`` and ``baseline``: interquartile mean of their runs' errors, each as a share of the
    larger of the two arms' mean errors of the same task and host."""
    replicability: Mapping[str, Any] | None
    """``k_bonferroni`` and ``k_fisher``: at least so many of the origins (``of``) show an effect in the
    ``direction`` of the mean (better, worse, or None for a mean of zero), at confidence 1 − ``alpha``;
    Fisher's takes the origins as independent. ``test``: ``nadeau_bengio`` over splits where the ratio of
    test to training rows is known, ``welch`` over the seeds of a single split."""
    welch: Mapping[str, Any] | None
    """``wins``, ``ties`` and ``losses`` of the candidate over tasks by Welch's test over all runs, at
    ``alpha`` each."""

    def to_json(self) -> dict[str, Any]:
        """The fields as plain values."""
        return asdict(self)


def beside(blocks: pd.DataFrame, effects: pd.DataFrame, *, rope: float, alpha: float = 0.05) -> Beside:
    """Everything that readers expect beside the verdict on one pair of arms.

    The intervals are the stratified bootstrap's in closed form (no draws: a comparison of 100,000 blocks
    takes a tenth of a second), with runs (splits × seeds) drawn again within (task, host).

    Parameters
    ----------
    blocks : pandas.DataFrame
        What ``pairing.impute`` returns. Blocks that have no error (both arms failed, and nothing is known
        of the task) are left out.
    effects : pandas.DataFrame
        What ``effects.by_task_and_host`` returns for them.
    rope : float
        Largest effect that counts as none.
    alpha : float
        Of the counts of data sets.
    """
    means = np.nanmean(grid(effects), axis=1)
    draws = max(min(DRAWS, WEIGHTS // len(means)), 1)
    posterior = signed_rank(means, rope, draws=draws)
    known = _independent(blocks[NEEDED])
    if known.empty:
        return Beside(None, posterior, None, None, None)
    runs = _runs(known)
    cells = runs.cells
    ours, theirs = (_padded(runs.cell, known[f"error_{arm}"].to_numpy(dtype=float)) for arm in ARMS)
    return Beside(
        improvement=probability_of_improvement(
            ours, theirs, weights=_even(cells["origin"], cells["host"]), draws=None
        ),
        bayes=posterior,
        iqm={arm: interquartile_mean(_padded(runs.cell, runs.shares[arm]), draws=None) for arm in ARMS},
        replicability=_replicability(runs, float(means.mean()), alpha),
        welch=_welch(runs, alpha),
    )


class _Runs(NamedTuple):
    """The blocks as runs of cells, a cell being a (task, host). Runs of a cell stand together."""

    cell: np.ndarray
    """Of every run, ``(n_runs,)``."""
    split: np.ndarray
    ratio: np.ndarray
    """Test rows over training rows of every run; NaN where it is not known."""
    shares: Mapping[str, np.ndarray]
    """By arm: errors as shares of the larger of the cell's two mean errors; 1 where both are zero."""
    cells: Mapping[str, np.ndarray]
    """``task``, ``origin`` and (base) ``host`` of every cell, as codes."""


def _runs(blocks: pd.DataFrame) -> _Runs:
    task, origin, host, variant, repeat, fold = (
        blocks[name].astype("category").cat.codes.to_numpy(dtype=int) for name in PLACE
    )
    place = task * (variant.max() + 1) + variant
    first = np.concatenate([[True], place[1:] != place[:-1]])
    cell = np.cumsum(first) - 1
    errors = blocks[ERRORS].to_numpy(dtype=float)
    largest = np.maximum.reduceat(errors.max(axis=1), np.flatnonzero(first))
    scaled = errors / np.where(largest > 0, largest, 1.0)[cell, None]
    means = np.add.reduceat(scaled, np.flatnonzero(first)) / np.bincount(cell)[:, None]
    larger = means.max(axis=1)[cell]
    shares = np.divide(scaled, larger[:, None], out=np.ones_like(scaled), where=larger[:, None] > 0)
    test, train = (blocks[f"{name}_baseline"].to_numpy(dtype=float) for name in ("n_test", "n_train"))
    return _Runs(
        cell=cell,
        split=repeat * (fold.max() + 1) + fold,
        ratio=np.divide(test, train, out=np.full(len(test), np.nan), where=train > 0),
        shares=dict(zip(ARMS, shares.T, strict=True)),
        cells={
            name: np.unique(codes[first], return_inverse=True)[1]
            for name, codes in (("task", task), ("origin", origin), ("host", host))
        },
    )


def _independent(blocks: pd.DataFrame) -> pd.DataFrame:
    """The blocks with an error of their own: of folds whose predictions were pooled, the first."""
    kept = ~np.isnan(blocks[ERRORS].to_numpy(dtype=float)).any(axis=1)
    pooled = (blocks["pooled_baseline"] == 1).to_numpy()
    if pooled.any():
        kept &= ~(pooled & blocks.duplicated(["task", "host", "repeat", "seed"]).to_numpy())
    return blocks if kept.all() else blocks[kept]


def _padded(group: np.ndarray, values: np.ndarray, fill: float = np.nan) -> np.ndarray:
    """The values by group, ``(longest, n_groups)``, and ``fill`` where a group has fewer."""
    order = np.argsort(group, kind="stable")
    counts = np.bincount(group)
    starts = np.cumsum(counts) - counts
    table = np.full((counts.max(), len(counts)), fill)
    table[np.arange(len(group)) - starts[group[order]], group[order]] = values[order]
    return table


def _even(group: np.ndarray, host: np.ndarray) -> np.ndarray:
    """The weight of every cell in its group's mean, each base host weighing the same; they add up to 1."""
    pairs, pair, cells = np.unique(group * (host.max() + 1) + host, return_inverse=True, return_counts=True)
    hosts = np.bincount(pairs // (host.max() + 1))
    return np.asarray(1 / (cells[pair] * hosts[group]))


def _replicability(runs: _Runs, mean: float, alpha: float) -> dict[str, Any] | None:
    """None where no origin's p value could be trusted: the ratio is unknown, or there is one run."""
    found = _over_splits(runs)
    test = "nadeau_bengio"
    if found is None and _single_split(runs):
        found, test = _over_runs(runs, runs.cells["origin"]), "welch"
    if found is None:
        return None
    effect, error, df = found
    # Doubled, since the direction is read off the same data: one-sided p values alone find an effect that
    # is on no data set in 8 % (Bonferroni) and 9 % (Fisher) of studies of ten, instead of 5 %.
    p = np.minimum(2 * tail(np.sign(mean) * effect, error, df), 1.0)
    return {
        "k_bonferroni": k_hat(p, alpha, "bonferroni"),
        "k_fisher": k_hat(p, alpha, "fisher"),
        "of": len(p),
        "alpha": alpha,
        "direction": {1.0: "better", -1.0: "worse"}.get(float(np.sign(mean))),
        "test": test,
    }


def _welch(runs: _Runs, alpha: float) -> dict[str, Any] | None:
    found = _over_runs(runs, runs.cells["task"])
    if found is None:
        return None
    effect, error, df = found
    p = np.minimum(2 * tail(np.abs(effect), error, df), 1.0)
    return {**count(effect, p, alpha)._asdict(), "alpha": alpha}


def _over_runs(runs: _Runs, group: np.ndarray) -> _Estimates | None:
    """By group of cells, as means of Welch's differences over its hosts; None where a cell has one run."""
    counts = np.bincount(runs.cell)
    if counts.min() < 2:
        return None
    weight = _even(group, runs.cells["host"])
    tables = {arm: _padded(runs.cell, runs.shares[arm]) for arm in ARMS}
    gained = np.nanmean(tables["baseline"], axis=0) - np.nanmean(tables["candidate"], axis=0)
    parts = [weight**2 * np.nanvar(table, axis=0, ddof=1) / counts for table in tables.values()]
    spread = np.concatenate([_padded(group, part, 0.0) for part in parts])
    freedom = np.concatenate([_padded(group, counts - 1.0, 1.0)] * len(parts))
    return _without_rounding(np.bincount(group, weight * gained), *satterthwaite(spread, freedom))


def _over_splits(runs: _Runs) -> _Estimates | None:
    """By origin, over its splits with Nadeau and Bengio's variance.

    None unless every origin has two splits and a known ratio. Seeds are averaged within a split, and so
    are hosts and the tasks of one origin.
    """
    splits = int(runs.split.max()) + 1
    place = runs.cell * splits + runs.split
    size = splits * len(runs.cells["origin"])
    counts = np.bincount(place, minlength=size)
    gained = np.bincount(place, runs.shares["baseline"] - runs.shares["candidate"], minlength=size)
    there = np.flatnonzero(counts)
    cell, split = np.divmod(there, splits)
    origin = runs.cells["origin"]
    weight = _even(origin, runs.cells["host"])[cell]
    place = origin[cell] * splits + split
    weights = np.bincount(place, weight)
    sums = np.bincount(place, weight * gained[there] / counts[there])
    there = np.flatnonzero(weights)
    by_split = _padded(there // splits, sums[there] / weights[there])
    k = (~np.isnan(by_split)).sum(axis=0)
    ratio = np.bincount(origin[runs.cell], runs.ratio) / np.bincount(origin[runs.cell])
    if k.min() < 2 or not (ratio > 0).all():
        return None
    error = np.sqrt((1 / k + ratio) * np.nanvar(by_split, axis=0, ddof=1))
    return _without_rounding(np.nanmean(by_split, axis=0), error, k - 1.0)


def _single_split(runs: _Runs) -> bool:
    pairs = np.unique(runs.cell * (runs.split.max() + 1) + runs.split)
    return len(pairs) == len(runs.cells["origin"])


def _without_rounding(effect: np.ndarray, error: np.ndarray, df: np.ndarray) -> _Estimates:
    return np.where(np.abs(effect) < ROUNDING, 0.0, effect), np.where(error < ROUNDING, 0.0, error), df
