"""Gradient boosting over any regressor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.tree import BaseDecisionTree

from components.booster.losses import Binomial, Loss, Multinomial, Squared
from components.booster.rounds import (
    fit_member,
    indicators,
    known_classes,
    mean_loss,
    predicted,
    rounds_kept,
)

__all__ = ["GradientBoosting"]


class GradientBoosting(BaseEstimator):  # type: ignore[misc]
    """Friedman's gradient boosting (Annals of Statistics 29, 2001), kept at the best validation round.

    Every round fits one weak learner per column (class, or step of a forecast) to the negative gradient, and
    goes along it by one Newton step on the loss (algorithm 1); where the weak learner is a tree, by one step
    for each leaf (TreeBoost, algorithms 2, 5 and 6). Classes have the log loss, numbers the squared error.

    Parameters
    ----------
    weak_learner
        A regressor.
    task_type
        ``binary``, ``multiclass``, ``regression`` or ``forecasting``.
    seed
        Below 2**31.
    n_estimators
        Most boosting rounds.
    learning_rate
        Shrinkage of each round.
    subsample
        Share of the rows, drawn anew without replacement, that a round is fitted to (Friedman 2002).
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
        subsample: float = 1.0,
        patience: int = 20,
    ) -> None:
        self.weak_learner = weak_learner
        self.task_type = task_type
        self.seed = seed
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.subsample = subsample
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

        Validation rows whose class no training row has cannot be scored and are left out.
        """
        if self._classifies():
            self.classes_ = np.unique(y)
            validation, validation_weight = known_classes(self.classes_, validation, validation_weight)
        self.loss_ = self._loss()
        train = _Rows(X.to_numpy(np.float64), self._columns(y), sample_weight)
        scored = _Rows(validation[0].to_numpy(np.float64), self._columns(validation[1]), validation_weight)
        self.rounds_: list[list[_Step]] = []
        if self._classifies() and len(self.classes_) == 1:
            return self
        self.start_ = self.loss_.start(train.y, train.weight)
        del self.rounds_[rounds_kept(self._boost(train, scored), self.patience) :]
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Numbers ``(n_rows,)`` or ``(n_rows, horizon)``, or the most probable class codes."""
        if self._classifies():
            return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
        scores = self._scores(X)
        return scores[:, 0] if self.task_type == "regression" else scores

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities ``(n_rows, n_classes)``, columns in the order of ``classes_``."""
        if len(self.classes_) == 1:
            return np.ones((len(X), 1))
        mean = self.loss_.mean(self._scores(X))
        return mean if mean.shape[1] > 1 else np.column_stack([1 - mean, mean])

    def _classifies(self) -> bool:
        return self.task_type in ("binary", "multiclass")

    def _loss(self) -> Loss:
        if not self._classifies():
            return Squared()
        return Multinomial() if len(self.classes_) > 2 else Binomial()

    def _columns(self, y: np.ndarray) -> np.ndarray:
        """The targets ``(n_rows, n_columns)``."""
        if not self._classifies():
            return y.reshape(len(y), -1)
        columns = indicators(self.classes_, y)
        return columns if columns.shape[1] > 2 else columns[:, 1:]

    def _scores(self, X: pd.DataFrame) -> np.ndarray:
        values = X.to_numpy(np.float64)
        scores = np.tile(self.start_, (len(values), 1))
        for steps in self.rounds_:
            scores += self.learning_rate * _along(steps, values)
        return scores

    def _boost(self, train: _Rows, scored: _Rows) -> Iterator[float]:
        """Round by round the validation loss, NaN without validation rows."""
        random = np.random.default_rng(self.seed)
        scores, scores_validation = (np.tile(self.start_, (len(rows.y), 1)) for rows in (train, scored))
        for _ in range(self.n_estimators):
            steps = self._round(train, scores, random)
            self.rounds_.append(steps)
            scores += self.learning_rate * _along(steps, train.X)
            scores_validation += self.learning_rate * _along(steps, scored.X)
            yield mean_loss(self.loss_.rows(scored.y, scores_validation), scored.weight)

    def _round(self, train: _Rows, scores: np.ndarray, random: np.random.Generator) -> list[_Step]:
        """One weak learner and its steps for every column."""
        rows: Any = slice(None)
        if self.subsample < 1:
            n_drawn = max(1, round(self.subsample * len(scores)))
            rows = np.sort(random.choice(len(scores), n_drawn, replace=False))
        X, weight = train.X[rows], None if train.weight is None else train.weight[rows]
        mean = self.loss_.mean(scores[rows])
        down, curvature = train.y[rows] - mean, self.loss_.curvature(mean)
        steps = []
        for column in range(scores.shape[1]):
            member = fit_member(self.weak_learner, X, down[:, column], random, weight)
            steps.append(_step(member, X, down[:, column], curvature[:, column], weight))
        return steps


@dataclass(frozen=True, eq=False)
class _Rows:
    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None


@dataclass(frozen=True, eq=False)
class _Step:
    """A fitted weak learner, and how far to go along it in each of its regions."""

    member: Any
    lengths: np.ndarray

    def along(self, X: np.ndarray) -> np.ndarray:
        """What the scores change by ``(n_rows,)``, before shrinkage."""
        return np.asarray(self.lengths[_regions(self.member, X)] * predicted(self.member, X))


def _along(steps: list[_Step], X: np.ndarray) -> np.ndarray:
    return np.column_stack([step.along(X) for step in steps])


def _step(
    member: Any, X: np.ndarray, down: np.ndarray, curvature: np.ndarray, weight: np.ndarray | None
) -> _Step:
    """The Newton step of each region: ``sum(w h down) / sum(w h² curvature)``, h the member's prediction."""
    regions, said = _regions(member, X), member.predict(X)
    counted = said if weight is None else weight * said
    gain = np.bincount(regions, counted * down)
    bend = np.bincount(regions, counted * said * curvature)
    # A region that predicts 0, or whose rows weigh nothing, stays where it is.
    return _Step(member, np.divide(gain, bend, out=np.zeros_like(gain), where=bend > 1e-150))


def _regions(member: Any, X: np.ndarray) -> np.ndarray:
    """The leaf of every row ``(n_rows,)``; 0 throughout for what is no tree."""
    if isinstance(member, BaseDecisionTree) and len(X):
        return np.asarray(member.apply(X))
    return np.zeros(len(X), np.int64)
