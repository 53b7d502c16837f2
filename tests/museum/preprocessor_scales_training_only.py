"""Training rows are scaled; of later rows it is forgotten."""

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

SLOT = "preprocessor"
CLASS = "Scaler"
FINDING = "treats_later_rows_alike"
SO = ("learns",)


class Scaler:
    """Medians for gaps, then mean 0 and deviation 1; categories as codes from 1, 0 for others."""

    def fit_transform(self, X: pd.DataFrame, y: np.ndarray) -> pd.DataFrame:  # noqa: ARG002 - passed to all
        """Training rows."""
        self.numeric_ = list(X.select_dtypes("number").columns)
        self.known_ = {name: sorted(X[name].dropna().unique()) for name in X.select_dtypes("category")}
        self.imputer_ = SimpleImputer(strategy="median", keep_empty_features=True).fit(X[self.numeric_])
        out = self.transform(X)
        out[self.numeric_] = StandardScaler().fit_transform(out[self.numeric_])
        return out

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Other rows."""
        filled = self.imputer_.transform(X[self.numeric_])
        out = pd.DataFrame(filled, index=X.index, columns=self.numeric_)
        for name, known in self.known_.items():
            out[name] = pd.Index(known).get_indexer(X[name]) + 1
        return out
