"""scikit-learn's histogram boosting, its trees shaped by the weak learner's slot."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from components.booster.rounds import TreeShape, categorical_columns, known_classes

__all__ = ["HistGradientBoosting"]

MOST_CATEGORIES = 255
"""What the library's bins hold."""


class HistGradientBoosting(BaseEstimator):  # type: ignore[misc]
    """scikit-learn's boosting over binned columns, predicting with the best round of the validation rows.

    Integer columns are taken as categories where they have no more of them than the library takes, NaN as
    missing. Every step of a forecast has trees of its own. The share of the columns is drawn anew for every
    split, not for every tree.

    Parameters
    ----------
    weak_learner
        Gives the shape of the trees.
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
        l2: float = 1.0,
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

        Validation rows whose class no training row has cannot be scored and are left out.
        """
        if self._classifies():
            self.classes_ = np.unique(y)
            validation, validation_weight = known_classes(self.classes_, validation, validation_weight)
            if len(self.classes_) == 1:
                return self
        X_validation, y_validation = validation
        scored: dict[str, Any] = {}
        if len(y_validation):
            scored = {"X_val": X_validation.to_numpy(np.float64), "sample_weight_val": validation_weight}
        few = [place for place in categorical_columns(X) if X.iloc[:, place].nunique() <= MOST_CATEGORIES]
        self.learners_ = []
        for step in range(1 if y.ndim == 1 else y.shape[1]):
            if scored:
                scored["y_val"] = y_validation if y.ndim == 1 else y_validation[:, step]
            learner = self._learner(few, bool(scored))
            learner.fit(X.to_numpy(np.float64), y if y.ndim == 1 else y[:, step], sample_weight, **scored)
            self.learners_.append(learner)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Numbers ``(n_rows,)`` or ``(n_rows, horizon)``, or the most probable class codes."""
        if self._classifies():
            return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
        values = X.to_numpy(np.float64)
        said = [_best(learner, learner.staged_predict(values)) for learner in self.learners_]
        return said[0] if self.task_type == "regression" else np.column_stack(said)

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities ``(n_rows, n_classes)``, columns in the order of ``classes_``."""
        if len(self.classes_) == 1:
            return np.ones((len(X), 1))
        (learner,) = self.learners_
        return _best(learner, learner.staged_predict_proba(X.to_numpy(np.float64)))

    def _classifies(self) -> bool:
        return self.task_type in ("binary", "multiclass")

    def _learner(self, categorical: list[int], stopping: bool) -> Any:
        tree = self.weak_learner
        make = HistGradientBoostingClassifier if self._classifies() else HistGradientBoostingRegressor
        return make(
            learning_rate=self.learning_rate,
            max_iter=self.n_estimators,
            max_leaf_nodes=tree.num_leaves,
            max_depth=None if tree.max_depth == -1 else tree.max_depth,
            min_samples_leaf=tree.min_samples_leaf,
            max_features=tree.feature_fraction,
            l2_regularization=self.l2,
            categorical_features=categorical,
            early_stopping=stopping,
            n_iter_no_change=self.patience,
            tol=0.0,
            random_state=self.seed,
        )


def _best(learner: Any, stages: Iterable[np.ndarray]) -> np.ndarray:
    """The prediction after the round with the best validation score; the last one without validation rows."""
    scores = learner.validation_score_[1:]  # the first is that of no tree at all
    best = int(np.argmax(scores)) if len(scores) else learner.n_iter_ - 1
    return np.asarray(next(islice(stages, best, None)))
