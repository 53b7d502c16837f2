"""The probability of the second class is read off a column that is not there when training had one class."""

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier

SLOT = "estimator"
CLASS = "BinaryForest"
FINDING = "copes_with_one_class"
SO = ()


class BinaryForest(BaseEstimator):  # type: ignore[misc]
    """A small forest for two classes."""

    def __init__(self, task_type: str, seed: int, n_estimators: int = 20) -> None:
        self.task_type = task_type
        self.seed = seed
        self.n_estimators = n_estimators

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        """Fit it."""
        self.inner_ = RandomForestClassifier(self.n_estimators, random_state=self.seed).fit(X.to_numpy(), y)
        self.classes_ = np.array([0, 1])
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Class codes."""
        return np.asarray(self.predict_proba(X).argmax(axis=1))

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities."""
        second = self.inner_.predict_proba(X.to_numpy())[:, 1]
        return np.column_stack([1 - second, second])
