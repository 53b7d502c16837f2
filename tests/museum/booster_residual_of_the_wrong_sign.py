"""Members are fitted to what is predicted minus what is right, and added all the same."""

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

SLOT = "booster"
CLASS = "Boosting"
FINDING = "learns"
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
        said = np.full(len(y), self.start_)
        for _ in range(self.n_estimators):
            member = clone(self.weak_learner).fit(X.to_numpy(), said - y)
            said = said + 0.1 * member.predict(X.to_numpy())
            self.members_.append(member)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Values."""
        said = [0.1 * member.predict(X.to_numpy()) for member in self.members_]
        return np.asarray(self.start_ + np.sum(said, axis=0))
