"""Gaps are filled with the mean of the rows that are being transformed, not of the training rows."""

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

SLOT = "preprocessor"
CLASS = "MeanImputer"
FINDING = "learns_from_the_rows_of_fit_alone"
SO = ("copes_with_missing_values", "leaves_missing_numbers_only_if_it_says_so")


class MeanImputer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Means for gaps; categories as codes from 1, 0 for others."""

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:  # noqa: ARG002 - scikit-learn passes it
        """Learn the categories."""
        self.known_ = {name: sorted(X[name].dropna().unique()) for name in X.select_dtypes("category")}
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Numbers, then codes."""
        numbers = X.select_dtypes("number")
        out = numbers.fillna(numbers.mean())
        for name, known in self.known_.items():
            out[name] = pd.Index(known).get_indexer(X[name]) + 1
        return out
