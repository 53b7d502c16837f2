"""The nearest training rows, no more of them than there are."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

__all__ = ["NearestNeighbours"]


class NearestNeighbours(BaseEstimator):  # type: ignore[misc]
    """The mean, or the shares of the classes, of the nearest training rows (Cover and Hart, 1967).

    Parameters
    ----------
    task_type
        ``binary``, ``multiclass``, ``regression`` or ``forecasting``.
    seed
        Not used: nothing here is random.
    n_neighbors
        How many rows; all of them where there are fewer.
    weights
        ``uniform``, or ``distance`` for the inverse distance.
    p
        Power of the distance: 1 for the sum of absolute differences, 2 for Euclid's.
    """

    def __init__(
        self, task_type: str, seed: int, n_neighbors: int = 10, weights: str = "uniform", p: float = 2
    ) -> None:
        self.task_type = task_type
        self.seed = seed
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.p = p

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        """Keep ``X (n_rows, n_features)`` and ``y (n_rows,)`` or ``(n_rows, horizon)``."""
        make = KNeighborsClassifier if self.task_type in ("binary", "multiclass") else KNeighborsRegressor
        learner = make(min(self.n_neighbors, len(X)), weights=self.weights, p=self.p, n_jobs=1)
        self.learner_ = learner.fit(X.to_numpy(), y)
        return self

    @property
    def classes_(self) -> np.ndarray:
        """Class codes of the columns of ``predict_proba``."""
        return np.asarray(self.learner_.classes_)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Numbers ``(n_rows,)`` or ``(n_rows, horizon)``, or class codes ``(n_rows,)``."""
        return np.asarray(self.learner_.predict(X.to_numpy()))

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities ``(n_rows, n_classes)``, columns in the order of ``classes_``."""
        return np.asarray(self.learner_.predict_proba(X.to_numpy()))
