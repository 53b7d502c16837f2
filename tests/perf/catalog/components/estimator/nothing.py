"""An estimator that does nothing: what a cell of it takes is what the harness costs."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator

__all__ = ["Nothing"]


class Nothing(BaseEstimator):  # type: ignore[misc]
    """The same probabilities, or number, for every row.

    Parameters
    ----------
    task_type, seed
        Not used.
    tilt
        How far the first class is preferred. The default is the worst, so that tuning never chooses it and
        every tuned cell is a fit of its own.
    """

    def __init__(self, task_type: str, seed: int, tilt: float = 0.5) -> None:
        self.task_type = task_type
        self.seed = seed
        self.tilt = tilt

    def fit(self, X: Any, y: np.ndarray) -> Self:  # noqa: ARG002 - the slot passes it
        """Take the number of classes from ``y (n_rows,)``."""
        self.classes_ = np.arange(int(y.max()) + 1)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The tilt ``(n_rows,)``."""
        return np.full(len(X), self.tilt)

    def predict_proba(self, X: Any) -> np.ndarray:
        """The first class's share raised by the tilt ``(n_rows, n_classes)``."""
        said = np.full((len(X), len(self.classes_)), (1 - self.tilt) / len(self.classes_))
        said[:, 0] += self.tilt
        return said
