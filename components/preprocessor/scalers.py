"""Scalers of numbers that scikit-learn does not have, for :class:`components.preprocessor.tables.Scaled`."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import QuantileTransformer, RobustScaler

__all__ = ["NoisyQuantile", "RobustClipped"]


class RobustClipped(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Numbers less their median over their interquartile range, smoothly kept within ±``clip``.

    Where more than half of a column is one value, that range is 0, and half the distance from its least to
    its largest value takes its place; a constant column is 0 throughout. (Holzmüller, Grinsztajn and
    Steinwart, arXiv:2407.04491, appendix on data preprocessing.)

    Parameters
    ----------
    clip
        The bound; ``x / sqrt(1 + (x / clip)**2)`` hardly changes what is small beside it.
    """

    def __init__(self, clip: float = 3.0) -> None:
        self.clip = clip

    def fit(self, X: np.ndarray, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn passes it
        """Learn medians and ranges of finite numbers ``(n_rows, n_columns)``."""
        scaler = RobustScaler().fit(X)
        quarter, three_quarters = np.quantile(X, [0.25, 0.75], axis=0)
        middle = three_quarters - quarter
        width = np.where(middle > 0, middle, np.ptp(X, axis=0) / 2)
        self.center_, self.width_ = scaler.center_, np.where(width > 0, width, np.inf)
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Numbers in (-clip, clip) ``(n_rows, n_columns)``."""
        scaled = (X - self.center_) / self.width_
        clipped: np.ndarray = scaled / np.hypot(1.0, scaled / self.clip)
        return clipped


class NoisyQuantile(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Numbers at the quantile of a normal distribution that they have among the training rows.

    As in the literature on networks for tables (Gorishniy et al., arXiv:2106.11959): one quantile per 30
    rows, at least 10 and at most 1000, read off training numbers with a little normal noise added, so that a
    value that many rows share has a place of its own width. A constant column is 0 throughout.

    NOTE[DIFF]: the noise is relative to a column's deviation; the authors add the same to all columns.

    Parameters
    ----------
    noise
        Deviation of the noise, in deviations of the column.
    random_state
        Of the noise.
    """

    def __init__(self, noise: float = 1e-5, random_state: int = 0) -> None:
        self.noise = noise
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn passes it
        """Learn the quantiles of finite numbers ``(n_rows, n_columns)``."""
        draws = np.random.default_rng(self.random_state).normal(size=X.shape)
        self.varies_ = np.ptp(X, axis=0) > 0
        self.quantiles_ = QuantileTransformer(
            n_quantiles=min(len(X), max(10, min(1000, len(X) // 30))),
            output_distribution="normal",
            subsample=None,
        ).fit(X + self.noise * X.std(axis=0) * draws)
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Numbers within about ±5.2 ``(n_rows, n_columns)``."""
        normal: np.ndarray = self.quantiles_.transform(X)
        return np.where(self.varies_, normal, 0.0)
