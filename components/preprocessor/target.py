"""Categories as what the target is on average where they occur."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler, TargetEncoder

from components.preprocessor.tables import Scaled

__all__ = ["Target", "columns_of"]


class Target(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Numbers as in :class:`Scaled`; each category as the mean of the target where it occurs, standardised.

    The mean is shrunk towards that of all rows, the more the fewer rows there are and the more they vary
    (empirical Bayes; Micci-Barreca, https://doi.org/10.1145/507533.507538). Classes are encoded by their
    frequencies: two of them in one column, more in a column each. What is missing counts as a category if
    training had it; what training had not gets the mean of all rows.

    Training rows are encoded out of fold: each by the rows of the other folds alone, so that no row's own
    target stands in its inputs. Folds are drawn by row: where rows come in groups, the target of a row's
    group may still reach it.

    Parameters
    ----------
    scaler
        Of numbers, as in :class:`Scaled`.
    folds
        How many there are.
    random_state
        Of drawing them.
    """

    def __init__(self, scaler: Any = "passthrough", folds: int = 5, random_state: int = 0) -> None:
        self.scaler = scaler
        self.folds = folds
        self.random_state = random_state

    def fit(self, X: Any, y: np.ndarray) -> Self:
        """Learn the means of whole numbers as classes, of floats ``(n_rows[, n_targets])`` as values."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: np.ndarray) -> pd.DataFrame:
        """The training rows, their categories encoded out of fold."""
        self.scaled_ = Scaled(self.scaler).fit(X)
        table = self.scaled_.transform(X)
        self.categorical_ = list(self.scaled_.ordinal_.categories_)
        if not self.categorical_:
            return table
        codes, targets = table[self.categorical_].to_numpy(), columns_of(y)
        # On columns of numbers alone, so that the library never guesses what kind of target it has.
        self.encoders_ = {name: _encoder().fit(codes, values) for name, values in targets.items()}
        encoded = {name: self._out_of_fold(codes, values) for name, values in targets.items()}
        self.standard_ = StandardScaler().fit(np.hstack([*encoded.values()]))
        return self._joined(table, encoded)

    def transform(self, X: Any) -> pd.DataFrame:
        """Finite float columns: the numbers, then the categories by the means over all training rows."""
        table = self.scaled_.transform(X)
        if not self.categorical_:
            return table
        codes = table[self.categorical_].to_numpy()
        return self._joined(table, {name: part.transform(codes) for name, part in self.encoders_.items()})

    def _out_of_fold(self, codes: np.ndarray, values: np.ndarray) -> np.ndarray:
        encoded = np.empty(codes.shape)
        folds = KFold(min(self.folds, len(codes)), shuffle=True, random_state=self.random_state)
        for others, held_back in folds.split(codes):
            encoder = _encoder().fit(codes[others], values[others])
            encoded[held_back] = encoder.transform(codes[held_back])
        return encoded

    def _joined(self, table: pd.DataFrame, encoded: dict[str, np.ndarray]) -> pd.DataFrame:
        columns = [f"{column}{name}" for name in encoded for column in self.categorical_]
        standard = self.standard_.transform(np.hstack([*encoded.values()]))
        means = pd.DataFrame(standard, index=table.index, columns=columns)
        return pd.concat([table.drop(columns=self.categorical_), means], axis=1)


def _encoder() -> Any:
    return TargetEncoder(target_type="continuous")


def columns_of(y: np.ndarray) -> dict[str, np.ndarray]:
    """A target as columns of numbers ``(n_rows,)``, by a suffix for names.

    Floats ``(n_rows[, n_targets])`` as they are; classes as 0 and 1 for each of them, for the second of two.
    """
    if y.dtype.kind == "f":
        columns = y.reshape(len(y), -1).T
        return {f"~{number}" if len(columns) > 1 else "~": column for number, column in enumerate(columns)}
    classes = np.unique(y)
    apart = classes[1:] if len(classes) == 2 else classes
    return {f"~{code}": (y == code).astype(np.float64) for code in apart}
