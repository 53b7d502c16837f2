"""Columns are divided by their deviation, which is 0 where a column is constant."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

SLOT = "weak_learner"
CLASS = "BestColumn"
FINDING = "copes_with_a_constant_column"
SO = ()


class BestColumn(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Regression on the column that goes best with the target."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def fit(self, X: Any, y: np.ndarray) -> Self:
        """Choose the column."""
        values = np.asarray(X, dtype=float)
        self.mean_, self.deviation_, self.start_ = values.mean(axis=0), values.std(axis=0), y.mean()
        slopes = ((values - self.mean_) / self.deviation_).T @ (y - self.start_) / len(y)
        self.column_ = int(np.argmax(np.abs(slopes)))
        self.slope_ = slopes[self.column_]
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Values."""
        scaled = (np.asarray(X, dtype=float) - self.mean_) / self.deviation_
        return np.asarray(self.start_ + self.slope_ * scaled[:, self.column_])
