"""What tuning buys: the test error of the best of k trials, chosen by validation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

__all__ = ["expected_best", "first_best"]


def expected_best(
    validation_error: Sequence[float] | np.ndarray,
    error: Sequence[float] | np.ndarray,
    *,
    failed_error: float | None = None,
) -> np.ndarray:
    """Expected test error of the best of k trials by validation, for k = 1, …, n; shape ``(n,)``.

    For trials that were drawn without a look at one another. The k trials are a random subset of the n
    that were run, so every subset counts once: with the trials ordered from the worst validation error to
    the best, the i-th is the best of a subset with probability C(i-1, k-1) / C(n, k). Trials of equal
    validation error share their mean test error, so the order of the rows never matters.

    Parameters
    ----------
    validation_error : array of shape (n,)
        What selection reads. NaN marks a failed trial: it is chosen only where all k failed.
    error : array of shape (n,)
        Test error of each trial; ignored for failed trials.
    failed_error : float, optional
        Error that stands for choosing a failed trial, say the featureless predictor's.

    Raises
    ------
    ValueError
        When the arrays do not match, when nothing was tried, when a trial failed and ``failed_error``
        is not given, or when a trial has a validation error but no test error.
    """
    ranks, test = _ranked(validation_error, error, failed_error)
    levels, level = np.unique(-ranks, return_inverse=True)  # from the worst to the best
    counts = np.bincount(level, minlength=len(levels))
    means = np.bincount(level, weights=test, minlength=len(levels)) / counts
    return _weights(len(test)) @ np.repeat(means, counts)


def first_best(
    validation_error: Sequence[float] | np.ndarray,
    error: Sequence[float] | np.ndarray,
    *,
    failed_error: float | None = None,
) -> np.ndarray:
    """Test error of the best by validation of the first k trials, for k = 1, …, n; shape ``(n,)``.

    For a sampler that learns from the trials before: its later trials are no sample of what its first
    ones could have been. Of equal validation errors the earlier trial is chosen, as tuning does.

    Parameters
    ----------
    validation_error, error, failed_error
        As for :func:`expected_best`, in the order in which the trials were run.

    Raises
    ------
    ValueError
        As :func:`expected_best`.
    """
    ranks, test = _ranked(validation_error, error, failed_error)
    return test[[int(np.argmin(ranks[:k])) for k in range(1, len(test) + 1)]]


def _ranked(
    validation_error: Sequence[float] | np.ndarray,
    error: Sequence[float] | np.ndarray,
    failed_error: float | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Validation errors, infinite for a failed trial, and test errors; each ``(n,)``."""
    validation = np.asarray(validation_error, dtype=float)
    test = np.array(error, dtype=float)
    if validation.ndim != 1 or validation.shape != test.shape or not len(test):
        raise ValueError(f"one test error per validation error, got {validation.shape=} {test.shape=}")
    failed = np.isnan(validation)
    if failed.any():
        if failed_error is None:
            raise ValueError(f"{failed.sum()} of {len(test)} trials failed and no failed_error was given")
        test[failed] = failed_error
    if np.isnan(test).any():
        raise ValueError(f"{np.isnan(test).sum()} of {len(test)} trials have no test error")
    return np.where(failed, np.inf, validation), test


@lru_cache(maxsize=64)
def _weights(n: int) -> np.ndarray:
    """C(i-1, k-1) / C(n, k), row k-1 and column i-1; shape ``(n, n)``, each row summing to 1."""
    chances = [[math.comb(i - 1, k - 1) / math.comb(n, k) for i in range(1, n + 1)] for k in range(1, n + 1)]
    weights = np.array(chances)
    weights.flags.writeable = False
    return weights
