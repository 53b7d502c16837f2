"""CatBoost with early stopping, its symmetric trees shaped by the weak learner's slot."""

from __future__ import annotations

import math
from typing import Any, Self

import catboost
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from components.booster.rounds import TreeShape, categorical_columns, indicators, known_classes

__all__ = ["CatBoost"]

DEEPEST = 16
"""The library's own bound on the depth of a symmetric tree."""


class CatBoost(BaseEstimator):  # type: ignore[misc]
    """Boosted symmetric trees (Prokhorenkova et al., arXiv:1706.09516), kept at the best validation round.

    Integer columns are taken as categories, encoded by ordered statistics of the target, NaN as missing. All
    splits of a level are the same, so that the shape of a tree comes down to its depth: the least with room
    for the leaves asked for. The share of the columns is drawn for every level. A tree predicts all
    steps of a forecast.

    Parameters
    ----------
    weak_learner
        Gives the shape of the trees, but for the fewest rows in a leaf.
    task_type
        ``binary``, ``multiclass``, ``regression`` or ``forecasting``.
    seed
        Below 2**31.
    n_estimators
        Most boosting rounds.
    learning_rate
        Shrinkage of each tree.
    l2
        L2 penalty on the leaves' values.
    patience
        Rounds without a better validation loss before boosting stops.
    """

    def __init__(
        self,
        weak_learner: TreeShape,
        task_type: str,
        seed: int,
        n_estimators: int = 300,
        learning_rate: float = 0.1,
        l2: float = 3.0,
        patience: int = 20,
    ) -> None:
        self.weak_learner = weak_learner
        self.task_type = task_type
        self.seed = seed
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.l2 = l2
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

        Validation rows whose class no training row has cannot be scored and are left out. The library
        refuses what does not vary: such a target is predicted as it is, and so is such a step of a forecast;
        from such columns alone, the mean or the frequencies of the classes are.
        """
        if self._classifies():
            self.classes_ = np.unique(y)
            validation, validation_weight = known_classes(self.classes_, validation, validation_weight)
        targets = indicators(self.classes_, y) if self._classifies() else y
        self.mean_ = np.average(targets, axis=0, weights=sample_weight)
        self.steps_ = np.atleast_1d(np.ptp(y, axis=0) > 0)
        self.boosted_ = bool(self.steps_.any() and (X.astype(np.float32).nunique(dropna=False) > 1).any())
        if not self.boosted_:
            return self
        X_validation, y_validation = validation
        if self.task_type == "forecasting":
            y, y_validation = y[:, self.steps_], y_validation[:, self.steps_]
        train = _pool(X, y, sample_weight)
        scored = _pool(X_validation, y_validation, validation_weight) if len(y_validation) else None
        self.learner_ = catboost.CatBoost(self._settings(scored is not None))
        self.learner_.fit(train, eval_set=scored)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Numbers ``(n_rows,)`` or ``(n_rows, horizon)``, or the most probable class codes."""
        if self._classifies():
            return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
        said = np.repeat([self.mean_], len(X), axis=0)
        if self.boosted_:
            boosted = self.learner_.predict(_pool(X), thread_count=1)
            said.reshape(len(X), -1)[:, self.steps_] = boosted.reshape(len(X), -1)
        return said

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities ``(n_rows, n_classes)``, columns in the order of ``classes_``."""
        if not self.boosted_:
            return np.repeat([self.mean_], len(X), axis=0)
        said = self.learner_.predict(_pool(X), prediction_type="Probability", thread_count=1)
        return np.asarray(said)

    def _classifies(self) -> bool:
        return self.task_type in ("binary", "multiclass")

    def _settings(self, stopping: bool) -> dict[str, Any]:
        tree = self.weak_learner
        loss = {"regression": "RMSE", "forecasting": "MultiRMSE"}.get(self.task_type)
        if loss is None:
            loss = "Logloss" if len(self.classes_) == 2 else "MultiClass"
        depth = DEEPEST if tree.max_depth == -1 else tree.max_depth
        settings = {
            "loss_function": loss,
            "iterations": self.n_estimators,
            "learning_rate": self.learning_rate,
            "depth": max(1, min(depth, math.ceil(math.log2(tree.num_leaves)), DEEPEST)),
            "rsm": tree.feature_fraction,
            "l2_leaf_reg": self.l2,
            "random_seed": self.seed,
            "thread_count": 1,
            "allow_writing_files": False,
            "logging_level": "Silent",
        }
        if stopping:
            settings |= {"od_type": "Iter", "od_wait": self.patience, "use_best_model": True}
        return settings


def _pool(X: pd.DataFrame, y: np.ndarray | None = None, weight: np.ndarray | None = None) -> catboost.Pool:
    return catboost.Pool(X, y, weight=weight, cat_features=categorical_columns(X))
