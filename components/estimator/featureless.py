"""What is known without looking at the inputs, for every type of task."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor

__all__ = ["Featureless"]


class Featureless(BaseEstimator):  # type: ignore[misc]
    """Class frequencies, the mean, the mean of every step of a forecast, or the frequencies of tokens.

    Tokens count one more than they were seen (Laplace's rule of succession), so that none is impossible.

    Parameters
    ----------
    task_type
        What is to be predicted.
    seed
        Not used: nothing here is random.
    """

    def __init__(self, task_type: str, seed: int) -> None:
        self.task_type = task_type
        self.seed = seed

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """Count ``y``: ``(n_rows,)``, ``(n_rows, horizon)``, or ``(n_rows, time)`` with -1 left out."""
        if self.task_type == "language":
            self._count(y, np.ones(len(y)) if sample_weight is None else sample_weight)
            return self
        classes = self.task_type in ("binary", "multiclass")
        learner = DummyClassifier(strategy="prior") if classes else DummyRegressor(strategy="mean")
        self.learner_ = learner.fit(_nothing(X), y, sample_weight)
        if classes:
            self.classes_ = self.learner_.classes_
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The same numbers ``(n_rows,)`` or ``(n_rows, horizon)``, or class code, for every row."""
        return np.asarray(self.learner_.predict(_nothing(X)))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities ``(n_rows, n_classes)``; of language ``(n_rows, longest, n_classes)``."""
        if self.task_type == "language":
            shape = (len(X), max(map(len, X)), len(self.classes_))
            return np.broadcast_to(self.frequencies_, shape)
        return np.asarray(self.learner_.predict_proba(_nothing(X)))

    def _count(self, y: np.ndarray, weights: np.ndarray) -> None:
        asked = y >= 0
        counts = 1 + np.bincount(y[asked], np.repeat(weights, asked.sum(axis=1)))
        self.classes_ = np.arange(len(counts))
        self.frequencies_ = counts / counts.sum()


def _nothing(X: Any) -> np.ndarray:
    return np.zeros((len(X), 1))
