"""Bagging over any regressor."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from components.booster.rounds import fit_member, indicators, joint

__all__ = ["Bagging"]


class Bagging(BaseEstimator):  # type: ignore[misc]
    """The mean of weak learners, each fitted to rows drawn with replacement.

    Breiman, Bagging predictors, Machine Learning 24, 1996.
    Classes are predicted as the means of their indicators, cut off at 0 and 1, which is what a classification
    tree has in its leaves. Row weights are the probabilities with which rows are drawn.

    Parameters
    ----------
    weak_learner
        A regressor.
    task_type
        ``binary``, ``multiclass``, ``regression`` or ``forecasting``.
    seed
        Below 2**31.
    n_estimators
        Number of weak learners.
    max_samples
        Rows that are drawn for each, as a share of the training rows.
    """

    def __init__(
        self,
        weak_learner: Any,
        task_type: str,
        seed: int,
        n_estimators: int = 100,
        max_samples: float = 1.0,
    ) -> None:
        self.weak_learner = weak_learner
        self.task_type = task_type
        self.seed = seed
        self.n_estimators = n_estimators
        self.max_samples = max_samples

    def fit(self, X: pd.DataFrame, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """Fit every weak learner to rows of its own from ``X (n_rows, n_features)``."""
        values, targets = X.to_numpy(np.float64), y
        if self._classifies():
            self.classes_ = np.unique(y)
            targets = indicators(self.classes_, y)
        weak_learner = self.weak_learner if targets.ndim == 1 else joint(self.weak_learner)
        random = np.random.default_rng(self.seed)
        chances = None if sample_weight is None else sample_weight / sample_weight.sum()
        n_drawn = max(1, round(self.max_samples * len(values)))
        self.members_ = []
        for _ in range(self.n_estimators):
            rows = np.sort(random.choice(len(values), n_drawn, p=chances))
            self.members_.append(fit_member(weak_learner, values[rows], targets[rows], random))
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Numbers ``(n_rows,)`` or ``(n_rows, horizon)``, or the most probable class codes."""
        if self._classifies():
            return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
        return self._mean(X)

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities ``(n_rows, n_classes)``, columns in the order of ``classes_``."""
        shares = np.clip(self._mean(X).reshape(len(X), -1), 1e-9, 1)  # never all of them 0
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def _classifies(self) -> bool:
        return self.task_type in ("binary", "multiclass")

    def _mean(self, X: pd.DataFrame) -> np.ndarray:
        values = X.to_numpy(np.float64)
        return np.asarray(np.mean([member.predict(values) for member in self.members_], axis=0))
