"""Two tests that assume nothing but that labels could be exchanged, and the correction for several."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

__all__ = ["DRAWS", "Stratum", "correction", "larger", "shifted", "smallest_larger", "smallest_shifted"]

DRAWS = 9999
"""Random permutations of a test, unless all of them are tried."""
_EXACT_UP_TO = 12
"""Units whose signs are flipped in every possible way."""

Stratum = tuple[np.ndarray, np.ndarray]
"""Sizes of the cases and of the controls that they may be exchanged with."""


def larger(strata: Sequence[Stratum], random: np.random.Generator, draws: int = DRAWS) -> float:
    """One-sided p that cases are larger than controls: the stratified rank sum, permuted within strata.

    van Elteren, P. H. (1960), On the combination of independent two-sample tests of Wilcoxon. Bulletin of
    the International Statistical Institute 37.
    """
    found, drawn = 0.0, np.zeros(draws)
    for cases, controls in strata:
        ranks = rankdata(np.concatenate([cases, controls])) / (len(cases) + len(controls) + 1)
        found += ranks[: len(cases)].sum()
        drawn += ranks[_subsets(len(ranks), len(cases), draws, random)].sum(axis=1)
    return float((1 + np.sum(drawn >= found - 1e-9)) / (draws + 1))


def smallest_larger(strata: Sequence[Stratum], draws: int = DRAWS) -> float:
    """The smallest p that :func:`larger` can give for as many cases and controls."""
    ways = sum(math.log(math.comb(len(cases) + len(controls), len(cases))) for cases, controls in strata)
    return max(math.exp(-ways), 1 / (draws + 1))


def shifted(means: np.ndarray, random: np.random.Generator, draws: int = DRAWS) -> float:
    """Two-sided p that independent means lie around zero: their signs flipped in every way, or at random."""
    n = len(means)
    if n <= _EXACT_UP_TO:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        return float(np.mean(np.abs(signs @ means) >= abs(means.sum()) - 1e-12))
    signs = random.choice([-1.0, 1.0], (draws, n))
    return float((1 + np.sum(np.abs(signs @ means) >= abs(means.sum()) - 1e-12)) / (draws + 1))


def smallest_shifted(n: int, draws: int = DRAWS) -> float:
    """The smallest p that :func:`shifted` can give for ``n`` means."""
    return min(1.0, 2.0 ** (1 - n) if n <= _EXACT_UP_TO else 1 / (draws + 1))


def correction(smallest: Sequence[float], level: float) -> int:
    """What p values are multiplied with, so that all tests together err no oftener than ``level``.

    Bonferroni's, without the tests that could not have found anything. Tarone, R. E. (1990), A modified
    Bonferroni method for discrete data. Biometrics 46.
    """
    return next(k for k in range(1, len(smallest) + 2) if sum(p * k <= level for p in smallest) <= k)


def _subsets(n: int, k: int, draws: int, random: np.random.Generator) -> np.ndarray:
    """``draws`` random subsets of ``k`` out of ``n``."""
    if k == 1:
        return random.integers(n, size=(draws, 1))
    return random.random((draws, n)).argpartition(k - 1, axis=1)[:, :k]
