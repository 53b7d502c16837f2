"""Probability of improvement and interquartile mean over the runs of many tasks, with intervals.

After Agarwal, Schwarzer, Castro, Courville and Bellemare (2021), *Deep reinforcement learning at the edge
of the statistical precipice*, arXiv:2108.13264. Both intervals come from the stratified bootstrap: runs
are drawn again within each task, each arm for itself. The tasks stay as they are, so the intervals say how
far other seeds would move the number, and nothing about other tasks; where runs are folds of one data set,
which share their training data, they are too narrow even for that.

Runs are given as ``(n_runs, n_tasks)``, NaN for a run that is not there, or as one array of runs per task.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
from scipy import stats

from benchmark.errors import RequestError

__all__ = ["Runs", "WithInterval", "interquartile_mean", "probability_of_improvement"]

Runs = np.ndarray | Sequence[np.ndarray]

DRAWS = 2_000
SEED = 20210831
TRIMMED = 0.25
AT_ONCE = 2_000_000
"""Numbers held in memory at a time, about."""


class WithInterval(NamedTuple):
    """A number and its 95 % interval; None where a task has a single run, which shows no noise."""

    value: float
    low: float | None
    high: float | None


def probability_of_improvement(
    ours: Runs,
    theirs: Runs,
    *,
    weights: np.ndarray | None = None,
    draws: int | None = DRAWS,
    seed: int = SEED,
) -> WithInterval:
    """How probable it is that a random run of ours has a smaller error than a random run of theirs.

    On each task P(X < Y) + ½ P(X = Y) over all pairs of runs (the Mann-Whitney statistic over its
    maximum), then the mean over tasks (arXiv:2108.13264, section 4.3, where larger is better).

    Parameters
    ----------
    ours, theirs : array of shape (n_runs, n_tasks), or sequence of n_tasks arrays
        Errors; the numbers of runs may differ.
    weights : array of shape (n_tasks,), optional
        Of the tasks in the mean; equal unless given.
    draws : int or None
        Of the bootstrap, whose percentiles are the interval. None: the limit of endless draws in closed
        form, its exact variance with a normal distribution. That needs no seed, no order of tasks or
        runs, and one pass, and is as good from some ten tasks or runs on.

    Raises
    ------
    RequestError
        When a task has no run, or the arms have different numbers of tasks.
    """
    x, y = _stacked(ours), _stacked(theirs)
    if len(x) != len(y):
        raise RequestError(f"runs of {len(x)} tasks against runs of {len(y)}, they must be the same tasks")
    share = np.full(len(x), 1 / len(x)) if weights is None else weights / weights.sum()
    step = max(AT_ONCE // (x.shape[1] * y.shape[1]), 1)
    means, variances = np.concatenate(
        [_mann_whitney(x[at : at + step], y[at : at + step]) for at in range(0, len(x), step)], axis=1
    )
    value = float(share @ means)
    if min(_counts(x).min(), _counts(y).min()) < 2:
        return WithInterval(value, None, None)
    if draws is None:
        return _normal(value, float(np.sqrt(share**2 @ variances)), 0.0, 1.0)
    counts = _counts(x) * _counts(y)
    return _percentile(
        value, lambda ours, theirs: _pairs_won(ours, theirs) / counts @ share, (x, y), draws, seed
    )


def interquartile_mean(values: Runs, *, draws: int | None = DRAWS, seed: int = SEED) -> WithInterval:
    """The mean of the middle half of all runs of all tasks, for values of comparable scale.

    A quarter is left out at each end, rounded down as ``scipy.stats.trim_mean`` does
    (arXiv:2108.13264, section 4.3).

    Parameters
    ----------
    values : array of shape (n_runs, n_tasks), or sequence of n_tasks arrays
        One per run, on a scale that is comparable between tasks.
    draws : int or None
        As for :func:`probability_of_improvement`; the closed form is of first order here (the
        winsorized variance within tasks).

    Raises
    ------
    RequestError
        When a task has no run.
    """
    x = _stacked(values)
    known = x[~np.isnan(x)]
    cut = int(TRIMMED * len(known))
    middle = np.partition(known, (cut, len(known) - cut - 1))[cut : len(known) - cut]
    value = float(middle.mean())
    if _counts(x).min() < 2:
        return WithInterval(value, None, None)
    if draws is None:
        scale = float(np.abs(known).max()) or 1.0
        winsorized = np.clip(x, middle.min(), middle.max()) / scale
        noise = np.sqrt((_counts(x) * np.nanvar(winsorized, axis=1)).sum()) / len(middle) * scale
        return _normal(value, float(noise), float(known.min()), float(known.max()))
    return _percentile(value, _interquartile_means, (x,), draws, seed)


def _stacked(runs: Runs) -> np.ndarray:
    """The runs as ``(n_tasks, n_runs)``, those of each task first in their row and NaN behind them."""
    if not isinstance(runs, np.ndarray):
        runs = np.array(list(zip_longest(*runs, fillvalue=np.nan)), dtype=float).reshape(-1, len(runs))
    table: np.ndarray = np.asarray(runs, dtype=float).T
    if (gaps := np.isnan(table)).any():
        table = np.take_along_axis(table, np.argsort(gaps, axis=1, kind="stable"), axis=1)
    empty = np.flatnonzero(_counts(table) == 0)
    if not table.size or len(empty):
        raise RequestError(f"runs: task {empty[0]} has none" if len(empty) else "runs: there are no tasks")
    return table


def _counts(table: np.ndarray) -> np.ndarray:
    return np.asarray((~np.isnan(table)).sum(axis=1))


def _wins(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """1, ½ or 0 for every pair of runs, ``(n_tasks, n_ours, n_theirs)``; 0 where either is not there."""
    ours, theirs = x[:, :, None], y[:, None, :]
    return np.asarray((ours < theirs) + 0.5 * (ours == theirs))


def _mann_whitney(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Share of pairs won and the bootstrap's variance of it, ``(2, n_tasks)``.

    With rows and columns drawn independently the variance splits into that of the row means over m, of
    the column means over n, and of the rest over m·n.
    """
    m, n = _counts(x), _counts(y)
    wins = _wins(x, y)
    means = wins.sum(axis=(1, 2)) / (m * n)
    of_rows = (wins.sum(axis=2) ** 2).sum(axis=1) / (m * n**2) - means**2
    of_columns = (wins.sum(axis=1) ** 2).sum(axis=1) / (n * m**2) - means**2
    rest = (wins**2).sum(axis=(1, 2)) / (m * n) - means**2 - of_rows - of_columns
    return np.stack([means, np.maximum(of_rows / m + of_columns / n + rest / (m * n), 0.0)])


