"""Training rows get noise that comes from the random numbers of the whole process."""

import numpy as np
import pandas as pd

SLOT = "preprocessor"
CLASS = "Jitter"
FINDING = "is_the_same_twice"
SO = ("forgets_its_last_fit",)


class Jitter:
    """Medians for gaps, and a little noise where rows are trained on; categories as codes from 1."""

    def fit_transform(self, X: pd.DataFrame, y: np.ndarray) -> pd.DataFrame:  # noqa: ARG002 - passed to all
        """Training rows."""
        numbers = X.select_dtypes("number")
        self.medians_ = numbers.median().fillna(0.0)
        self.known_ = {name: sorted(X[name].dropna().unique()) for name in X.select_dtypes("category")}
        out = self.transform(X)
        noise = np.random.normal(0.0, 0.1, numbers.shape) * numbers.std().fillna(0.0).to_numpy()
        out[numbers.columns] += noise
        return out

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Other rows."""
        out = X.select_dtypes("number").fillna(self.medians_)
        for name, known in self.known_.items():
            out[name] = pd.Index(known).get_indexer(X[name]) + 1
        return out
