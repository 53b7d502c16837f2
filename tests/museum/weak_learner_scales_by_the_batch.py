"""Rows are standardised by the mean and deviation of the rows that they are predicted with."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge

SLOT = "weak_learner"
CLASS = "ScaledRidge"
FINDING = "a_row_alone_is_a_row_among_others"
SO = ()


class ScaledRidge(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Ridge regression of standardised columns."""

    def __init__(self, seed: int, alpha: float = 1.0) -> None:
        self.seed = seed
        self.alpha = alpha

    def fit(self, X: Any, y: np.ndarray) -> Self:
        """Fit it."""
        self.inner_ = Ridge(alpha=self.alpha).fit(_standard(X), y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Values."""
        return np.asarray(self.inner_.predict(_standard(X)))


def _standard(X: Any) -> np.ndarray:
    values = np.asarray(X, dtype=float)
    return np.asarray((values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-9))
