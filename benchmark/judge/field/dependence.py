"""Leave-one-entrant-out: what a ranking owes to who else competed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from benchmark.judge.significance import DIGITS

__all__ = ["without_each"]


def without_each(wins: np.ndarray, methods: Sequence[str]) -> pd.DataFrame:
    """How the ranking of the rest changes when one entrant is removed: one row per entrant.

    Columns: removed, winner (smallest mean rank among the rest), before (the first of the rest while the
    entrant was there), winner_changes (nobody who was first, alone or with others, still is),
    order_changes (two of the rest swap), kendall_tau (tau-b of the rest's mean ranks with and without;
    NaN where all are equal), largest_shift (in places).

    Nothing is run or ranked again: a mean rank is ½ plus a column's sum of the win matrix, so that an
    entrant takes its row with it.

    Parameters
    ----------
    wins : array of shape (n_methods, n_methods)
        Mean share of the units that the row won against the column, ties half, diagonal ½.
    """
    everybody = wins.sum(axis=0) + 0.5
    rows = [_without(wins, everybody, number, methods) for number in range(len(methods))]
    return pd.DataFrame(rows)


def _without(
    wins: np.ndarray, everybody: np.ndarray, removed: int, methods: Sequence[str]
) -> dict[str, str | bool | float]:
    names = [name for number, name in enumerate(methods) if number != removed]
    before = np.round(np.delete(everybody, removed), DIGITS)
    after = np.round(np.delete(everybody - wins[removed], removed), DIGITS)
    swapped = np.sign(before[:, None] - before) * np.sign(after[:, None] - after) < 0
    was, now = _first(before, names), _first(after, names)
    varies = np.ptp(before) > 0 and np.ptp(after) > 0
    return {
        "removed": methods[removed],
        "winner": min(was & now or now),
        "before": min(was & now or was),
        "winner_changes": not was & now,
        "order_changes": bool(swapped.any()),
        "kendall_tau": float(stats.kendalltau(before, after).statistic) if varies else np.nan,
        "largest_shift": float(np.abs(stats.rankdata(after) - stats.rankdata(before)).max()),
    }


def _first(mean_ranks: np.ndarray, names: Sequence[str]) -> set[str]:
    return {names[int(number)] for number in np.flatnonzero(mean_ranks == mean_ranks.min())}
