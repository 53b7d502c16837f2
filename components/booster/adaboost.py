"""AdaBoost over any regressor."""

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
    joint,
    known_classes,
    mean_loss,
    predicted,
    rounds_kept,
)

__all__ = ["AdaBoost"]


class AdaBoost(BaseEstimator):  # type: ignore[misc]
    """Weak learners that vote, each fitted with more weight where those before it erred.

    Classes: SAMME (Zhu, Zou, Rosset and Hastie, Statistics and Its Interface 2, 2009, algorithm 2), for two
    classes the same as AdaBoost.M1. A weak learner is fitted to the indicators of the classes and votes for
    the one of its largest output. Probabilities are the softmax of the votes: SAMME minimises the
    exponential loss, whose minimum is there (section 2.2).

    Numbers: AdaBoost.R2 (Drucker, ICML 1997) with linear loss. A weak learner is fitted to rows drawn with
    the weights' probabilities, and the weighted median is predicted.

    Members after the best round of the validation rows are dropped.

    Parameters
    ----------
    weak_learner
        A regressor.
    task_type
        ``binary``, ``multiclass`` or ``regression``.
    seed
        Below 2**31.
    n_estimators
        Most boosting rounds.
    learning_rate
        Shrinkage of each vote.
    patience
        Rounds without a better validation loss (log loss, squared error) before boosting stops.
    """

    def __init__(
        self,
        weak_learner: Any,
        task_type: str,
        seed: int,
        n_estimators: int = 300,
        learning_rate: float = 0.3,
        patience: int = 20,
    ) -> None:
        self.weak_learner = weak_learner
        self.task_type = task_type
        self.seed = seed
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
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
        """Boost on ``X (n_rows, n_features)``, stopping by the loss on ``validation``.

        Boosting also stops at a weak learner that is no better than chance, or perfect. Validation rows whose
        class no training row has cannot be scored and are left out.
        """
        boost, losses = self._boost_numbers, self._losses_of_numbers
        if self._classifies():
            self.classes_ = np.unique(y)
            validation, validation_weight = known_classes(self.classes_, validation, validation_weight)
            boost, losses = self._boost_classes, self._losses_of_classes
        self.members_: list[Any] = []
        self.votes_: list[float] = []
        weight = np.ones(len(y)) if sample_weight is None else sample_weight.astype(np.float64)
        rounds = boost(X.to_numpy(np.float64), y, weight)
        kept = rounds_kept(losses(rounds, *validation, validation_weight), self.patience)
        del self.members_[kept:], self.votes_[kept:]
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Numbers or the most probable class codes ``(n_rows,)``."""
        if self._classifies():
            return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
        values = X.to_numpy(np.float64)
        return _median([member.predict(values) for member in self.members_], self.votes_)

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities ``(n_rows, n_classes)``, columns in the order of ``classes_``."""
        values = X.to_numpy(np.float64)
        votes = np.zeros((len(values), len(self.classes_)))
        for member, vote in zip(self.members_, self.votes_, strict=True):
            votes += vote * self._choices(member, values)
        return np.asarray(softmax(votes, axis=1))

    def _classifies(self) -> bool:
        return self.task_type in ("binary", "multiclass")

    def _boost_classes(self, X: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Iterator[None]:
        """Adds a member and its vote, round by round."""
        random, weak_learner = np.random.default_rng(self.seed), joint(self.weak_learner)
        targets, n_classes = indicators(self.classes_, y), len(self.classes_)
        total = weight.sum()  # stays what it is, so that a penalty means the same in every round
        for _ in range(self.n_estimators if n_classes > 1 else 0):
            member = fit_member(weak_learner, X, targets, random, weight)
            wrong = (self._choices(member, X) * targets).sum(axis=1) == 0
            error = weight[wrong].sum() / total
            if error >= 1 - 1 / n_classes:
                return
            # Half a row's worth of error stands in for none, which would be given an infinite vote.
            error = max(error, 0.5 / len(y))
            vote = self.learning_rate * float(np.log((1 - error) / error) + np.log(n_classes - 1))
            self.members_.append(member)
            self.votes_.append(vote)
            yield
            if not wrong.any():
                return
            weight = weight * np.exp(vote * wrong)
            weight *= total / weight.sum()

    def _losses_of_classes(
        self, rounds: Iterator[None], X: pd.DataFrame, y: np.ndarray, weight: np.ndarray | None
    ) -> Iterator[float]:
        """The log loss after every round."""
        values, targets = X.to_numpy(np.float64), indicators(self.classes_, y)
        votes = np.zeros(targets.shape)
        for _ in rounds:
            votes += self.votes_[-1] * self._choices(self.members_[-1], values)
            yield mean_loss(-(targets * log_softmax(votes, axis=1)).sum(axis=1), weight)

    def _boost_numbers(self, X: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Iterator[None]:
        """Adds a member and its vote, round by round; the first one whatever it is worth."""
        random, weight = np.random.default_rng(self.seed), weight / weight.sum()
        for _ in range(self.n_estimators):
            rows = random.choice(len(y), len(y), p=weight)
            member = fit_member(self.weak_learner, X[rows], y[rows], random)
            off = np.abs(member.predict(X) - y)
            largest = off[weight > 0].max()
            loss = off / largest if largest > 0 else off
            error = float(weight @ loss)
            if error >= 0.5 and self.members_:
                return
            self.members_.append(member)
            useful = 0 < error < 0.5
            self.votes_.append(self.learning_rate * float(np.log((1 - error) / error)) if useful else 1.0)
            yield
            if not useful:
                return
            weight = weight * (error / (1 - error)) ** (self.learning_rate * (1 - loss))
            weight /= weight.sum()

    def _losses_of_numbers(
        self, rounds: Iterator[None], X: pd.DataFrame, y: np.ndarray, weight: np.ndarray | None
    ) -> Iterator[float]:
        """The mean squared error after every round."""
        values = X.to_numpy(np.float64)
        said = votes = np.empty((len(y), 0))
        for _ in rounds:
            added = self.members_[-1].predict(values), np.full(len(y), self.votes_[-1])
            said, votes = _sorted(np.column_stack([said, added[0]]), np.column_stack([votes, added[1]]))
            yield mean_loss((_middle(said, votes) - y) ** 2, weight)

    def _choices(self, member: Any, X: np.ndarray) -> np.ndarray:
        """1 in the column of the class that a member votes for ``(n_rows, n_classes)``."""
        outputs = predicted(member, X).reshape(len(X), len(self.classes_))
        return np.asarray(np.eye(len(self.classes_))[outputs.argmax(axis=1)])


def _median(said: list[np.ndarray], votes: list[float]) -> np.ndarray:
    """The weighted median of every row's predictions ``(n_rows,)``: the least with half the votes below."""
    values = np.column_stack(said)
    return _middle(*_sorted(values, np.broadcast_to(votes, values.shape)))


def _sorted(said: np.ndarray, votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every row's predictions ``(n_rows, n_members)`` from the least to the largest, and their votes."""
    # The stable sort merges what is sorted already, so that one more column takes no more than a pass.
    order = said.argsort(axis=1, kind="stable")
    return np.take_along_axis(said, order, axis=1), np.take_along_axis(votes, order, axis=1)


def _middle(said: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Of the sorted predictions the first of each row with half the votes up to it ``(n_rows,)``."""
    reached = votes.cumsum(axis=1)
    place = (reached >= reached[:, -1:] / 2).argmax(axis=1)
    return np.asarray(said[np.arange(len(said)), place])
