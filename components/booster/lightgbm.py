"""LightGBM with early stopping, its trees shaped by the weak learner's slot."""

from __future__ import annotations

from typing import Any, Protocol, Self

import lightgbm
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

__all__ = ["LightGBM", "TreeShape"]


class TreeShape(Protocol):
    """The limits of a tree, as ``own_tree`` stores them."""

    num_leaves: int
    min_samples_leaf: int
    max_depth: int
    feature_fraction: float


class LightGBM(BaseEstimator):  # type: ignore[misc]
    """Gradient boosted trees (Ke et al., NeurIPS 2017), kept at the best round of the validation rows.

    Integer columns are taken as categories, NaN as missing.

    Parameters
    ----------
    weak_learner
        Gives the shape of the trees.
    task_type
        ``binary``, ``multiclass`` or ``regression``.
    seed
        Below 2**31.
    n_estimators
        Most boosting rounds.
    learning_rate
        Shrinkage of each tree.
    l2
        L2 penalty on the leaves' values.
    min_category_rows
        Fewest training rows in a group of categories; the library's own 100 would keep categories out of
        every tree of a small table.
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
        min_category_rows: int = 10,
        patience: int = 20,
    ) -> None:
        self.weak_learner = weak_learner
        self.task_type = task_type
        self.seed = seed
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.l2 = l2
        self.min_category_rows = min_category_rows
        self.patience = patience

    def fit(self, X: pd.DataFrame, y: np.ndarray, *, validation: tuple[pd.DataFrame, np.ndarray]) -> Self:
        """Boost on ``X (n_rows, n_features)``, stopping by the loss on ``validation``.

        Validation rows whose class no training row has cannot be scored and are left out.
        """
        X_validation, y_validation = validation
        if self.task_type != "regression":
            self.classes_ = np.unique(y)
            seen = np.isin(y_validation, self.classes_)
            X_validation, y_validation = X_validation[seen], y_validation[seen]
            y, y_validation = np.searchsorted(self.classes_, y), np.searchsorted(self.classes_, y_validation)
            if len(self.classes_) == 1:
                return self
        categorical = [place for place, kind in enumerate(X.dtypes) if kind.kind in "iu"]
        settings = self._settings()
        train = lightgbm.Dataset(X.to_numpy(np.float64), y, categorical_feature=categorical, params=settings)
        scored, stop = [], []
        if len(y_validation):
            scored = [train.create_valid(X_validation.to_numpy(np.float64), y_validation)]
            stop = [lightgbm.early_stopping(self.patience, verbose=False)]
        self.booster_ = lightgbm.train(settings, train, self.n_estimators, valid_sets=scored, callbacks=stop)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Numbers ``(n_rows,)``, or the most probable class codes."""
        if self.task_type != "regression":
            return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
        return np.asarray(self.booster_.predict(X.to_numpy(np.float64)))

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities ``(n_rows, n_classes)``, columns in the order of ``classes_``."""
        if len(self.classes_) == 1:
            return np.ones((len(X), 1))
        raw = np.asarray(self.booster_.predict(X.to_numpy(np.float64)))
        return raw if raw.ndim == 2 else np.column_stack([1 - raw, raw])

    def _settings(self) -> dict[str, Any]:
        tree = self.weak_learner
        objective: dict[str, Any] = {"objective": "regression"}
        if self.task_type != "regression":
            n_classes = len(self.classes_)
            objective = {"objective": "multiclass", "num_class": n_classes}
            if n_classes == 2:
                objective = {"objective": "binary"}
        return {
            **objective,
            "learning_rate": self.learning_rate,
            "num_leaves": tree.num_leaves,
            "min_data_in_leaf": tree.min_samples_leaf,
            "max_depth": tree.max_depth,
            "feature_fraction": tree.feature_fraction,
            "lambda_l2": self.l2,
            "min_data_per_group": self.min_category_rows,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }
