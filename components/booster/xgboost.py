"""XGBoost with early stopping, its trees shaped by the weak learner's slot."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
import xgboost
from sklearn.base import BaseEstimator

from components.booster.rounds import TreeShape, categorical_columns, known_classes

__all__ = ["Binned", "XGBoost"]


class Binned(NamedTuple):
    """Rows with their targets in the library's own form: every column of the training rows in bins."""

    train: xgboost.QuantileDMatrix
    scored: xgboost.DMatrix | None
    """Validation rows whose class some training row has; None where there are none."""


class XGBoost(BaseEstimator):  # type: ignore[misc]
    """Gradient boosted trees (Chen and Guestrin, arXiv:1603.02754), kept at the best validation round.

    Integer columns are taken as categories, NaN as missing. Trees grow best leaf first. Every step of a
    forecast has trees of its own, and all of them stop together.

    Parameters
    ----------
    weak_learner
        Gives the shape of the trees, but for the fewest rows in a leaf, which are weighed here.
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
    min_child_weight
        Least sum in a leaf of the loss's second derivatives: of rows, where the error is squared.
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
        l2: float = 1.0,
        min_child_weight: float = 1.0,
        patience: int = 20,
    ) -> None:
        self.weak_learner = weak_learner
        self.task_type = task_type
        self.seed = seed
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.l2 = l2
        self.min_child_weight = min_child_weight
        self.patience = patience

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        validation: tuple[pd.DataFrame, np.ndarray],
        sample_weight: np.ndarray | None = None,
        validation_weight: np.ndarray | None = None,
        binned: Binned | None = None,
    ) -> Self:
        """Boost on ``X (n_rows, n_features)``, stopping by the loss on ``validation``.

        Validation rows whose class no training row has cannot be scored and are left out. ``binned`` is what
        :meth:`bin` made of the same rows, maybe for another learner.
        """
        if self._classifies():
            self.classes_ = np.unique(y)
            if len(self.classes_) == 1:
                return self
        if binned is None:
            weights = {"sample_weight": sample_weight, "validation_weight": validation_weight}
            binned = self.bin(X, y, validation=validation, **weights)
        stopping: dict[str, Any] = {}
        if binned.scored is not None:
            stop = xgboost.callback.EarlyStopping(rounds=self.patience, save_best=True)
            stopping = {"evals": [(binned.scored, "validation")], "callbacks": [stop], "verbose_eval": False}
        self.booster_ = xgboost.train(self._settings(), binned.train, self.n_estimators, **stopping)
        return self

    def binning(self) -> Hashable:
        """What the outcome of :meth:`bin` depends on, besides the rows: nothing."""
        return ()

    def bin(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        validation: tuple[pd.DataFrame, np.ndarray],
        sample_weight: np.ndarray | None = None,
        validation_weight: np.ndarray | None = None,
    ) -> Binned:
        """The rows that :meth:`fit` is passed, in the library's own form."""
        if self._classifies():
            classes = np.unique(y)
            validation, validation_weight = known_classes(classes, validation, validation_weight)
            y, validation = (
                np.searchsorted(classes, y),
                (validation[0], np.searchsorted(classes, validation[1])),
            )
        train = _matrix(X, y, sample_weight, xgboost.QuantileDMatrix)
        return Binned(train, _matrix(*validation, validation_weight) if len(validation[1]) else None)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Numbers ``(n_rows,)`` or ``(n_rows, horizon)``, or the most probable class codes."""
        if self._classifies():
            return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
        return np.asarray(self.booster_.predict(_matrix(X)))

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities ``(n_rows, n_classes)``, columns in the order of ``classes_``."""
        if len(self.classes_) == 1:
            return np.ones((len(X), 1))
        raw = np.asarray(self.booster_.predict(_matrix(X)))
        return raw if raw.ndim == 2 else np.column_stack([1 - raw, raw])

    def _classifies(self) -> bool:
        return self.task_type in ("binary", "multiclass")

    def _settings(self) -> dict[str, Any]:
        tree = self.weak_learner
        objective: dict[str, Any] = {"objective": "reg:squarederror"}
        if self._classifies():
            n_classes = len(self.classes_)
            objective = {"objective": "binary:logistic", "eval_metric": "logloss"}
            if n_classes > 2:
                objective = {
                    "objective": "multi:softprob",
                    "eval_metric": "mlogloss",
                    "num_class": n_classes,
                }
        return {
            **objective,
            "tree_method": "hist",
            "grow_policy": "lossguide",
            "learning_rate": self.learning_rate,
            "max_leaves": tree.num_leaves,
            "max_depth": max(tree.max_depth, 0),  # 0 is no bound here
            "colsample_bytree": tree.feature_fraction,
            "lambda": self.l2,
            "min_child_weight": self.min_child_weight,
            "seed": self.seed,
            "nthread": 1,
            "verbosity": 0,
        }


def _matrix(
    X: pd.DataFrame,
    y: np.ndarray | None = None,
    weight: np.ndarray | None = None,
    kind: type[xgboost.DMatrix] = xgboost.DMatrix,
) -> xgboost.DMatrix:
    categorical = set(categorical_columns(X))
    kinds = ["c" if place in categorical else "q" for place in range(X.shape[1])]
    return kind(X.to_numpy(np.float64), y, weight=weight, feature_types=kinds, nthread=1)
