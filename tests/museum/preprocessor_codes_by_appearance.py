"""Categories are numbered as they appear among the rows that are transformed."""

import numpy as np
import pandas as pd

SLOT = "preprocessor"
CLASS = "Codes"
FINDING = "learns_from_the_rows_of_fit_alone"
SO = ("copes_with_unseen_categories",)


class Codes:
    """Medians for gaps; categories as codes from 1, 0 for what is missing."""

    def fit_transform(self, X: pd.DataFrame, y: np.ndarray) -> pd.DataFrame:  # noqa: ARG002 - passed to all
        """Training rows."""
        self.medians_ = X.select_dtypes("number").median().fillna(0.0)
        return self.transform(X)

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Other rows."""
        out = X.select_dtypes("number").fillna(self.medians_)
        for name in X.select_dtypes("category"):
            out[name] = pd.factorize(X[name])[0] + 1
        return out
