"""The columns of ``predict_proba`` are in another order than ``classes_``."""

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SLOT = "estimator"
CLASS = "Logistic"
FINDING = "columns_follow_classes"
SO = ("learns",)


class Logistic(BaseEstimator):  # type: ignore[misc]
    """Logistic regression of standardised columns."""

    def __init__(self, task_type: str, seed: int, C: float = 1.0) -> None:
        self.task_type = task_type
        self.seed = seed
        self.C = C

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        """Fit it."""
        self.inner_ = make_pipeline(StandardScaler(), LogisticRegression(C=self.C, max_iter=500))
        self.inner_.fit(X.fillna(0.0).to_numpy(), y)
        self.classes_ = np.sort(np.unique(y))[::-1]
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Class codes."""
        return np.asarray(self.inner_.predict(X.fillna(0.0).to_numpy()))

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities."""
        return np.asarray(self.inner_.predict_proba(X.fillna(0.0).to_numpy()))
