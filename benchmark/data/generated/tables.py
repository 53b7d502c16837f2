"""Tables: the regressions of Friedman, and two classes of Hastie, Tibshirani and Friedman."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmark.data.raw import Raw

__all__ = ["DIGITS", "friedman1", "friedman2", "friedman3", "hastie_10_2"]

Array = npt.NDArray[Any]

DIGITS = 6
INSIDE = 9.34
"""The median of a chi-squared variable of ten degrees of freedom, as the book rounds it."""


def friedman1(n_rows: int = 1000, n_features: int = 10, noise: float = 1.0, seed: int = 0) -> Raw:
    """Regression, y = 10 sin(pi x1 x2) + 20 (x3 - 1/2)^2 + 10 x4 + 5 x5 + noise; the other features are idle.

    Friedman (1991), Annals of Statistics 19; features are uniform on [0, 1).
    """
    return _friedman(1, n_rows, n_features=n_features, noise=noise, random_state=seed)


def friedman2(n_rows: int = 1000, noise: float = 125.0, seed: int = 0) -> Raw:
    """Regression, y = sqrt(x1^2 + (x2 x3 - 1 / (x2 x4))^2) + noise, the impedance of a circuit.

    Friedman (1991), Annals of Statistics 19; noise of 125 is a third of the signal's deviation.
    """
    return _friedman(2, n_rows, noise=noise, random_state=seed)


def friedman3(n_rows: int = 1000, noise: float = 0.1, seed: int = 0) -> Raw:
    """Regression, y = arctan((x2 x3 - 1 / (x2 x4)) / x1) + noise, the phase angle of a circuit.

    Friedman (1991), Annals of Statistics 19; noise of 0.1 is a third of the signal's deviation.
    """
    return _friedman(3, n_rows, noise=noise, random_state=seed)


def hastie_10_2(n_rows: int = 12000, seed: int = 0) -> Raw:
    """Two classes, 1 where the squares of ten standard normal features add up to more than 9.34, else -1.

    Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning, equation 10.2.
    """
    # Rounded before they are classed, so that the rule holds for the features as they are handed on.
    X = np.random.RandomState(seed).standard_normal((n_rows, 10)).round(DIGITS)
    return _table(X, np.where((X**2).sum(axis=1) > INSIDE, 1, -1))


def _friedman(number: int, n_rows: int, **options: Any) -> Raw:
    # Imported here, since it takes more than a second.
    make = getattr(importlib.import_module("sklearn.datasets"), f"make_friedman{number}")
    X, y = make(n_rows, **options)
    return _table(X, y.round(DIGITS))


def _table(X: Array, y: Array) -> Raw:
    """A table with the features ``x1``, ``x2`` … and the target ``y``."""
    frame = pd.DataFrame(X, columns=[f"x{number}" for number in range(1, X.shape[1] + 1)])
    return Raw(frame.assign(y=y), "y", declared=True)
