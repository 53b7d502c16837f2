"""Tables of numbers from raw tables, each step built on the one before.

All of them take float64 columns (may hold NaN) and ``category`` columns (may be missing), keep rows and
index, and learn from the rows they are fitted on alone.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

__all__ = ["OneHot", "Ordinal", "Standard"]


class Ordinal(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Numbers as they are, NaN kept; categories as int64 codes from 1, 0 for missing or not seen in fit."""

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn passes it
        """Learn which columns are categories and which categories occur."""
        categorical = X.select_dtypes("category")
        self.categories_ = {
            column: values.cat.remove_unused_categories().cat.categories.sort_values()
            for column, values in categorical.items()
        }
        self.numeric_ = [column for column in X.columns if column not in self.categories_]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """The numeric columns, then the codes ``(n_rows, n_features)``."""
        codes = {column: _codes(X[column], known) for column, known in self.categories_.items()}
        numbers = X[self.numeric_].astype(np.float64)
        return pd.concat([numbers, pd.DataFrame(codes, index=X.index)], axis=1)


def _codes(column: pd.Series, known: pd.Index) -> np.ndarray:
    """Places in ``known``, from 1; pandas' own code of a missing value, -1, picks the 0 at the end."""
    return np.asarray(np.append(known.get_indexer(column.cat.categories) + 1, 0)[column.cat.codes])


class Standard(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Numbers with missing ones at the median, mean 0 and deviation 1; categories as in :class:`Ordinal`.

    A constant column becomes 0 throughout, and so does one without any value.
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn passes it
        """Learn categories, medians, means and deviations."""
        self.ordinal_ = Ordinal().fit(X)
        self.scaler_ = make_pipeline(
            SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
        )
        if self.ordinal_.numeric_:
            self.scaler_.fit(X[self.ordinal_.numeric_].to_numpy(np.float64))
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Finite numeric columns, then the codes ``(n_rows, n_features)``."""
        table = self.ordinal_.transform(X)
        if numeric := self.ordinal_.numeric_:
            table[numeric] = self.scaler_.transform(table[numeric].to_numpy())
        return table


class OneHot(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Numbers as in :class:`Standard`; one float column for each category, all 0 for missing or not seen."""

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn passes it
        """Learn what :class:`Standard` learns."""
        self.standard_ = Standard().fit(X)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Float columns only ``(n_rows, n_numeric + n_categories)``."""
        table = self.standard_.transform(X)
        ordinal = self.standard_.ordinal_
        indicators = {
            f"{column}={category}": (table[column] == code).astype(np.float64)
            for column, categories in ordinal.categories_.items()
            for code, category in enumerate(categories, start=1)
        }
        return pd.concat([table[ordinal.numeric_], pd.DataFrame(indicators, index=X.index)], axis=1)
