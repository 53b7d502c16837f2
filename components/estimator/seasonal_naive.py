"""What was a season ago comes again."""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator

__all__ = ["SeasonalNaive"]


class SeasonalNaive(BaseEstimator):  # type: ignore[misc]
    """The values of the last season, repeated (Hyndman and Athanasopoulos, Forecasting, section 5.2).

    The season is not told but learned: of all lags that every training row reaches back, the one whose
    forecasts have the least mean absolute error on the training rows, the shortest of equals. Lag 1 is the
    naive forecast, the last value for every step.

    Parameters
    ----------
    task_type
        ``forecasting``.
    seed
        Not used: nothing here is random.
    """

    def __init__(self, task_type: str, seed: int) -> None:
        self.task_type = task_type
        self.seed = seed

    def fit(self, X: list[np.ndarray], y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """Choose the lag for ``y (n_rows, horizon)``, in the unit of ``X``.

        Rows of ``X`` are ``(time, channels)``, the series to be forecast in the first channel.
        """
        self.horizon_ = y.shape[1]
        series = np.stack([row[-min(map(len, X)) :, 0] for row in X])
        errors = [
            np.average(np.abs(_repeated(series, lag, self.horizon_) - y).mean(axis=1), weights=sample_weight)
            for lag in range(1, series.shape[1] + 1)
        ]
        self.lag_ = 1 + int(np.argmin(errors))
        return self

    def predict(self, X: list[np.ndarray]) -> np.ndarray:
        """Values ``(n_rows, horizon)``."""
        return _repeated(np.stack([row[-self.lag_ :, 0] for row in X]), self.lag_, self.horizon_)


def _repeated(series: np.ndarray, lag: int, horizon: int) -> np.ndarray:
    """The last ``lag`` values of series ``(n_rows, time)``, repeated to ``(n_rows, horizon)``."""
    season = series[:, series.shape[1] - lag :]
    return season[:, np.arange(horizon) % lag]
