"""Estimators and boosters by themselves, as the slots call them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.catalog import open_catalog

Make = Callable[[str, str], Callable[..., Any]]
OF_TABLES = ["featureless", "linear", "random_forest", "lightgbm"]
every_learner = pytest.mark.parametrize("name", OF_TABLES)


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
        if name in open_catalog().names("booster"):
            tree = make("weak_learner", "own_tree")(seed=seed)
            booster = make("booster", name)(tree, task_type=task_type, seed=seed)
            return booster.fit(X, y, validation=data(task_type, seed=1), **extra)
        return make("estimator", name)(task_type=task_type, seed=seed).fit(X, y, **extra)

    return learn


@every_learner
@pytest.mark.parametrize("task_type", ["binary", "multiclass"])
def test_probabilities_follow_the_classes(name: str, task_type: str, fitted: Callable[..., Any]) -> None:
    X, y = data(task_type)
    learner = fitted(name, task_type, X, y)
    probabilities = learner.predict_proba(X)
    assert list(learner.classes_) == sorted(set(y))
    assert probabilities.shape == (90, len(set(y)))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(learner.classes_[probabilities.argmax(axis=1)], learner.predict(X))


@every_learner
@pytest.mark.parametrize("task_type", ["binary", "multiclass", "regression", "forecasting"])
def test_same_seed_same_bits(name: str, task_type: str, fitted: Callable[..., Any]) -> None:
    X, y = data(task_type)
    first, again = (fitted(name, task_type, X, y).predict(X) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@every_learner
@pytest.mark.parametrize("kept", [{0, 2}, {1}], ids=["two of three", "one of three"])
def test_classes_that_training_lacks(name: str, kept: set[int], fitted: Callable[..., Any]) -> None:
    X, y = data("multiclass")
    rows = np.isin(y, list(kept))
    if name == "linear" and len(kept) == 1:
        with pytest.raises(ValueError, match="at least 2 classes"):
            fitted(name, "multiclass", X[rows], y[rows])
        return
    learner = fitted(name, "multiclass", X[rows], y[rows])
    assert list(learner.classes_) == sorted(kept)
    assert learner.predict_proba(X).shape == (90, len(kept))


@every_learner
def test_a_dozen_rows_are_enough(name: str, fitted: Callable[..., Any]) -> None:
    for task_type in ("binary", "regression", "forecasting"):
        X, y = data(task_type, n_rows=12)
        assert np.isfinite(fitted(name, task_type, X, y).predict(X)).all()


@every_learner
def test_every_step_of_a_forecast_has_a_prediction_of_its_own(name: str, fitted: Callable[..., Any]) -> None:
    X, y = data("forecasting")
    prediction = fitted(name, "forecasting", X, y).predict(X)
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


@every_learner
def test_heavy_rows_are_fitted_better(name: str, fitted: Callable[..., Any]) -> None:
    X, y = data("regression", n_rows=200)
    noisy = y + np.where(np.arange(200) < 100, 5.0, -5.0)
    weights = np.where(np.arange(200) < 100, 10.0, 0.1)
    prediction = fitted(name, "regression", X, noisy, sample_weight=weights).predict(X)
    assert np.abs(prediction - noisy)[:100].mean() < np.abs(prediction - noisy)[100:].mean() / 2


def test_lightgbm_grows_the_trees_of_the_weak_learner(make: Make) -> None:
    X, y = data("regression", n_rows=400)
    leaves = []
    for num_leaves in (2, 16):
        tree = make("weak_learner", "own_tree")(seed=1, num_leaves=num_leaves, min_samples_leaf=2)
        booster = make("booster", "lightgbm")(tree, task_type="regression", seed=1)
        booster.fit(X, y, validation=data("regression", seed=1))
        leaves.append(booster.boosters_[0].dump_model()["tree_info"][0]["num_leaves"])
    assert leaves == [2, 16]


def test_lightgbm_stops_where_the_validation_loss_does(make: Make) -> None:
    X, y = data("regression", n_rows=200)
    noise = np.random.default_rng(0).permutation(y)
    tree = make("weak_learner", "own_tree")(seed=1)
    booster = make("booster", "lightgbm")(tree, task_type="regression", seed=1, n_estimators=200)
    booster.fit(X, noise, validation=data("regression", seed=1))
    assert booster.boosters_[0].best_iteration < 100


def test_lightgbm_takes_integer_columns_as_categories(make: Make) -> None:
    """Odd codes against even ones: one split on a category, impossible in one split on a number."""
    random = np.random.default_rng(0)
    X = pd.DataFrame({"code": random.integers(0, 6, 3000)})
    y = (X["code"] % 2).to_numpy(float)
    tree = make("weak_learner", "own_tree")(seed=1, num_leaves=2, min_samples_leaf=5)
    errors = []
    for table in (X, X.astype(float)):
        booster = make("booster", "lightgbm")(
            tree, task_type="regression", seed=1, n_estimators=1, learning_rate=1.0
        )
        errors.append(np.abs(booster.fit(table, y, validation=(table, y)).predict(table) - y).mean())
    assert errors[0] < 0.1 < errors[1]