def _normal(value: float, error: float, lowest: float, highest: float) -> WithInterval:
    half = float(stats.norm.ppf(0.975)) * error
    return WithInterval(value, max(value - half, lowest), min(value + half, highest))


def _percentile(
    value: float,
    statistic: Callable[..., np.ndarray],
    arms: tuple[np.ndarray, ...],
    draws: int,
    seed: int,
) -> WithInterval:
    """The statistic's 2.5 % and 97.5 % points over stratified resamples, each arm drawn for itself."""
    rng = np.random.default_rng(seed)
    step = max(AT_ONCE // max(arm.size * arms[-1].shape[1] for arm in arms), 1)
    found = []
    for start in range(0, draws, step):
        drawn = [_resampled(arm, min(step, draws - start), rng) for arm in arms]
        found.append(statistic(*drawn))
    low, high = np.quantile(np.concatenate(found), [0.025, 0.975])
    return WithInterval(value, float(low), float(high))


def _resampled(table: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Runs drawn with replacement within every task, ``(draws, n_tasks, n_runs)``; NaN stays behind them."""
    at = (rng.random((draws, *table.shape)) * _counts(table)[:, None]).astype(int)
    return np.asarray(np.where(np.isnan(table), np.nan, np.take_along_axis(table[None], at, axis=2)))


def _pairs_won(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Pairs of runs won on each task, ``(draws, n_tasks)``."""
    wins = _wins(x.reshape(-1, x.shape[2]), y.reshape(-1, y.shape[2]))
    return np.asarray(wins.sum(axis=(1, 2)).reshape(x.shape[:2]))


def _interquartile_means(x: np.ndarray) -> np.ndarray:
    pooled = x.reshape(len(x), -1)[:, ~np.isnan(x[0]).ravel()]
    return np.asarray(stats.trim_mean(pooled, TRIMMED, axis=1))
