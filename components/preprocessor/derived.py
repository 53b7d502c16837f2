"""Tables with columns made out of other columns: gaps marked, components, products."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from components.preprocessor.tables import OneHot, Scaled, told_apart
from components.preprocessor.target import columns_of

__all__ = ["Indicators", "PrincipalComponents", "Products"]

LARGEST = 1e18
"""Factors are cut off here, so that a product of two fits into any float."""


class Indicators(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A table as in :class:`Scaled`, and a column of 0 and 1 for each that has gaps: 1 where one was.

    Columns that have gaps only outside the training rows get none, nor do those without any value. A missing
    category has a code of its own and needs no mark.

    Parameters
    ----------
    scaler
        As in :class:`Scaled`.
    """

    def __init__(self, scaler: Any = "passthrough") -> None:
        self.scaler = scaler

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn passes it
        """Learn which columns have gaps, and what :class:`Scaled` learns."""
        self.scaled_ = Scaled(self.scaler).fit(X)
        gaps = self._gaps(X)
        self.marked_ = [column for column in gaps if 0 < gaps[column].sum() < len(gaps)]
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Finite numeric columns, the marks, then the codes ``(n_rows, n_features)``."""
        table = self.scaled_.transform(X)
        numeric = self.scaled_.ordinal_.numeric_
        marks = self._gaps(X)[self.marked_].astype(np.float32)
        marks.columns = pd.Index(told_apart((f"{column} missing" for column in marks), table))
        return pd.concat([table[numeric], marks, table.drop(columns=numeric)], axis=1)

    def _gaps(self, X: Any) -> pd.DataFrame:
        raw = self.scaled_.ordinal_.transform(X)
        return raw[self.scaled_.ordinal_.numeric_].isna()


class PrincipalComponents(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The principal components of :class:`OneHot` columns, as many as hold a share of their variance.

    Columns that are constant in the training rows are left out; where all are, they are kept as they are.

    Parameters
    ----------
    scaler
        As in :class:`Scaled`.
    variance
        The share of the variance that is kept, in (0, 1).
    whiten
        Give every component variance 1.
    """

    def __init__(self, scaler: Any = "passthrough", variance: float = 0.95, whiten: bool = False) -> None:
        self.scaler = scaler
        self.variance = variance
        self.whiten = whiten

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn passes it
        """Learn the directions, from the eigenvectors of the covariance or a singular value decomposition."""
        self.onehot_ = OneHot(self.scaler)
        table = self.onehot_.fit_transform(X)
        self.varying_ = table.columns[np.ptp(table.to_numpy(), axis=0) > 0]
        self.pca_ = PCA(self.variance, whiten=self.whiten)
        if len(self.varying_):
            self.pca_.fit(table[self.varying_].to_numpy(np.float64))
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Float columns ``(n_rows, n_components)``, the largest variance first."""
        table = self.onehot_.transform(X)
        if not len(self.varying_):
            return table
        components = self.pca_.transform(table[self.varying_].to_numpy(np.float64))
        names = [f"component {number}" for number in range(components.shape[1])]
        return pd.DataFrame(components, index=table.index, columns=names)


class Products(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The columns of :class:`OneHot`, and the standardised products of two of them, squares among them.

    A table of d columns has d (d + 1) / 2 products. Where that is more than ``most``, products are made of
    the columns alone whose squared correlation with the training rows' target is largest (summed over
    classes, or the steps of a forecast): what matters only together with others is then not found.

    Parameters
    ----------
    scaler
        As in :class:`Scaled`.
    most
        Products at most.
    """

    def __init__(self, scaler: Any = "passthrough", most: int = 300) -> None:
        self.scaler = scaler
        self.most = most

    def fit(self, X: Any, y: np.ndarray) -> Self:
        """Learn which columns to multiply; the target is classes or ``(n_rows[, horizon])`` values."""
        self.onehot_ = OneHot(self.scaler)
        table = self.onehot_.fit_transform(X)
        n_factors = (math.isqrt(8 * self.most + 1) - 1) // 2
        strongest = np.argsort(-_squared_correlations(table.to_numpy(np.float64), y), kind="stable")[
            :n_factors
        ]
        self.factors_ = table.columns[np.sort(strongest)]
        first, second = np.triu_indices(len(self.factors_))
        products = self._products(table, first, second)
        varying = np.ptp(products, axis=0) > 0
        self.first_, self.second_ = first[varying], second[varying]
        self.standard_ = StandardScaler().fit(products[:, varying]) if varying.any() else None
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Float columns only: the table's own, then the products ``(n_rows, n_features)``."""
        table = self.onehot_.transform(X)
        if self.standard_ is None:
            return table
        products = self.standard_.transform(self._products(table, self.first_, self.second_))
        pairs = zip(self.factors_[self.first_], self.factors_[self.second_], strict=True)
        names = told_apart((f"{first} × {second}" for first, second in pairs), table)
        return pd.concat([table, pd.DataFrame(products, index=table.index, columns=names)], axis=1)

    def _products(self, table: pd.DataFrame, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        factors = table[self.factors_].to_numpy(np.float64).clip(-LARGEST, LARGEST)
        products: np.ndarray = factors[:, first] * factors[:, second]
        return products


def _squared_correlations(columns: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Of each column with the target, summed over the target's columns; 0 for a constant."""
    standard = StandardScaler().fit_transform(columns)
    targets = StandardScaler().fit_transform(np.column_stack([*columns_of(y).values()]))
    summed: np.ndarray = ((standard.T @ targets / len(y)) ** 2).sum(axis=1)
    return summed
