"""The seed is stored, and the forest draws from the random numbers of the whole process."""

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

SLOT = "estimator"
CLASS = "Forest"
FINDING = "its_seed_alone_decides"
SO = ("survives_cloning",)


class Forest(BaseEstimator):  # type: ignore[misc]
    """A small forest."""

    def __init__(self, task_type: str, seed: int, n_estimators: int = 20) -> None:
        self.task_type = task_type
        self.seed = seed
        self.n_estimators = n_estimators

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        """Fit it."""
        classes = self.task_type in ("binary", "multiclass")
        make = RandomForestClassifier if classes else RandomForestRegressor
        self.inner_ = make(self.n_estimators).fit(X.to_numpy(), y)
        if classes:
            self.classes_ = self.inner_.classes_
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Values or class codes."""
        return np.asarray(self.inner_.predict(X.to_numpy()))

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities."""
        return np.asarray(self.inner_.predict_proba(X.to_numpy()))
