"""On how many data sets is there an effect, and on which: Dror et al. (2017).

*Replicability analysis for natural language processing: testing significance with multiple datasets*,
TACL 5, arXiv:1709.09500. Counting the p values below α would let every data set bring its own chance of a
false alarm; these counts are too large with probability at most α.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from benchmark.errors import RequestError, nearest
from benchmark.judge.significance import holm

__all__ = ["identified", "k_hat"]

METHODS = ("bonferroni", "fisher")


def k_hat(p_values: Sequence[float] | np.ndarray, alpha: float = 0.05, method: str = "bonferroni") -> int:
    """A lower bound, at confidence 1 − α, of the number of data sets with an effect.

    The largest u for which all partial conjunction hypotheses up to u ("fewer than u data sets have an
    effect") are rejected at α (eq. 4). Their p values combine the n − u + 1 largest: times their number,
    the smallest of them (``bonferroni``, valid for dependent data sets; eq. 5), or Fisher's χ²
    (``fisher``, for independent data sets only; eq. 6).

    Parameters
    ----------
    p_values : array of shape (n,)
        One per data set, one-sided, all in a direction that was fixed before the data were seen.

    Raises
    ------
    RequestError
        When a p value is outside [0, 1], ``alpha`` outside (0, 1), or the method unknown.
    """
    if method not in METHODS:
        raise RequestError(f"method={method}: {nearest(method, METHODS)}")
    p = np.sort(_checked(p_values, alpha))
    left = len(p) - np.arange(len(p))
    if method == "bonferroni":
        combined = p * left
    else:
        with np.errstate(divide="ignore"):
            logs = np.log(p)
        combined = stats.chi2.sf(-2 * np.cumsum(logs[::-1])[::-1], 2 * left)
    return int((np.maximum.accumulate(combined) <= alpha).sum())


def identified(p_values: Sequence[float] | np.ndarray, alpha: float = 0.05) -> np.ndarray:
    """Which data sets have an effect, ``(n,)`` bool: with probability 1 − α none of them is there wrongly.

    Holm's procedure; as many as ``k_hat(p_values, alpha)``. Fisher's count may be larger, and then says
    only that there are more, not which.

    Raises
    ------
    RequestError
        As for :func:`k_hat`.
    """
    p = _checked(p_values, alpha)
    return np.asarray(holm(list(p)), dtype=float) <= alpha


def _checked(p_values: Sequence[float] | np.ndarray, alpha: float) -> np.ndarray:
    p = np.asarray(p_values, dtype=float)
    wrong = np.flatnonzero(~((p >= 0) & (p <= 1)))
    if len(wrong):
        raise RequestError(f"p_values: {p[wrong[0]]} at place {wrong[0]}, a p value lies in [0, 1]")
    if not 0 < alpha < 1:
        raise RequestError(f"alpha={alpha}: above 0 and below 1, say 0.05")
    return p
