"""Every method against every other one: paired effects, signed-rank tests with Holm, win matrix."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from benchmark.judge.effects import relative
from benchmark.judge.field.entrants import Entrants, cell_means
from benchmark.judge.significance import holm, signed_rank

__all__ = ["pair_effects", "signed_rank_pairs", "square", "unit_wins", "win_matrix"]


def pair_effects(entrants: Entrants) -> pd.DataFrame:
    """The paired effects Δ of all pairs ``(n_cells, n_pairs)``, columns (first, second).

    Δ is positive where the first method is better, and what a comparison of these two alone gives: a
    failure is imputed by the worse of the featureless error and the other one's error, and 0 where both
    failed throughout. ``entrants.by_origin`` makes units of evidence of it.
    """
    pairs = list(combinations(range(len(entrants.methods)), 2))
    first, second = (np.array(side) for side in zip(*pairs, strict=True))
    cells = entrants.cells.to_numpy()
    effects = relative(cells[:, second], cells[:, first])
    failed = entrants.failed.to_numpy()
    cell_of = entrants.cells.index.get_indexer(entrants.blocks.index.droplevel(["repeat", "fold", "seed"]))
    touched = np.zeros(len(cells), dtype=bool)
    touched[cell_of[failed.any(axis=1)]] = True
    if touched.any():
        some = touched[cell_of]
        starts = np.flatnonzero(np.diff(cell_of[some], prepend=-1))
        ours, theirs = _imputed(entrants, some, first, second)
        effects[touched] = relative(cell_means(theirs, starts), cell_means(ours, starts))
    names = [(entrants.methods[one], entrants.methods[other]) for one, other in pairs]
    columns = pd.MultiIndex.from_tuples(names, names=["first", "second"])
    return pd.DataFrame(effects, entrants.cells.index, columns)


def _imputed(
    entrants: Entrants, some: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Both sides' errors ``(n_some, n_pairs)`` in some blocks, failures as ``pairing.impute`` has them."""
    errors = entrants.blocks.where(~entrants.failed).to_numpy()[some]
    featureless = entrants.featureless.to_numpy()[some, None]
    worst = entrants.worst.to_numpy()[some, None]
    sides = []
    for side, other in ((first, second), (second, first)):
        price = np.where(np.isnan(featureless), worst, np.fmax(featureless, errors[:, other]))
        sides.append(np.where(np.isnan(errors[:, side]), price, errors[:, side]))
    return sides[0], sides[1]


def signed_rank_pairs(effects: pd.DataFrame) -> pd.DataFrame:
    """One row per pair: first, second, mean, plus, minus, p, p_holm; plus is the first method's rank sum.

    Wilcoxon's signed-rank test, two-sided, zeros split evenly; p_holm is adjusted over all pairs.

    Parameters
    ----------
    effects : pandas.DataFrame
        Differences by unit of evidence ``(n_units, n_pairs)``, columns (first, second), positive where
        the first is better: ``entrants.by_origin(pair_effects(entrants))``.
    """
    rows = []
    for first, second in effects.columns:
        values = effects[first, second].to_numpy()
        found = signed_rank(values)
        rows.append((first, second, float(values.mean()), found.plus, found.minus, found.p))
    pairs = pd.DataFrame(rows, columns=["first", "second", "mean", "plus", "minus", "p"])
    return pairs.assign(p_holm=holm(pairs["p"]))


def unit_wins(entrants: Entrants) -> np.ndarray:
    """Share of each data set's cells won by row against column, ``(n_origins, n_methods, n_methods)``.

    Data sets are the independent ones. Ties count half, failures lose (two failures tie), and cells are
    averaged as their ranks are. The diagonal is ½: a column's sum + ½ is the method's rank on that data set.
    """
    ranks = entrants.ranks()
    values = ranks.to_numpy()
    wins = (np.sign(values[:, None, :] - values[:, :, None]) + 1) / 2
    by_cell = pd.DataFrame(wins.reshape(len(values), -1), ranks.index)
    shape = (-1, len(entrants.methods), len(entrants.methods))
    shares: np.ndarray = entrants.by_origin(by_cell).to_numpy().reshape(shape)
    return shares


def square(pairs: pd.DataFrame, methods: Sequence[str], column: str = "p_holm") -> pd.DataFrame:
    """A column of the pairs' table as a symmetric ``(n_methods, n_methods)`` frame; 1 on the diagonal."""
    values = pd.DataFrame(1.0, list(methods), list(methods))
    for first, second, value in zip(pairs["first"], pairs["second"], pairs[column], strict=True):
        values.loc[first, second] = values.loc[second, first] = value
    return values


def win_matrix(entrants: Entrants) -> pd.DataFrame:
    """Share of the independent data sets won by the row against the column, ``(n_methods, n_methods)``.

    The mean of :func:`unit_wins`. NaN on the diagonal; a cell and its mirror image sum to 1.
    """
    shares = unit_wins(entrants).mean(axis=0)
    np.fill_diagonal(shares, np.nan)
    return pd.DataFrame(shares, list(entrants.methods), list(entrants.methods))
