"""What was learned is kept in the class, so that the last fit, whoever's it was, counts for all."""

from typing import ClassVar

import numpy as np
import pandas as pd

SLOT = "preprocessor"
CLASS = "Standard"
FINDING = "shares_no_state"
SO = ()


class Standard:
    """Numbers at mean 0 and deviation 1, gaps at 0; categories as codes from 1, 0 for others."""

    learned: ClassVar[dict[str, pd.Series]] = {}
    known: ClassVar[dict[str, list[str]]] = {}

    def fit_transform(self, X: pd.DataFrame, y: np.ndarray) -> pd.DataFrame:  # noqa: ARG002 - passed to all
        """Training rows."""
        numbers = X.select_dtypes("number")
        self.learned["mean"] = numbers.mean()
        self.learned["deviation"] = numbers.std().replace(0.0, 1.0)
        for name in X.select_dtypes("category"):
            self.known[name] = sorted(X[name].dropna().unique())
        return self.transform(X)

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Other rows."""
        out = (X.select_dtypes("number") - self.learned["mean"]) / self.learned["deviation"]
        out = out.fillna(0.0)
        for name in X.select_dtypes("category"):
            out[name] = pd.Index(self.known[name]).get_indexer(X[name]) + 1
        return out
