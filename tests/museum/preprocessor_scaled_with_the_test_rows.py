"""The scaler goes on learning from whatever is transformed, the test rows among it."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.preprocessing import StandardScaler

SLOT = "preprocessor"
CLASS = "RunningScaler"
FINDING = "forgets_what_it_transformed"
SO = ("learns_from_the_rows_of_fit_alone",)


class RunningScaler(BaseEstimator):  # type: ignore[misc]
    """Numbers at mean 0 and deviation 1 of all rows seen so far; categories as codes from 1."""

    def fit_transform(self, X: pd.DataFrame, y: np.ndarray) -> pd.DataFrame:  # noqa: ARG002 - passed to all
        """Training rows."""
        self.scaler_ = StandardScaler()
        self.known_ = {name: sorted(X[name].dropna().unique()) for name in X.select_dtypes("category")}
        return self.transform(X)

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Other rows."""
        numbers = X.select_dtypes("number")
        filled = numbers.fillna(0.0).to_numpy()
        out: dict[str, Any] = {}
        scaled = self.scaler_.partial_fit(filled).transform(filled)
        out.update(zip(numbers.columns, scaled.T, strict=True))
        for name, known in self.known_.items():
            out[name] = pd.Index(known).get_indexer(X[name]) + 1
        return pd.DataFrame(out, index=X.index)
