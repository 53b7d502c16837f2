"""Tables of numbers from raw data, each step built on the one before.

All of them take tables of float64 columns (may hold NaN) and ``category`` columns (may be missing), or what
:class:`Flat` makes a table of; they keep rows and index, and learn from the rows they are fitted on alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from components.preprocessor.flat import Flat

__all__ = ["OneHot", "Ordinal", "Scaled", "told_apart"]

CHUNK_NUMBERS = 2**22
"""Numbers that are scaled at once: the library makes half a dozen float64 copies, of 32 MiB each."""


class Ordinal(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Numbers as they are, NaN kept; categories as int64 codes from 1, 0 for missing or not seen in fit."""

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn passes it
        """Learn which columns are categories and which categories occur."""
        self.flat_ = Flat().fit(X)
        table = self.flat_.transform(X)
        categorical = table.select_dtypes("category")
        self.categories_ = {
            column: values.cat.remove_unused_categories().cat.categories.sort_values()
            for column, values in categorical.items()
        }
        self.numeric_ = [column for column in table.columns if column not in self.categories_]
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """The numeric columns, then the codes ``(n_rows, n_features)``."""
        table = self.flat_.transform(X)
        codes = {column: _codes(table[column], known) for column, known in self.categories_.items()}
        return pd.concat([table[self.numeric_], pd.DataFrame(codes, index=table.index)], axis=1)


def _codes(column: pd.Series, known: pd.Index) -> np.ndarray:
    """Places in ``known``, from 1; pandas' own code of a missing value, -1, picks the 0 at the end."""
    return np.asarray(np.append(known.get_indexer(column.cat.categories) + 1, 0)[column.cat.codes])


class Scaled(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Numbers with missing ones at the median, then scaled; categories as in :class:`Ordinal`.

    A column without any value counts as 0 throughout.

    Parameters
    ----------
    scaler
        A scikit-learn transformer of numbers, column by column and as many columns out as in; StandardScaler
        makes a constant column 0. ``passthrough`` leaves numbers as they are.
    """

    def __init__(self, scaler: Any = "passthrough") -> None:
        self.scaler = scaler

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn passes it
        """Learn categories, medians, and what the scaler learns."""
        self.ordinal_ = Ordinal()
        table = self.ordinal_.fit_transform(X)
        numeric = self.ordinal_.numeric_
        width = max(1, CHUNK_NUMBERS // len(table))
        self.scalers_ = {
            start: self._filled_and_scaled().fit(table[numeric[start : start + width]].to_numpy())
            for start in range(0, len(numeric), width)
        }
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Finite numeric columns, then the codes ``(n_rows, n_features)``."""
        table = self.ordinal_.transform(X)
        numeric = self.ordinal_.numeric_
        scaled = np.empty((len(table), len(numeric)), np.result_type(*table[numeric].dtypes, np.float32), "F")
        for start, scaler in self.scalers_.items():
            part = slice(start, start + scaler.n_features_in_)
            scaled[:, part] = scaler.transform(table[numeric[part]].to_numpy())
        numbers = pd.DataFrame(scaled, index=table.index, columns=numeric, copy=False)
        return pd.concat([numbers, table.drop(columns=numeric)], axis=1)

    def _filled_and_scaled(self) -> Any:
        filled = SimpleImputer(strategy="median", keep_empty_features=True)
        return make_pipeline(filled, clone(self.scaler, safe=False))


class OneHot(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Numbers as in :class:`Scaled`; one float column for each category, all 0 for missing or not seen.

    Of a column with more categories than ``most`` the rarer ones, by their training rows, share one column.

    Parameters
    ----------
    scaler
        As in :class:`Scaled`.
    most
        Categories of a column, at most, that have one of their own.
    """

    def __init__(self, scaler: Any = "passthrough", most: int = 100) -> None:
        self.scaler = scaler
        self.most = most

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn passes it
        """Learn what :class:`Scaled` learns, and which categories are frequent."""
        self.scaled_ = Scaled(self.scaler).fit(X)
        ordinal = self.scaled_.ordinal_
        many = [column for column, known in ordinal.categories_.items() if len(known) > self.most]
        codes = ordinal.transform(X)[many] if many else {}
        self.own_ = {column: np.arange(1, len(known) + 1) for column, known in ordinal.categories_.items()}
        for column in many:
            counts = np.bincount(codes[column], minlength=len(ordinal.categories_[column]) + 1)[1:]
            self.own_[column] = 1 + np.sort(np.argsort(-counts, kind="stable")[: self.most])
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Float columns only ``(n_rows, n_numeric + n_categories)``."""
        table = self.scaled_.transform(X)
        ordinal = self.scaled_.ordinal_
        indicators: list[np.ndarray] = []
        names: list[str] = []
        for column, own in self.own_.items():
            codes, known = table[column].to_numpy(), ordinal.categories_[column]
            indicators += [codes == code for code in own]
            names += [f"{column}={known[code - 1]}" for code in own]
            if len(own) < len(known):
                indicators.append((codes > 0) & ~np.isin(codes, own))
                names.append(f"{column} rarer")
        added = np.array(indicators, np.float64).reshape(len(indicators), len(table)).T
        columns = told_apart(names, ordinal.numeric_)
        return pd.concat(
            [table[ordinal.numeric_], pd.DataFrame(added, index=table.index, columns=columns)], axis=1
        )


def told_apart(names: Iterable[str], taken: Iterable[str]) -> list[str]:
    """Names for further columns, with a prime for each time that one is there already."""
    seen, distinct = set(taken), []
    for name in names:
        while name in seen:
            name += "'"
        seen.add(name)
        distinct.append(name)
    return distinct
