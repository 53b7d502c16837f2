"""LogitBoost over any regressor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator

from components.booster.rounds import (
    fit_member,
    indicators,
    known_classes,
    mean_loss,
    predicted,
    rounds_kept,
)

__all__ = ["LogitBoost"]


class LogitBoost(BaseEstimator):  # type: ignore[misc]
    """Additive logistic regression by Newton steps, kept at the best validation round.

    Friedman, Hastie and Tibshirani, Annals of Statistics 28, 2000, algorithm 6: every round fits one weak
    learner per class to the working responses ``(y - p) / (p (1 - p))``, weighted by ``p (1 - p)``. With two
    classes one of them would be the other's negative and is left out, which makes it algorithm 3.

    Parameters
    ----------
    weak_learner
        A regressor.
    task_type
        ``binary`` or ``multiclass``.
    seed
        Below 2**31.
    n_estimators
        Most boosting rounds.
    learning_rate
        Shrinkage of each round; the paper has none.
    largest_response
        Working responses are cut off here, at a number between 2 and 4 (section 4.2 of the paper).
    patience
        Rounds without a better validation loss before boosting stops.
    """

    def __init__(
        self,
        weak_learner: Any,
        task_type: str,
        seed: int,
        n_estimators: int = 300,
        learning_rate: float = 0.1,
        largest_response: float = 4.0,
        patience: int = 20,
    ) -> None:
        self.weak_learner = weak_learner
        self.task_type = task_type
        self.seed = seed
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.largest_response = largest_response
        self.patience = patience

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        validation: tuple[pd.DataFrame, np.ndarray],
        sample_weight: np.ndarray | None = None,
        validation_weight: np.ndarray | None = None,
    ) -> Self:
        """Boost on ``X (n_rows, n_features)``, stopping by the log loss on ``validation``.

        Validation rows whose class no training row has cannot be scored and are left out.
        """
        self.classes_ = np.unique(y)
        self.rounds_: list[list[Any]] = []
        if len(self.classes_) == 1:
            return self
        (X_validation, y_validation), weight = known_classes(self.classes_, validation, validation_weight)
        targets, targets_validation = (indicators(self.classes_, codes) for codes in (y, y_validation))
        values_validation = X_validation.to_numpy(np.float64)
        scores = np.zeros(targets_validation.shape)

        def losses() -> Iterator[float]:
            for steps in self._boost(X.to_numpy(np.float64), targets, sample_weight):
                self.rounds_.append(steps)
                scores[:] += self._along(steps, values_validation)
                yield mean_loss(-(targets_validation * log_softmax(scores, axis=1)).sum(axis=1), weight)

        del self.rounds_[rounds_kept(losses(), self.patience) :]
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """The most probable class codes ``(n_rows,)``."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities ``(n_rows, n_classes)``, columns in the order of ``classes_``."""
        values = X.to_numpy(np.float64)
        scores = np.zeros((len(values), len(self.classes_)))
        for steps in self.rounds_:
            scores += self._along(steps, values)
        return np.asarray(softmax(scores, axis=1))

    def _boost(self, X: np.ndarray, targets: np.ndarray, weight: np.ndarray | None) -> Iterator[list[Any]]:
        """The weak learners of every round, one per class; one alone for two classes."""
        random = np.random.default_rng(self.seed)
        scores = np.zeros(targets.shape)
        n_fitted = targets.shape[1] if targets.shape[1] > 2 else 1
        for _ in range(self.n_estimators):
            p = softmax(scores, axis=1)
            curvature = np.maximum(p * (1 - p), 2 * np.finfo(np.float64).eps)
            response = np.clip((targets - p) / curvature, -self.largest_response, self.largest_response)
            importance = curvature if weight is None else weight[:, None] * curvature
            steps = [
                fit_member(self.weak_learner, X, response[:, column], random, importance[:, column])
                for column in range(n_fitted)
            ]
            scores += self._along(steps, X)
            yield steps

    def _along(self, steps: list[Any], X: np.ndarray) -> np.ndarray:
        """What a round adds to the scores of all classes, which sums to 0 ``(n_rows, n_classes)``."""
        said = np.column_stack([predicted(member, X) for member in steps])
        if len(steps) == 1:
            said = np.column_stack([said, -said])
        n_classes = said.shape[1]
        centred = said - said.mean(axis=1, keepdims=True)
        return np.asarray(self.learning_rate * (n_classes - 1) / n_classes * centred)
