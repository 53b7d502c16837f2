"""A table of numbers from any kind of data."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import HashingVectorizer

__all__ = ["Flat"]

N_GRAM_COLUMNS = 512
"""Columns of a text: few enough for any learner; two n-grams that share one are rarely both frequent."""


class Flat(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A table as it is; anything else as one row of float32 columns for each row.

    Images are one column a pixel and channel. Sequences are one column a step and channel, up to the longest
    row of fit: shorter ones end in NaN, longer ones are cut. Texts are counts of their character 1- to
    3-grams, hashed into 512 columns (Weinberger et al., arXiv:0902.2206), at Euclidean length 1.
    """

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn passes it
        """Learn the length of the longest sequence."""
        if isinstance(X, list) and not isinstance(X[0], str):
            self.shape_ = (max(map(len, X)), X[0].shape[1])
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """A table ``(n_rows, n_columns)``, its rows in order."""
        if isinstance(X, pd.DataFrame):
            return X
        if isinstance(X, np.ndarray):
            numbers = X.reshape(len(X), -1).astype(np.float32)
        else:
            numbers = self._steps(X) if hasattr(self, "shape_") else _n_grams(X)
        # Text as names, since scikit-learn refuses tables that mix it with numbers, and others add columns.
        return pd.DataFrame(numbers, columns=[str(number) for number in range(numbers.shape[1])])

    def _steps(self, X: list[np.ndarray]) -> np.ndarray:
        flat = np.full((len(X), *self.shape_), np.nan, np.float32)
        for place, row in enumerate(X):
            kept = row[: len(flat[place])]
            flat[place, : len(kept)] = kept
        return flat.reshape(len(X), -1)


def _n_grams(texts: list[str]) -> np.ndarray:
    counter = HashingVectorizer(
        analyzer="char",
        ngram_range=(1, 3),
        n_features=N_GRAM_COLUMNS,
        alternate_sign=False,
        decode_error="replace",
        dtype=np.float32,
    )
    # Bytes, because half of a surrogate pair, which a text may hold, has no place in UTF-8.
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    counts: np.ndarray = counter.transform(encoded).toarray()
    return counts
