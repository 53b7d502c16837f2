"""Estimators and boosters by themselves, as the slots call them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.catalog import open_catalog
from benchmark.spec import TASK_TYPES

Make = Callable[[str, str], Callable[..., Any]]
OF_TABLES = [
    "adaboost",
    "bagging",
    "catboost",
    "extra_trees",
    "featureless",
    "flaml",
    "gaussian_process",
    "gradient_boosting",
    "hist_gradient_boosting",
    "knn",
    "lightgbm",
    "lightgbm_dart",
    "lightgbm_goss",
    "linear",
    "logitboost",
    "random_forest",
    "svm",
    "xgboost",
]
QUICK: dict[str, dict[str, Any]] = {
    **{name: {"n_estimators": 40} for name in open_catalog().names("booster")},
    "flaml": {"max_iter": 4, "learners": ["lgbm", "rf"]},
    "extra_trees": {"shared": {"n_estimators": 20, "min_samples_leaf": 10}},  # smaller leaves have no mean
}
"""Less of what takes long and is not looked at here."""


def needs(name: str) -> set[str]:
    """What a booster's or an estimator's file says it needs."""
    catalog = open_catalog()
    slot = "booster" if name in catalog.names("booster") else "estimator"
    return set(catalog.document(slot, name).get("needs", ()))


def of(*task_types: str, needing: str | None = None) -> pytest.MarkDecorator:
    """Runs a test for every learner that takes a type of tasks, and asks for a word where one is given."""
    pairs = []
    for name in OF_TABLES:
        words = needs(name)
        taken = {word.removeprefix("task:") for word in words if word.startswith("task:")} or set(TASK_TYPES)
        if needing is None or needing in words:
            pairs += [(name, task_type) for task_type in task_types if task_type in taken]
    return pytest.mark.parametrize(("name", "task_type"), pairs)


def test_every_learner_is_tested_here() -> None:
    known = {*open_catalog().names("estimator"), *open_catalog().names("booster")}
    assert known == {*OF_TABLES, "ngram", "seasonal_naive"}


def data(task_type: str, n_rows: int = 90, seed: int = 0) -> tuple[pd.DataFrame, Any]:
    random = np.random.default_rng(seed)
    X = pd.DataFrame({"x": random.normal(size=n_rows), "[odd] {name}": random.normal(size=n_rows)})
    X["code"] = random.integers(0, 4, n_rows)
    value = X["x"] + (X["code"] == 2)
    if task_type == "forecasting":
        return X, np.column_stack([value, X["x"], -value])
    if task_type == "regression":
        return X, value.to_numpy()
    return X, (value > 0).to_numpy(np.int64) + (value > 1.2).to_numpy(np.int64) * (task_type == "multiclass")


@pytest.fixture
def fitted(make: Make) -> Callable[..., Any]:
    def learn(name: str, task_type: str, X: pd.DataFrame, y: Any, seed: int = 5, **extra: Any) -> Any:
        words, made = needs(name), QUICK.get(name, {})
        if "validation" in words:
            extra["validation"] = data(task_type, seed=1)
        if name not in open_catalog().names("booster"):
            return make("estimator", name)(task_type=task_type, seed=seed, **made).fit(X, y, **extra)
        shape = "own_tree" if "tree_shape" in words else "tree_3"
        weak_learner = make("weak_learner", shape)(seed=seed)
        return make("booster", name)(weak_learner, task_type=task_type, seed=seed, **made).fit(X, y, **extra)

    return learn


@of("binary", "multiclass")
def test_probabilities_follow_the_classes(name: str, task_type: str, fitted: Callable[..., Any]) -> None:
    X, y = data(task_type)
    learner = fitted(name, task_type, X, y)
    probabilities = learner.predict_proba(X)
    assert list(learner.classes_) == sorted(set(y))
    assert probabilities.shape == (90, len(set(y)))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(learner.classes_[probabilities.argmax(axis=1)], learner.predict(X))


@of("binary", "multiclass", "regression", "forecasting")
def test_same_seed_same_bits_and_the_data_stay_as_they_are(
    name: str, task_type: str, fitted: Callable[..., Any]
) -> None:
    X, y = data(task_type)
    first, again = (fitted(name, task_type, X, y) for _ in range(2))
    for said in ("predict", "predict_proba") if hasattr(first, "classes_") else ("predict",):
        np.testing.assert_array_equal(getattr(first, said)(X), getattr(again, said)(X))
    X_before, y_before = data(task_type)
    pd.testing.assert_frame_equal(X, X_before)
    np.testing.assert_array_equal(y, y_before)


@of("multiclass")
@pytest.mark.parametrize("kept", [{0, 2}, {1}], ids=["two of three", "one of three"])
def test_classes_that_training_lacks(
    name: str, task_type: str, kept: set[int], fitted: Callable[..., Any]
) -> None:
    X, y = data(task_type)
    rows = np.isin(y, list(kept))
    if name == "linear" and len(kept) == 1:
        with pytest.raises(ValueError, match="at least 2 classes"):
            fitted(name, "multiclass", X[rows], y[rows])
        return
    learner = fitted(name, "multiclass", X[rows], y[rows])
    assert list(learner.classes_) == sorted(kept)
    assert learner.predict_proba(X).shape == (90, len(kept))


@of("binary", "regression", "forecasting")
def test_a_dozen_rows_are_enough(name: str, task_type: str, fitted: Callable[..., Any]) -> None:
    X, y = data(task_type, n_rows=12)
    assert np.isfinite(fitted(name, task_type, X, y).predict(X)).all()


@of("forecasting")
def test_every_step_of_a_forecast_has_a_prediction_of_its_own(
    name: str, task_type: str, fitted: Callable[..., Any]
) -> None:
    X, y = data(task_type)
    prediction = fitted(name, task_type, X, y).predict(X)
    assert prediction.shape == y.shape
    error, floor = (np.abs(said - y).mean(axis=0) for said in (prediction, y.mean(axis=0)))
    assert (error < 0.8 * floor).all() if name != "featureless" else np.allclose(error, floor)


@pytest.mark.parametrize("task_type", ["binary", "regression", "forecasting"])
@pytest.mark.parametrize("name", ["featureless", "linear"])
def test_a_weight_is_a_number_of_equal_rows(name: str, task_type: str, fitted: Callable[..., Any]) -> None:
    X, y = data(task_type)
    times = np.random.default_rng(3).integers(1, 4, len(X))
    weighted = fitted(name, task_type, X, y, sample_weight=times.astype(float))
    repeated = fitted(name, task_type, X.loc[X.index.repeat(times)], np.repeat(y, times, axis=0))
    plain = fitted(name, task_type, X, y)
    said = [
        learner.predict_proba(X) if task_type == "binary" else learner.predict(X)
        for learner in (weighted, repeated, plain)
    ]
    np.testing.assert_allclose(said[0], said[1], atol=1e-3)
    assert not np.allclose(said[0], said[2], atol=2e-3)


@of("regression", needing="weights")
def test_heavy_rows_are_fitted_better(name: str, task_type: str, fitted: Callable[..., Any]) -> None:
    X, y = data(task_type, n_rows=200)
    noisy = y + np.where(np.arange(200) < 100, 5.0, -5.0)
    weights = np.where(np.arange(200) < 100, 10.0, 0.1)
    prediction = fitted(name, task_type, X, noisy, sample_weight=weights).predict(X)
    assert np.abs(prediction - noisy)[:100].mean() < np.abs(prediction - noisy)[100:].mean() / 2


@of("binary", needing="weights")
def test_the_class_of_heavy_rows_is_the_probable_one(
    name: str, task_type: str, fitted: Callable[..., Any]
) -> None:
    """Both classes alike everywhere: what is left to go by is the weights."""
    X, _ = data(task_type, n_rows=200)
    y = np.arange(200) % 2
    learner = fitted(name, task_type, X, y, sample_weight=np.where(y == 1, 10.0, 0.1))
    assert learner.predict_proba(X)[:, 1].mean() > 0.55


@of("binary", "regression", needing="input:missing")
def test_missing_numbers_are_taken_by_those_that_say_so(
    name: str, task_type: str, fitted: Callable[..., Any]
) -> None:
    X, y = data(task_type, n_rows=300)
    X.loc[X.index % 3 == 0, "x"] = np.nan
    prediction = fitted(name, task_type, X, y).predict(X)
    assert np.isfinite(prediction).all()
    off, floor = (np.mean((said - y) ** 2) for said in (prediction, np.median(y)))
    assert off < 0.8 * floor or name == "featureless"
