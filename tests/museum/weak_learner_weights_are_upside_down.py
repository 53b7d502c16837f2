"""Rows are divided by the root of their weight, where they should be multiplied with it."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

SLOT = "weak_learner"
CLASS = "LeastSquares"
FINDING = "more_weight_pulls_more"
SO = ()


class LeastSquares(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Linear regression."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """Fit it."""
        rows = np.column_stack([np.ones(len(X)), np.asarray(X, dtype=float)])
        root = np.ones(len(X)) if sample_weight is None else np.sqrt(sample_weight)
        self.coefficients_ = np.linalg.lstsq(rows / root[:, None], y / root, rcond=None)[0]
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Values."""
        rows = np.column_stack([np.ones(len(X)), np.asarray(X, dtype=float)])
        return np.asarray(rows @ self.coefficients_)
