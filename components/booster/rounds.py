"""What the boosters here share: which rows to score, when to stop, and how a weak learner is fitted."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.multioutput import MultiOutputRegressor
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

__all__ = [
    "TreeShape",
    "categorical_columns",
    "fit_member",
    "indicators",
    "joint",
    "known_classes",
    "mean_loss",
    "predicted",
    "rounds_kept",
]


class TreeShape(Protocol):
    """The limits of a tree, for a booster that grows its own."""

    @property
    def num_leaves(self) -> int:
        """Most leaves."""

    @property
    def min_samples_leaf(self) -> int:
        """Fewest training rows in a leaf."""

    @property
    def max_depth(self) -> int:
        """Longest path from the root, -1 for no limit."""

    @property
    def feature_fraction(self) -> float:
        """Share of the columns that may be used."""


def categorical_columns(X: pd.DataFrame) -> list[int]:
    """Places of the columns that hold codes of categories: the integer ones."""
    return [place for place, kind in enumerate(X.dtypes) if kind.kind in "iu"]


def known_classes(
    classes: np.ndarray, validation: tuple[pd.DataFrame, np.ndarray], weight: np.ndarray | None
) -> tuple[tuple[pd.DataFrame, np.ndarray], np.ndarray | None]:
    """The validation rows whose class is one of ``classes``, and their weights.

    No loss is defined for the others.
    """
    X, y = validation
    known = np.isin(y, classes)
    return (X[known], y[known]), None if weight is None else weight[known]


def indicators(classes: np.ndarray, y: np.ndarray) -> np.ndarray:
    """1 in the column of a row's class, else 0: ``(n_rows, n_classes)``."""
    return np.asarray(y[:, None] == classes, dtype=np.float64)


def mean_loss(losses: np.ndarray, weight: np.ndarray | None) -> float:
    """The mean of the rows' losses, weighted; NaN where there are no rows."""
    return float(np.average(losses, weights=weight)) if len(losses) else math.nan


def rounds_kept(losses: Iterable[float], patience: int) -> int:
    """The number of rounds with the least loss.

    Parameters
    ----------
    losses
        Of the validation rows after each round; NaN, where there are none, counts as better. They are made
        when they are asked for.
    patience
        After so many rounds without a better loss no more are asked for.
    """
    best, kept = math.inf, 0
    for number, loss in enumerate(losses, start=1):
        if not loss >= best:
            best, kept = loss, number
        if number - kept >= patience:
            break
    return kept


def predicted(member: Any, X: np.ndarray) -> np.ndarray:
    """What a member predicts; of no rows, which the library refuses, nothing."""
    return np.asarray(member.predict(X)) if len(X) else np.zeros(0)


def joint(weak_learner: Any) -> Any:
    """The weak learner where it predicts several columns at once, else one of it per column."""
    if get_tags(weak_learner).target_tags.multi_output:
        return weak_learner
    return MultiOutputRegressor(weak_learner)


def fit_member(
    weak_learner: Any,
    X: np.ndarray,
    y: np.ndarray,
    random: np.random.Generator,
    weight: np.ndarray | None = None,
) -> Any:
    """A fresh copy of the weak learner, fitted.

    A weak learner that takes no weights gets as many rows drawn with their probabilities: boosting by
    resampling (Freund and Schapire, ICML 1996, section 2).

    Parameters
    ----------
    X, y
        ``(n_rows, n_features)`` and ``(n_rows,)`` or ``(n_rows, n_columns)``.
    random
        Where the copy's seed, and the drawing, come from.
    weight
        ``(n_rows,)``; None where all rows count the same.
    """
    member, seed = clone(weak_learner), int(random.integers(2**31))
    inner = member.estimator if isinstance(member, MultiOutputRegressor) else member
    if "seed" in inner.get_params():
        inner.set_params(seed=seed)
    if weight is None:
        return member.fit(X, y)
    if has_fit_parameter(inner, "sample_weight"):
        return member.fit(X, y, sample_weight=weight)
    drawn = random.choice(len(X), len(X), p=weight / weight.sum())
    return member.fit(X[drawn], y[drawn])
