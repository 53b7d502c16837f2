"""Wins, ties and losses per data set by Welch's test, since published tables use them.

A tie is a difference that the runs cannot tell from none, no proof of equality. The runs are taken as
independent: right for seeds, too sure for folds, which share their training data. Where tables give a
standard deviation of 0 (a method without a seed), the other arm alone makes the noise.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from benchmark.errors import RequestError

__all__ = ["Tally", "count", "satterthwaite", "tail", "tally", "welch"]


class Tally(NamedTuple):
    """On how many data sets the first arm wins, ties and loses."""

    wins: int
    ties: int
    losses: int


def welch(
    mean_a: ArrayLike, sd_a: ArrayLike, n_a: ArrayLike, mean_b: ArrayLike, sd_b: ArrayLike, n_b: ArrayLike
) -> np.ndarray:
    """Two-sided p of Welch's (1947) t-test, of the shape that the arguments broadcast to.

    With both standard deviations 0 it is 1 where the means are equal and 0 where they differ; NaN where a
    mean is not finite.

    Parameters
    ----------
    mean_a, sd_a, mean_b, sd_b : array
        Of the runs; standard deviations with n − 1 in the denominator.
    n_a, n_b : array
        Numbers of runs, at least 2.

    Raises
    ------
    RequestError
        With fewer than two runs, or a standard deviation that is negative, or NaN beside a mean.
    """
    first, second = _arm(mean_a, sd_a, n_a), _arm(mean_b, sd_b, n_b)
    mean_a, mean_b, sd_a, sd_b = np.broadcast_arrays(first[0], second[0], first[1], second[1])
    scale = np.fmax(np.fmax(np.abs(mean_a), np.abs(mean_b)), np.fmax(sd_a, sd_b))
    scale = np.where(scale > 0, scale, 1.0)
    difference = mean_a / scale - mean_b / scale
    parts = np.stack([(sd_a / scale) ** 2 / first[2], (sd_b / scale) ** 2 / second[2]])
    dfs = np.stack(np.broadcast_arrays(first[2], second[2], difference)[:2]) - 1.0
    return np.asarray(np.minimum(2 * tail(np.abs(difference), *satterthwaite(parts, dfs)), 1.0))


def tally(
    mean_ours: ArrayLike,
    sd_ours: ArrayLike,
    n_ours: ArrayLike,
    mean_theirs: ArrayLike,
    sd_theirs: ArrayLike,
    n_theirs: ArrayLike,
    *,
    alpha: float = 0.05,
    higher_is_better: bool = False,
) -> Tally:
    """On how many data sets our mean is better, not told apart, or worse, by Welch's test at ``alpha``.

    A mean that is not finite is a failure: it loses against a number and ties with another failure.

    Parameters
    ----------
    mean_ours, sd_ours, mean_theirs, sd_theirs : array of shape (n_datasets,)
        Errors, unless ``higher_is_better``.
    alpha : float
        Of each data set's two-sided test: among data sets without any effect this share is won or lost.

    Raises
    ------
    RequestError
        As for :func:`welch`, or when ``alpha`` lies outside (0, 1).
    """
    p = np.atleast_1d(welch(mean_ours, sd_ours, n_ours, mean_theirs, sd_theirs, n_theirs))
    sign = 1.0 if higher_is_better else -1.0
    ours, theirs = (
        np.where(np.isfinite(means := np.asarray(given, dtype=float)), sign * means, -np.inf)
        for given in (mean_ours, mean_theirs)
    )
    better = np.greater(ours, theirs).astype(float) - np.less(ours, theirs)
    return count(better, np.nan_to_num(p, nan=0.0), alpha)


def count(difference: np.ndarray, p: np.ndarray, alpha: float = 0.05) -> Tally:
    """Data sets by the sign of their difference (positive: won) where ``p`` is at most ``alpha``."""
    if not 0 < alpha < 1:
        raise RequestError(f"alpha={alpha}: above 0 and below 1, say 0.05")
    decided = p <= alpha
    wins, losses = int((decided & (difference > 0)).sum()), int((decided & (difference < 0)).sum())
    return Tally(wins, np.size(difference) - wins - losses, losses)


def satterthwaite(parts: np.ndarray, dfs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standard error and degrees of freedom of a sum of independent means (Welch 1947, Satterthwaite 1946).

    Parameters
    ----------
    parts : array of shape (n_means, ...)
        Variance of each mean: s²/n, times the square of its coefficient.
    dfs : array of the same shape
        Degrees of freedom of each.
    """
    largest = parts.max(axis=0, initial=0.0)
    shares = np.divide(parts, largest, out=np.zeros_like(parts), where=largest > 0)
    spent = (shares**2 / dfs).sum(axis=0)
    freedom = np.divide(shares.sum(axis=0) ** 2, spent, out=np.ones_like(largest), where=spent > 0)
    return np.sqrt(largest) * np.sqrt(shares.sum(axis=0)), freedom


def tail(difference: np.ndarray, error: np.ndarray, df: np.ndarray) -> np.ndarray:
    """One-sided p of a t-test against the alternative that the difference is above zero.

    Without any error it is decided by the sign: 0 above, 1 below, and a half at zero.
    """
    certain = np.where(difference > 0, np.inf, np.where(difference < 0, -np.inf, difference))
    t = np.divide(difference, error, out=certain, where=error > 0)
    return np.asarray(stats.t.sf(t, df))


def _arm(mean: ArrayLike, sd: ArrayLike, n: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    means, sds, runs = (np.asarray(values, dtype=float) for values in (mean, sd, n))
    means = np.where(np.isfinite(means), means, np.nan)
    if not (runs >= 2).all():
        raise RequestError(f"n={runs.min():g}: Welch's test needs two runs of each arm")
    if (~(sds >= 0) & ~np.isnan(means)).any():
        raise RequestError(
            "sd: negative or missing beside a mean, Welch's test needs every standard deviation"
        )
    return means, sds, runs
