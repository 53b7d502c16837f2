"""Every kind of data in its own form: images, sequences, codes of characters."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import StandardScaler

from components.preprocessor.tables import CHUNK_NUMBERS, Ordinal

__all__ = ["Native"]

UNSEEN = 1
"""Code of a character that fit did not see; 0 is left to padding."""


class Native(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Images and sequences with each channel at mean 0 and deviation 1; texts as codes; tables as Ordinal.

    Means and deviations are taken over all pixels or steps of the rows of fit, and missing values become the
    mean. Characters have codes from 2 in the order of their code points, 1 stands for any other.

    Parameters
    ----------
    scale
        Standardise the channels; otherwise numbers stay what they are, gaps too.
    """

    def __init__(self, scale: bool = True) -> None:
        self.scale = scale

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn passes it
        """Learn means and deviations, the characters, or the categories."""
        if isinstance(X, pd.DataFrame):
            self.ordinal_ = Ordinal().fit(X)
        elif isinstance(X, np.ndarray):
            self._learn_channels(X)
        elif isinstance(X[0], str):
            self.characters_ = np.unique(_code_points("".join(X)))
        else:
            self._learn_channels(np.concatenate(X))
        return self

    def transform(self, X: Any) -> Any:
        """Images in their shape, lists of floats ``(time, channels)`` or codes ``(time,)``, or a table."""
        if isinstance(X, pd.DataFrame):
            return self.ordinal_.transform(X)
        if isinstance(X, np.ndarray):
            return self._scaled(X, (-1, 1, 1))
        if hasattr(self, "characters_"):
            return [self._codes(text) for text in X]
        return [self._scaled(row, (-1,)) for row in X]

    def _learn_channels(self, values: np.ndarray) -> None:
        """Means and deviations of images' or steps' channels, a part of the rows at a time."""
        self.scaler_ = StandardScaler()
        n_parts = min(len(values), 1 + values.size // CHUNK_NUMBERS)
        for part in np.array_split(values, n_parts) if self.scale else ():
            channels_last = np.moveaxis(part, 1, -1)
            with np.errstate(invalid="ignore"):  # a channel without any value has no mean
                self.scaler_.partial_fit(channels_last.reshape(-1, values.shape[1]))

    def _scaled(self, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        if not self.scale:
            return values.astype(np.float32)
        scaled: np.ndarray = values - self.scaler_.mean_.astype(np.float32).reshape(shape)
        scaled /= self.scaler_.scale_.astype(np.float32).reshape(shape)
        scaled[np.isnan(scaled)] = 0.0
        return scaled

    def _codes(self, text: str) -> np.ndarray:
        points = _code_points(text)
        places = np.searchsorted(self.characters_, points)
        known = self.characters_[np.minimum(places, len(self.characters_) - 1)] == points
        return np.where(known, places + UNSEEN + 1, UNSEEN)


def _code_points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.int64)
