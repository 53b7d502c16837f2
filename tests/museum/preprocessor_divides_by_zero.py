"""A column that is constant in the training rows is divided by its deviation, which is 0."""

import numpy as np
import pandas as pd

SLOT = "preprocessor"
CLASS = "ZScores"
FINDING = "copes_with_constant_columns"
SO = ("leaves_missing_numbers_only_if_it_says_so",)


class ZScores:
    """Medians for gaps, then mean 0 and deviation 1; categories as codes from 1, 0 for others."""

    def fit_transform(self, X: pd.DataFrame, y: np.ndarray) -> pd.DataFrame:  # noqa: ARG002 - passed to all
        """Training rows."""
        numbers = X.select_dtypes("number")
        self.medians_ = numbers.median().fillna(0.0)
        filled = numbers.fillna(self.medians_)
        self.mean_, self.deviation_ = filled.mean(), filled.std()
        self.known_ = {name: sorted(X[name].dropna().unique()) for name in X.select_dtypes("category")}
        return self.transform(X)

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Other rows."""
        out = (X.select_dtypes("number").fillna(self.medians_) - self.mean_) / self.deviation_
        for name, known in self.known_.items():
            out[name] = pd.Index(known).get_indexer(X[name]) + 1
        return out
