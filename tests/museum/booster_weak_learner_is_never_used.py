"""The weak learner is taken and stored; the members are trees of the booster's own."""

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.tree import DecisionTreeRegressor

SLOT = "booster"
CLASS = "Boosting"
FINDING = "uses_its_weak_learner"
SO = ()


class Boosting(BaseEstimator):  # type: ignore[misc]
    """Least squares boosting."""

    def __init__(self, weak_learner: Any, task_type: str, seed: int, n_estimators: int = 20) -> None:
        self.weak_learner = weak_learner
        self.task_type = task_type
        self.seed = seed
        self.n_estimators = n_estimators

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        """Boost."""
        self.start_, self.members_ = y.mean(), []
        left = y - self.start_
        for number in range(self.n_estimators):
            member = DecisionTreeRegressor(max_depth=3, random_state=self.seed + number)
            left = left - 0.2 * member.fit(X.to_numpy(), left).predict(X.to_numpy())
            self.members_.append(member)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Values."""
        said = [0.2 * member.predict(X.to_numpy()) for member in self.members_]
        return np.asarray(self.start_ + np.sum(said, axis=0))
