"""What fitting a booster or an estimator costs, beside two learners that everybody has."""

from __future__ import annotations

import functools
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from benchmark.checks.check import Rule
from benchmark.checks.subject import Place, Subject, fitted
from benchmark.execute.fitting import assemble

__all__ = ["RULES", "costs"]

YARDSTICKS: Mapping[bool, tuple[type[Any], type[Any]]] = {
    True: (LogisticRegression, HistGradientBoostingClassifier),
    False: (Ridge, HistGradientBoostingRegressor),
}
"""Of scikit-learn, by whether there are classes."""


def costs(subject: Subject) -> str:
    """It says what fitting and predicting cost.

    In a budget of seconds, and on a bill, a learner that takes ten times as long has to be worth it.
    """
    place = subject.place
    fit, split = fitted(place, steps=1), place.split  # no network is in it
    fits = f"fits {len(split.train):,} rows of {place.task.name} in {fit.fit_seconds:.2g} s"
    return f"{fits}{_beside(place)}; predicts {len(split.test):,} in {fit.predict_seconds:.2g} s"


def _beside(place: Place) -> str:
    """What the others take on the same rows, where these are a table with one target."""
    rows, preprocessor = place.split.train, assemble.makers(place.pipeline)["preprocessor"]()
    y = place.data.y[rows]
    table = preprocessor.fit_transform(place.data.inputs(rows), y)
    if not isinstance(table, pd.DataFrame) or y.ndim > 1:
        return ""
    X = np.nan_to_num(table.to_numpy(np.float64))
    line, trees = YARDSTICKS[place.task.n_classes > 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # how well they fit is not asked
        took = [_seconds(functools.partial(learner().fit, X, y)) for learner in (line, trees)]
    return f" ({line.__name__} {took[0]:.2g} s, {trees.__name__} {took[1]:.2g} s)"


def _seconds(run: Callable[[], object]) -> float:
    """Of the second of two calls: what is done only once is no learner's doing."""
    run()
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


RULES = (Rule(costs, slow=True, severity="warning", look="fit"),)
