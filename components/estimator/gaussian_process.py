"""Gaussian processes, for few rows."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

__all__ = ["GaussianProcess"]


class GaussianProcess(BaseEstimator):  # type: ignore[misc]
    """A Gaussian process whose kernel maximises the marginal likelihood (Rasmussen and Williams, 2006).

    The kernel is Gaussian, of free height and width, with noise for numbers; steps of a forecast share it.
    Classes are Laplace's approximation (algorithms 3.1, 3.2 and 5.1), one class against the rest.

    Parameters
    ----------
    task_type
        ``binary``, ``multiclass``, ``regression`` or ``forecasting``.
    seed
        Not used: nothing here is random.
    width
        Of the kernel where the search starts, in units of the root of the number of columns.
    """

    def __init__(self, task_type: str, seed: int, width: float = 1.0) -> None:
        self.task_type = task_type
        self.seed = seed
        self.width = width

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        """Fit kernel and process on ``X (n_rows, n_features)``."""
        kernel = ConstantKernel(1.0) * RBF(self.width * np.sqrt(max(1, X.shape[1])))
        if self.task_type not in ("binary", "multiclass"):
            learner = GaussianProcessRegressor(kernel + WhiteKernel(0.1), normalize_y=True)
            self.learner_ = learner.fit(X.to_numpy(), y)
            return self
        self.classes_ = np.unique(y)
        if len(self.classes_) > 1:
            self.learner_ = GaussianProcessClassifier(kernel).fit(X.to_numpy(), y)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Numbers ``(n_rows,)`` or ``(n_rows, horizon)``, or the most probable class codes."""
        if self.task_type in ("binary", "multiclass"):
            return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
        return np.asarray(self.learner_.predict(X.to_numpy()))

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities ``(n_rows, n_classes)``, columns in the order of ``classes_``."""
        if len(self.classes_) == 1:
            return np.ones((len(X), 1))
        return np.asarray(self.learner_.predict_proba(X.to_numpy()))
