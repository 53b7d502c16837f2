"""The rows of a board: what is known of every method beside all others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmark.judge.field.entrants import Entrants
from benchmark.judge.field.pareto import pareto_front
from benchmark.judge.field.profiles import time_to_target
from benchmark.judge.field.ratings import elo, percentiles, resampled
from benchmark.judge.significance import DIGITS

__all__ = ["better", "cell_weights", "interquartile_means", "standing", "times_to_target"]

TRIMMED = 0.25
"""The share cut off at either end for an interquartile mean."""


def standing(
    field: Entrants, wins: np.ndarray, apart: np.ndarray, *, alpha: float, anchor: str | None
) -> pd.DataFrame:
    """One row per method, the best mean rank first, equal ones by name.

    method; mean_rank, rank_low, rank_high; elo, elo_low, elo_high (mean or anchor at 1000); wins (mean
    share of data sets won against one of the others); iqm, iqm_low, iqm_high (interquartile mean over
    data sets of the error as a multiple of the median entrant's, inf where failures reach into it);
    failures (blocks); seconds (geometric mean over the cells that all came through, as a multiple of the
    fastest's; NaN where they are not known); on_front (nobody is better in one of seconds and iqm and as
    good in the other); tied_for_first (not told apart from the first). Low and high are the ends of
    bootstrap intervals over independent data sets, at 1 − alpha; NaN below five data sets.

    Parameters
    ----------
    wins : array of shape (n_origins, n_methods, n_methods)
        What ``unit_wins(field)`` returns.
    apart : array of shape (n_methods, n_methods)
        Whether the row is told to be better than the column.
    """
    ranks = field.unit_ranks().to_numpy()
    weights = resampled(len(ranks)) / len(ranks)
    means = ranks.mean(axis=0)
    order = np.lexsort([np.array(field.methods), np.round(means, DIGITS)])
    rank_low, rank_high = percentiles(weights @ ranks, len(ranks), alpha)
    rated = elo(wins, alpha=alpha, anchor=None if anchor is None else field.methods.index(anchor))
    iqm, iqm_low, iqm_high = _relative_errors(field, alpha)
    seconds = _relative_seconds(field)
    others = wins.mean(axis=0).sum(axis=1) - 0.5
    columns = {
        "method": np.array(field.methods, dtype=object),
        "mean_rank": means,
        "rank_low": rank_low,
        "rank_high": rank_high,
        "elo": rated.elo,
        "elo_low": rated.low,
        "elo_high": rated.high,
        "wins": others / (len(field.methods) - 1),
        "iqm": iqm,
        "iqm_low": iqm_low,
        "iqm_high": iqm_high,
        "failures": field.failures.to_numpy(),
        "seconds": seconds,
        "on_front": pareto_front(seconds, iqm),
        "tied_for_first": ~apart[order[0]],
    }
    return pd.DataFrame(columns).take(order).reset_index(drop=True)


def better(pairs: pd.DataFrame, methods: Sequence[str], alpha: float) -> np.ndarray:
    """Whether the row is told to be better than the column, ``(n_methods, n_methods)``.

    By the signed-rank tests of ``pairs``, adjusted over all of them, at ``alpha``.
    """
    found = np.zeros((len(methods),) * 2, dtype=bool)
    at = {name: number for number, name in enumerate(methods)}
    for row in pairs[pairs["p_holm"] <= alpha].itertuples():
        first, second = (row.first, row.second) if row.plus > row.minus else (row.second, row.first)
        found[at[first], at[second]] = True
    return found


def cell_weights(field: Entrants) -> np.ndarray:
    """What each cell weighs, ``(n_cells,)``, in all 1: origins alike, within them base hosts, then cells."""
    units = pd.DataFrame(
        {"origin": field.cells.index.get_level_values("origin"), "host": field.base_hosts.to_numpy()}
    )
    alike = units.groupby(["origin", "host"])["host"].transform("size").to_numpy()
    hosts = units.groupby("origin")["host"].transform("nunique").to_numpy()
    return np.asarray(1.0 / (units["origin"].nunique() * hosts * alike))


def times_to_target(field: Entrants, target: str | None, rope: float) -> np.ndarray | None:
    """Mean seconds of a fit where its error reached the cell's target, ``(n_cells, n_methods)``, else inf.

    The target is the error of the method ``target``, and ``rope`` more; without one that of the median of
    the entrants that came through. Where that method failed any result will do. None where the seconds of
    some that reached it are not known.
    """
    errors = field.cells.to_numpy()
    targets = _median(errors) if target is None else field.cells[target].to_numpy() * (1 + rope)
    times = time_to_target(errors, _seconds(field), np.where(np.isnan(targets), np.inf, targets))
    return None if np.isnan(times).any() else times


def _median(errors: np.ndarray) -> np.ndarray:
    """The median entrant's error in each cell, of those that came through; NaN where none did."""
    found = np.full(len(errors), np.nan)
    known = ~np.isnan(errors).all(axis=1)
    largest = np.nanmax(errors[known], axis=1, keepdims=True)
    shares = np.divide(errors[known], largest, out=errors[known] * 0.0, where=largest > 0)
    found[known] = np.nanmedian(shares, axis=1) * largest[:, 0]  # the sum of two errors may overflow
    return found


def _relative_errors(field: Entrants, alpha: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    errors = field.cells.to_numpy()
    middle = _median(errors)[:, None]
    multiples = np.full(errors.shape, np.inf)
    with np.errstate(over="ignore"):
        np.divide(errors, middle, out=multiples, where=~np.isnan(errors) & (middle > 0))
    multiples[errors == middle] = 1.0
    by_origin = field.by_origin(pd.DataFrame(multiples, field.cells.index)).to_numpy()
    once = np.ones((1, len(by_origin)))
    found = interquartile_means(by_origin, once)[0]
    drawn = interquartile_means(by_origin, resampled(len(by_origin)))
    return found, *percentiles(drawn, len(by_origin), alpha)


def interquartile_means(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The 25 % trimmed mean of each column of every resample, ``(n_draws, n_methods)``; inf may be in it.

    As ``scipy.stats.trim_mean`` cuts, for all resamples at once.

    Parameters
    ----------
    values : array of shape (n_units, n_methods)
        Without NaN.
    counts : array of shape (n_draws, n_units)
        How often each resample holds each unit; n_units in all.
    """
    n = len(values)
    cut = int(TRIMMED * n)
    found = np.empty((len(counts), values.shape[1]))
    for column, own in enumerate(values.T):
        order = np.argsort(own)
        ordered, upto = own[order], counts[:, order].cumsum(axis=1)
        kept = np.diff(np.clip(upto, cut, n - cut), axis=1, prepend=cut)
        finite = np.isfinite(ordered)
        means = kept[:, finite] @ ordered[finite] / (n - 2 * cut)
        found[:, column] = np.where(kept[:, ~finite].any(axis=1), np.inf, means)
    return found


def _seconds(field: Entrants) -> np.ndarray:
    """Mean seconds of the fits that came through, ``(n_cells, n_methods)``; NaN where not known."""
    known = field.seconds.where(~field.failed)
    means = known.groupby(level=["origin", "task", "host"]).mean().reindex(field.cells.index)
    return np.asarray(means, dtype=float)


def _relative_seconds(field: Entrants) -> np.ndarray:
    seconds = _seconds(field)
    found = np.full(seconds.shape[1], np.nan)
    timed = ~np.isnan(seconds).all(axis=0)
    together = (seconds[:, timed] > 0).all(axis=1)
    if timed.any() and together.any():
        weights = cell_weights(field)[together]
        means = weights @ np.log(seconds[together][:, timed]) / weights.sum()
        with np.errstate(over="ignore"):
            found[timed] = np.exp(means - means.min())
    return found
