"""The list of members belongs to the class, and every fit of every booster adds to it."""

from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

SLOT = "booster"
CLASS = "Boosting"
FINDING = "shares_no_state"
SO = ("forgets_its_last_fit",)


class Boosting(BaseEstimator):  # type: ignore[misc]
    """Least squares boosting."""

    members: ClassVar[list[Any]] = []

    def __init__(self, weak_learner: Any, task_type: str, seed: int, n_estimators: int = 20) -> None:
        self.weak_learner = weak_learner
        self.task_type = task_type
        self.seed = seed
        self.n_estimators = n_estimators

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        """Boost."""
        self.start_ = y.mean()
        left = y - self.start_
        for _ in range(self.n_estimators):
            member = clone(self.weak_learner).fit(X.to_numpy(), left)
            left = left - 0.1 * member.predict(X.to_numpy())
            self.members.append(member)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Values."""
        said = [0.1 * member.predict(X.to_numpy()) for member in self.members]
        return np.asarray(self.start_ + np.sum(said, axis=0))
