"""The tests that readers expect beside an interval; no verdict rests on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats

__all__ = ["CorrectedT", "SignedRank", "holm", "nadeau_bengio", "signed_rank"]

DIGITS = 12
"""Differences that agree to this many digits of the largest one are ties: beyond is rounding."""

EXACT_UP_TO = 50


class SignedRank(NamedTuple):
    """Wilcoxon's signed-rank test."""

    plus: float
    """Sum of the ranks of positive differences, half of those of zeros."""
    minus: float
    p: float
    """Two-sided."""


@dataclass(frozen=True, slots=True)
class CorrectedT:
    """Nadeau and Bengio's corrected resampled t-test of a mean difference over splits of one task."""

    mean: float
    t: float | None
    """None where the differences do not vary."""
    df: int
    p: float
    """Two-sided."""
    p_greater: float
    """Against the alternative that the mean is above zero."""
    ci95: tuple[float, float]


def signed_rank(differences: Sequence[float] | np.ndarray) -> SignedRank:
    """Rank sums and p of the Wilcoxon signed-rank test, zeros split evenly (Demšar 2006, JMLR 7).

    Exact up to 50 differences, given their ties; then by SciPy's normal approximation. p is 1 where all
    are zero.

    Parameters
    ----------
    differences : array of shape (n,)
        Finite; one per unit of evidence.
    """
    values = np.asarray(differences, dtype=float)
    largest = np.abs(values).max(initial=0.0)
    if largest == 0:
        half = len(values) * (len(values) + 1) / 4
        return SignedRank(half, half, 1.0)
    values = np.round(values / largest, DIGITS)
    ranks = stats.rankdata(np.abs(values))
    zeros = float(ranks[values == 0].sum()) / 2
    plus, minus = float(ranks[values > 0].sum()) + zeros, float(ranks[values < 0].sum()) + zeros
    if len(values) > EXACT_UP_TO:
        return SignedRank(plus, minus, float(stats.wilcoxon(values, zero_method="zsplit").pvalue))
    return SignedRank(plus, minus, _exact_p(ranks[values != 0], abs(plus - minus)))


def _exact_p(ranks: np.ndarray, difference: float) -> float:
    """The share of all signs of the ranks whose sums differ by at least ``difference``."""
    doubled = np.rint(2 * ranks).astype(int)  # mid-ranks are halves
    ways = np.zeros(2 * doubled.sum() + 1)
    centre = doubled.sum()
    ways[centre] = 1.0
    for rank in doubled:
        ways = (np.roll(ways, rank) + np.roll(ways, -rank)) / 2
    apart = np.abs(np.arange(len(ways)) - centre)
    return min(float(ways[apart >= round(2 * difference)].sum()), 1.0)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values adjusted for their number by Holm's step-down procedure (1979), in the same order."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in adjusted]


def nadeau_bengio(differences: Sequence[float] | np.ndarray, test_to_train: float) -> CorrectedT | None:
    """The corrected resampled t-test; None with fewer than two splits or without a known ratio.

    Variance of the mean over k splits: (1/k + n_test/n_train) · s² (Nadeau and Bengio 2003, *Inference
    for the generalization error*, Machine Learning 52), with k − 1 degrees of freedom.

    Parameters
    ----------
    differences : array of shape (k,)
        One per split.
    test_to_train : float
        Test rows divided by training rows; NaN where it is not known.
    """
    values = np.asarray(differences, dtype=float)
    k = len(values)
    if k < 2 or not np.isfinite(test_to_train) or test_to_train <= 0:
        return None
    mean = float(values.mean())
    error = float(np.sqrt((1 / k + test_to_train) * values.var(ddof=1)))
    if error <= 10.0**-DIGITS * abs(mean) or error == 0:
        certain = 0.0 if mean > 0 else 1.0 if mean < 0 else 0.5
        return CorrectedT(mean, None, k - 1, 1.0 if mean == 0 else 0.0, certain, (mean, mean))
    t = mean / error
    half = float(stats.t.ppf(0.975, k - 1)) * error
    return CorrectedT(
        mean,
        t,
        k - 1,
        float(2 * stats.t.sf(abs(t), k - 1)),
        float(stats.t.sf(t, k - 1)),
        (mean - half, mean + half),
    )
