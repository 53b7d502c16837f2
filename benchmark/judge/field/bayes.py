"""Bayesian tests with a region of practical equivalence: how probable worse, equal and better are.

No verdict rests on them. Both are those of Benavoli, Corani, Demšar and Zaffalon (2017), *Time for a
change: a tutorial for comparing multiple classifiers through Bayesian analysis*, JMLR 18(77). The region
is closed: a difference of exactly ``rope`` is equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmark.errors import RequestError

__all__ = ["Posterior", "correlated_t", "signed_rank"]

PRIOR_WEIGHT = 0.5
"""Of the pseudo-observation at 0, which lies inside the region (Benavoli et al. 2017, section 4.2)."""
DRAWS = 10_000
"""The Monte Carlo standard error of a probability is then at most .005."""
SEED = 20140621
AT_ONCE = 500_000
"""Weights held in memory at a time."""
CERTAIN = 1e-12
"""A standard error below this share of the mean is the arithmetic's, not the data's."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """Probabilities that add up to one."""

    worse: float
    """That the candidate is worse by more than the region of practical equivalence."""
    equal: float
    better: float
    ci95: tuple[float, float] | None
    """Where the mean difference lies with probability .95; None where the test gives no such interval."""


def correlated_t(
    differences: Sequence[float] | np.ndarray, test_to_train: float, rope: float
) -> Posterior | None:
    """The posterior of a mean difference over the splits of one data set; None with fewer than two splits.

    A Student t with k − 1 degrees of freedom around the mean, its variance (1/k + n_test/n_train)·s²
    (Corani and Benavoli 2015, *A Bayesian approach for comparing cross-validated algorithms on multiple
    data sets*, Machine Learning 100, eq. 5): with rope 0, ``better`` is one minus the one-sided p value of
    Nadeau and Bengio's test. Where the differences do not vary, all probability is where the mean is.

    Parameters
    ----------
    differences : array of shape (k,)
        One per split, positive when the candidate is better.
    test_to_train : float
        Test rows divided by training rows, 1/9 in ten-fold cross-validation: ρ/(1 − ρ) for those who give
        the correlation ρ = n_test/n. None is returned where it is NaN, since nothing else can be said.
    rope : float
        In units of the differences, at least 0.

    Raises
    ------
    RequestError
        When a difference is not finite, or ``rope`` is negative.
    """
    values = _checked(differences, rope)
    k = len(values)
    if k < 2 or not np.isfinite(test_to_train) or test_to_train <= 0:
        return None
    scale = float(np.abs(values).max()) or 1.0
    values, edge = values / scale, _quotient(rope, scale)
    mean = float(values.mean())
    error = float(np.sqrt((1 / k + test_to_train) * values.var(ddof=1)))
    if error <= CERTAIN * abs(mean) or error == 0:
        return Posterior(
            float(mean < -edge), float(-edge <= mean <= edge), float(mean > edge), (mean * scale,) * 2
        )
    posterior = stats.t(k - 1, mean, error)
    worse, better = float(posterior.cdf(-edge)), float(posterior.sf(edge))
    low, high = posterior.interval(0.95)
    return Posterior(worse, max(1 - worse - better, 0.0), better, (float(low * scale), float(high * scale)))


def signed_rank(
    differences: Sequence[float] | np.ndarray, rope: float, *, draws: int = DRAWS, seed: int = SEED
) -> Posterior:
    """How probable it is that, for two data sets at random, each region is the likeliest of the three.

    The Bayesian signed-rank test (Benavoli et al. 2014, *A Bayesian Wilcoxon signed-rank test based on the
    Dirichlet process*, ICML): the data sets get Dirichlet(1, …, 1) weights, a pseudo-observation at 0
    weighs ½, and a region holds the weight of the pairs (i, j) whose mean difference lies in it. Every
    draw of weights votes for its heaviest region, a tie shares the vote. The answer depends on the
    differences alone, not on their order, and swapping the arms swaps ``worse`` and ``better`` exactly.

    Parameters
    ----------
    differences : array of shape (n,)
        One per data set, positive when the candidate is better.
    rope : float
        In units of the differences, at least 0.
    draws : int
        Of the weights; the Monte Carlo standard error of a probability is at most 0.5/√draws.

    Raises
    ------
    RequestError
        When there is no difference or one is not finite, or ``rope`` is negative.
    """
    values = np.sort(_checked(differences, rope))
    if not len(values):
        raise RequestError("signed_rank: no differences, at least one data set is needed")
    mirrored = -values[::-1]
    swapped = tuple(mirrored) > tuple(values)
    votes = _votes(mirrored if swapped else values, rope, draws, np.random.default_rng(seed))
    worse, equal, better = votes[::-1] if swapped else votes
    if np.array_equal(values, mirrored):
        worse = better = (worse + better) / 2
    return Posterior(float(worse), float(equal), float(better), None)


def _votes(values: np.ndarray, rope: float, draws: int, rng: np.random.Generator) -> np.ndarray:
    """The share of draws in which below, within and above is the heaviest, ``(3,)``; values are sorted."""
    prior = int(np.searchsorted(values, 0.0))
    places = np.insert(values, prior, 0.0)
    above = np.searchsorted(places, 2 * rope - places, side="right")
    below = np.searchsorted(places, -2 * rope - places, side="left")
    votes, left = np.zeros(3), draws
    while left:
        now = min(left, max(AT_ONCE // len(places), 1))
        left -= now
        weights = rng.standard_exponential((len(places), now))
        weights[prior] = rng.standard_gamma(PRIOR_WEIGHT, now)
        sums = np.concatenate([np.zeros((1, now)), np.cumsum(weights, axis=0)])
        total = sums[-1]
        worse = np.einsum("ij,ij->j", weights, sums[below])
        better = total**2 - np.einsum("ij,ij->j", weights, sums[above])
        heights = np.stack([worse, total**2 - worse - better, better])
        heaviest = heights == heights.max(axis=0)
        votes += (heaviest / heaviest.sum(axis=0)).sum(axis=1)
    return votes / draws


def _checked(differences: Sequence[float] | np.ndarray, rope: float) -> np.ndarray:
    values = np.asarray(differences, dtype=float)
    if not np.isfinite(values).all():
        raise RequestError(f"differences: {(~np.isfinite(values)).sum()} of {len(values)} are not finite")
    if not rope >= 0:
        raise RequestError(f"rope={rope}: at least 0")
    return values


def _quotient(value: float, scale: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float64(value) / scale)
