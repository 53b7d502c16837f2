"""Any scikit-learn classifier and regressor as one estimator for every task type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

__all__ = ["ByTaskType"]


class ByTaskType(BaseEstimator):  # type: ignore[misc]
    """The classifier for ``binary`` and ``multiclass`` tasks, else the regressor, for one number or several.

    Parameters
    ----------
    task_type
        Which of the two to fit.
    seed
        Given as ``random_state`` to a learner that takes one; below 2**32.
    classifier, regressor
        Make the learner from keyword arguments.
    shared
        Arguments that both learners understand alike.
    """

    def __init__(
        self,
        task_type: str,
        seed: int,
        classifier: Callable[..., Any],
        regressor: Callable[..., Any],
        shared: Mapping[str, Any] | None = None,
    ) -> None:
        self.task_type = task_type
        self.seed = seed
        self.classifier = classifier
        self.regressor = regressor
        self.shared = shared

    def fit(self, X: pd.DataFrame, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """Fit the learner on ``X (n_rows, n_features)`` and ``y (n_rows,)`` or ``(n_rows, horizon)``."""
        make = self.classifier if self.task_type in ("binary", "multiclass") else self.regressor
        learner = make(**(self.shared or {}))
        if "random_state" in learner.get_params():
            learner.set_params(random_state=self.seed)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.learner_ = learner.fit(X.to_numpy(), y, **weights)
        return self

    @property
    def classes_(self) -> np.ndarray:
        """Class codes of the columns of ``predict_proba``."""
        return np.asarray(self.learner_.classes_)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Numbers ``(n_rows,)`` or ``(n_rows, horizon)``, or class codes ``(n_rows,)``."""
        return np.asarray(self.learner_.predict(X.to_numpy()))

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities ``(n_rows, n_classes)``, columns in the order of ``classes_``."""
        return np.asarray(self.learner_.predict_proba(X.to_numpy()))
