"""Mean ranks, Friedman's test and what stands beside them in papers (Demšar 2006, JMLR 7).

A row is one independent data set (a unit of evidence), a column one method; rank 1 is the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from scipy import stats

__all__ = ["Friedman", "cliques", "friedman", "mean_ranks", "nemenyi", "nemenyi_p", "rank_rows"]

Table: TypeAlias = np.ndarray | pd.DataFrame

SAME = 1e-12
"""Errors closer than this share of their size are ties: beyond is the rounding of means."""


@dataclass(frozen=True, slots=True)
class Friedman:
    """Friedman's test that all methods are alike, in the three forms that papers print."""

    n_units: int
    n_methods: int
    chi2: float
    """Without a correction for ties, as in Demšar (2006), section 3.2.2."""
    p: float
    chi2_ties: float
    """Corrected for ties, as SciPy computes it."""
    p_ties: float
    f: float
    """Iman and Davenport (1980), from ``chi2``; infinite where all rows have the same order.

    With few data sets it rejects a little too often: by simulation 6.5 % instead of 5 with 5 data sets and 4
    methods, 5.3 % with 12 and 6; chi-square then 3.3 and 4.5 %."""
    df: tuple[int, int]
    p_f: float


def rank_rows(errors: Table) -> np.ndarray:
    """Ranks within each row, ``(n_rows, n_methods)``: 1 for the smallest, ties share their mean rank.

    NaN is a failure and ranks last; several share the last ranks. Values that agree to 12 significant
    digits are ties.
    """
    values = np.asarray(errors, dtype=float)
    values = np.where(np.isnan(values), np.inf, values)
    order = np.argsort(values, axis=1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=1)
    with np.errstate(over="ignore"):
        above = ordered[:, 1:] > ordered[:, :-1] + SAME * np.abs(ordered[:, :-1])
    levels = np.zeros(values.shape)
    np.put_along_axis(levels, order[:, 1:], np.cumsum(above, axis=1), axis=1)
    np.put_along_axis(levels, order[:, :1], 0.0, axis=1)
    ranks: np.ndarray = stats.rankdata(levels, axis=1)
    return ranks


def mean_ranks(ranks: pd.DataFrame) -> pd.Series:
    """Mean rank by method, the best first; equal ones in the order of the columns.

    Parameters
    ----------
    ranks : pandas.DataFrame
        ``(n_units, n_methods)``, without gaps: ``Entrants.unit_ranks``.
    """
    return ranks.mean().sort_values(kind="stable").rename("mean_rank")


def friedman(ranks: Table) -> Friedman:
    """Friedman's test of ``(n_units, n_methods)`` ranks, as chi-square and as Iman and Davenport's F.

    Rows that are means over several cells are ranked anew, since the test is one of permutations. A
    table that can say nothing (one row, one method, all tied) gives p = 1.
    """
    table = rank_rows(ranks)
    n, k = table.shape
    if n < 2 or k < 2:
        return Friedman(n, k, 0.0, 1.0, 0.0, 1.0, 0.0, (max(k - 1, 0), 0), 1.0)
    most = n * (k - 1)
    chi2 = 12 * n / (k * (k + 1)) * float(((table.mean(axis=0) - (k + 1) / 2) ** 2).sum())
    # 1 where no two values of a row are alike, 0 where all are.
    untied = 12 * float(((table - (k + 1) / 2) ** 2).sum()) / (n * (k**3 - k))
    corrected = min(chi2 / untied, float(most)) if untied > 0 else 0.0
    df = (k - 1, (k - 1) * (n - 1))
    f = (n - 1) * chi2 / (most - chi2) if most - chi2 > SAME * most else np.inf
    p, p_ties = (float(stats.chi2.sf(value, k - 1)) for value in (chi2, corrected))
    return Friedman(n, k, chi2, p, corrected, p_ties, float(f), df, float(stats.f.sf(f, *df)))


def nemenyi(n_methods: int, n_units: int, alpha: float, df: float = np.inf) -> float:
    """Nemenyi's critical difference of two mean ranks: q · √(k(k + 1) / 6n) (Demšar 2006, section 3.2.2).

    q is the studentised range over √2. Demšar takes it with infinite degrees of freedom, García and
    Herrera (2008, JMLR 9) with n·k − k.
    """
    quantile = float(stats.studentized_range.ppf(1 - alpha, n_methods, df))
    return float(quantile / np.sqrt(2) * _error(n_methods, n_units))


def nemenyi_p(ranks: pd.DataFrame) -> pd.DataFrame:
    """Nemenyi's p of every pair ``(n_methods, n_methods)``, for all pairs together; 1 on the diagonal.

    At most alpha where mean ranks are a critical difference apart or more. Conservative where rows are
    means over several cells, since these vary less than ranks do.
    """
    means = ranks.mean().to_numpy()
    apart = np.abs(means[:, None] - means) / _error(len(means), len(ranks)) * np.sqrt(2)
    p = np.clip(stats.studentized_range.sf(apart, len(means), np.inf), 0.0, 1.0)
    np.fill_diagonal(p, 1.0)
    return pd.DataFrame(p, ranks.columns, ranks.columns)


def _error(n_methods: int, n_units: int) -> float:
    """Standard error of the difference of two mean ranks where all methods are alike."""
    return float(np.sqrt(n_methods * (n_methods + 1) / (6 * n_units)))


def cliques(order: Sequence[int], apart: Table) -> list[tuple[int, int]]:
    """Maximal runs of methods, next to each other in ``order``, of which no two are told apart.

    Runs of two or more, as (first, last) places in ``order``, both included. Every pair of a run counts,
    so that methods without a run in common may still be indistinguishable.

    Parameters
    ----------
    order : sequence of int
        Columns, the best first.
    apart : array of shape (n_methods, n_methods)
        Whether the test tells two columns apart; symmetric, the diagonal is not read.
    """
    different = np.asarray(apart, dtype=bool)[np.ix_(order, order)]
    runs: list[tuple[int, int]] = []
    for first in range(len(order)):
        last = first
        while last + 1 < len(order) and not different[first : last + 1, last + 1].any():
            last += 1
        if last > first and (not runs or last > runs[-1][1]):
            runs.append((first, last))
    return runs
