"""The losses that gradient boosting descends."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy.special import expit, log_softmax, logit, softmax

__all__ = ["Binomial", "Loss", "Multinomial", "Squared"]


class Loss(Protocol):
    """A loss of scores, whose gradient is the mean that they stand for, less the target.

    Targets, scores, means and curvatures are ``(n_rows, n_columns)``.
    """

    def start(self, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        """The best constant scores ``(n_columns,)``."""
        ...

    def mean(self, scores: np.ndarray) -> np.ndarray:
        """What the scores predict, in the unit of the targets."""
        ...

    def curvature(self, mean: np.ndarray) -> np.ndarray:
        """What a step is divided by: the second derivative of the loss in every score."""
        ...

    def rows(self, y: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """The loss of every row ``(n_rows,)``."""
        ...


class Squared:
    """Half the squared error of numbers, summed over their columns."""

    def start(self, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        """The means."""
        return np.asarray(np.average(y, axis=0, weights=weight))

    def mean(self, scores: np.ndarray) -> np.ndarray:
        """The scores themselves."""
        return scores

    def curvature(self, mean: np.ndarray) -> np.ndarray:
        """One throughout."""
        return np.ones_like(mean)

    def rows(self, y: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Half the sum of squares."""
        return np.asarray(((y - scores) ** 2).sum(axis=1) / 2)


class Binomial:
    """The log loss of one column of 0 and 1; its scores are log odds."""

    def start(self, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        """The log odds of the classes' frequencies."""
        return np.asarray(logit(np.average(y, axis=0, weights=weight)))

    def mean(self, scores: np.ndarray) -> np.ndarray:
        """The probability of class 1."""
        return np.asarray(expit(scores))

    def curvature(self, mean: np.ndarray) -> np.ndarray:
        """The variance p (1 - p)."""
        return np.asarray(mean * (1 - mean))

    def rows(self, y: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """The negative log probability of the true class."""
        return np.asarray(np.logaddexp(0, np.where(y == 1, -scores, scores))[:, 0])


class Multinomial:
    """The log loss of one column of 0 and 1 per class; its scores are log probabilities, up to a constant."""

    def start(self, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        """The logarithms of the classes' frequencies."""
        return np.asarray(np.log(np.average(y, axis=0, weights=weight)))

    def mean(self, scores: np.ndarray) -> np.ndarray:
        """The classes' probabilities."""
        return np.asarray(softmax(scores, axis=1))

    def curvature(self, mean: np.ndarray) -> np.ndarray:
        """The variance p (1 - p), times K / (K - 1) since K scores move together (Friedman, algorithm 6)."""
        n_classes = mean.shape[1]
        return np.asarray(mean * (1 - mean) * n_classes / (n_classes - 1))

    def rows(self, y: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """The negative log probability of the true class."""
        return np.asarray(-(y * log_softmax(scores, axis=1)).sum(axis=1))
