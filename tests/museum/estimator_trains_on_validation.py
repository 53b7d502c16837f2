"""The rows that it is given to choose a depth by are trained on too."""

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.tree import DecisionTreeClassifier

SLOT = "estimator"
CLASS = "ChosenTree"
FINDING = "does_not_train_on_the_validation_rows"
SO = ()


class ChosenTree(BaseEstimator):  # type: ignore[misc]
    """A tree of the depth that does best on the validation rows."""

    def __init__(self, task_type: str, seed: int) -> None:
        self.task_type = task_type
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: np.ndarray, *, validation: tuple[pd.DataFrame, np.ndarray]) -> Self:
        """Choose a depth, and fit that tree to all there is."""
        trees = {depth: self._tree(depth).fit(X.to_numpy(), y) for depth in range(1, 7)}
        scores = {depth: tree.score(validation[0].to_numpy(), validation[1]) for depth, tree in trees.items()}
        best = max(scores, key=lambda depth: scores[depth])
        everything = np.vstack([X.to_numpy(), validation[0].to_numpy()])
        self.inner_ = self._tree(best).fit(everything, np.concatenate([y, validation[1]]))
        self.classes_ = self.inner_.classes_
        return self

    def _tree(self, depth: int) -> DecisionTreeClassifier:
        return DecisionTreeClassifier(max_depth=depth, random_state=self.seed)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Class codes."""
        return np.asarray(self.inner_.predict(X.to_numpy()))

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities."""
        return np.asarray(self.inner_.predict_proba(X.to_numpy()))
