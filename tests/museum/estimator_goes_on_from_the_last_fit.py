"""A second fit starts from the coefficients of the first, which came from another fold."""

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.linear_model import SGDRegressor
from sklearn.preprocessing import StandardScaler

SLOT = "estimator"
CLASS = "Linear"
FINDING = "forgets_its_last_fit"
SO = ()


class Linear(BaseEstimator):  # type: ignore[misc]
    """Linear regression by stochastic gradient steps."""

    def __init__(self, task_type: str, seed: int, max_iter: int = 20) -> None:
        self.task_type = task_type
        self.seed = seed
        self.max_iter = max_iter

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        """Fit it."""
        if not hasattr(self, "inner_"):
            self.inner_ = SGDRegressor(
                max_iter=self.max_iter, tol=None, random_state=self.seed, warm_start=True
            )
        self.scaler_, self.mean_, self.deviation_ = StandardScaler(), y.mean(), y.std() or 1.0
        self.inner_.fit(self.scaler_.fit_transform(X.fillna(0.0)), (y - self.mean_) / self.deviation_)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Values."""
        said = self.inner_.predict(self.scaler_.transform(X.fillna(0.0)))
        return np.asarray(said * self.deviation_ + self.mean_)
