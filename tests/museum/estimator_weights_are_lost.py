"""It says that it takes row weights, and passes them to nobody."""

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.tree import DecisionTreeClassifier

SLOT = "estimator"
CLASS = "Tree"
FINDING = "heeds_row_weights"
SO = ()


class Tree(BaseEstimator):  # type: ignore[misc]
    """A small tree."""

    def __init__(self, task_type: str, seed: int, max_depth: int = 4) -> None:
        self.task_type = task_type
        self.seed = seed
        self.max_depth = max_depth

    def fit(self, X: pd.DataFrame, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """Fit it."""
        weights = {} if sample_weight is None else {"weights": sample_weight}
        return self._fit(X.to_numpy(), y, **weights)

    def _fit(self, X: np.ndarray, y: np.ndarray, **extra: np.ndarray) -> Self:
        self.inner_ = DecisionTreeClassifier(max_depth=self.max_depth, random_state=self.seed)
        self.inner_.fit(X, y, sample_weight=extra.get("sample_weight"))
        self.classes_ = self.inner_.classes_
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Class codes."""
        return np.asarray(self.inner_.predict(X.to_numpy()))

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities."""
        return np.asarray(self.inner_.predict_proba(X.to_numpy()))
