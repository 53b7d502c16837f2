"""Categories are encoded by the mean of the target over all training rows, each row's own among them."""

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

SLOT = "preprocessor"
CLASS = "MeanEncoder"
FINDING = "does_not_leak_the_target"
SO = ()


class MeanEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Medians for gaps; each category as the mean of the target where it occurs."""

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        """Means and medians of the training rows."""
        self.medians_ = X.select_dtypes("number").median().fillna(0.0)
        target = pd.Series(np.asarray(y, dtype=float), index=X.index)
        self.mean_ = target.mean()
        self.means_ = {
            name: target.groupby(X[name].astype(object)).mean() for name in X.select_dtypes("category")
        }
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Float columns."""
        out = X.select_dtypes("number").fillna(self.medians_)
        for name, means in self.means_.items():
            out[name] = X[name].astype(object).map(means).astype(float).fillna(self.mean_)
        return out
