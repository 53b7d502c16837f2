"""Support vector machines, with probabilities for classes."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator
from sklearn.svm import SVC, SVR

__all__ = ["SVM"]


class SVM(BaseEstimator):  # type: ignore[misc]
    """A support vector machine with a Gaussian kernel (Cortes and Vapnik, Machine Learning 20, 1995).

    Of several classes each has a machine against the rest. Probabilities are the softmax of the decision
    values over a temperature, the one with the least log loss on the validation rows (Guo et al.,
    arXiv:1706.04599), whose targets are smoothed as Platt's (1999, section 2.2): some without an error would
    else make it certain. Numbers are standardised by the training rows, so that the tube's width is in their
    deviations.

    Parameters
    ----------
    task_type
        ``binary``, ``multiclass`` or ``regression``.
    seed
        Not used: nothing here is random.
    C
        Inverse strength of the penalty.
    gamma
        Inverse squared width of the kernel, in units of one over the number of columns.
    epsilon
        Half the width of the tube in which errors of numbers are free.
    """

    def __init__(
        self, task_type: str, seed: int, C: float = 1.0, gamma: float = 1.0, epsilon: float = 0.1
    ) -> None:
        self.task_type = task_type
        self.seed = seed
        self.C = C
        self.gamma = gamma
        self.epsilon = epsilon

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        validation: tuple[pd.DataFrame, np.ndarray],
        sample_weight: np.ndarray | None = None,
        validation_weight: np.ndarray | None = None,
    ) -> Self:
        """Fit the machine on ``X (n_rows, n_features)``, and the temperature on ``validation``.

        Validation rows whose class no training row has cannot be scored and are left out.
        """
        gamma = self.gamma / max(1, X.shape[1])
        if self.task_type == "regression":
            self.mean_ = np.average(y, weights=sample_weight)
            self.deviation_ = np.sqrt(np.average((y - self.mean_) ** 2, weights=sample_weight)) or 1.0
            machine = SVR(C=self.C, gamma=gamma, epsilon=self.epsilon)
            self.machine_ = machine.fit(X.to_numpy(), (y - self.mean_) / self.deviation_, sample_weight)
            return self
        self.classes_ = np.unique(y)
        if len(self.classes_) == 1:
            return self
        ones = self.classes_ if len(self.classes_) > 2 else self.classes_[1:]
        self.machines_ = [
            SVC(C=self.C, gamma=gamma).fit(X.to_numpy(), y == one, sample_weight) for one in ones
        ]
        X_validation, y_validation = validation
        known = np.isin(y_validation, self.classes_)
        weight = None if validation_weight is None else validation_weight[known]
        self.temperature_ = self._temperature(X_validation[known], y_validation[known], weight)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Numbers ``(n_rows,)``, or the most probable class codes."""
        if self.task_type == "regression":
            return np.asarray(self.machine_.predict(X.to_numpy()) * self.deviation_ + self.mean_)
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities ``(n_rows, n_classes)``, columns in the order of ``classes_``."""
        if len(self.classes_) == 1:
            return np.ones((len(X), 1))
        return np.asarray(softmax(self._decision(X) / self.temperature_, axis=1))

    def _decision(self, X: pd.DataFrame) -> np.ndarray:
        """One value per class ``(n_rows, n_classes)``, the largest for the class decided on."""
        decision = [machine.decision_function(X.to_numpy()) for machine in self.machines_]
        return np.column_stack(decision if len(decision) > 1 else [-decision[0], decision[0]])

    def _temperature(self, X: pd.DataFrame, y: np.ndarray, weight: np.ndarray | None) -> float:
        if not len(y):
            return 1.0
        decision, n_rows, n_classes = self._decision(X), len(y), len(self.classes_)
        targets = (n_rows * (y[:, None] == self.classes_) + 1) / (n_rows + n_classes)

        def log_loss(log_temperature: float) -> float:
            likelihoods = targets * log_softmax(decision / np.exp(log_temperature), axis=1)
            return -float(np.average(likelihoods.sum(axis=1), weights=weight))

        return float(np.exp(minimize_scalar(log_loss, bounds=(-3, 3), method="bounded").x))
