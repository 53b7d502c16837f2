"""Boosters with trees of their own: that they grow the trees asked for, and no more of them than help."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from benchmark.catalog import open_catalog

Make = Callable[[str, str], Callable[..., Any]]
CATALOG = open_catalog()
TREE_SHAPED = [
    name for name in CATALOG.names("booster") if "tree_shape" in CATALOG.document("booster", name)["needs"]
]


def table(n_rows: int = 150, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """A line with a bend, far from zero."""
    random = np.random.default_rng(seed)
    X = pd.DataFrame(random.normal(size=(n_rows, 3)), columns=["a", "b", "c"])
    value = X["a"] + 0.5 * X["b"].clip(0) + 0.1 * random.normal(size=n_rows)
    return X, (100 + 10 * value).to_numpy()


@pytest.mark.parametrize("name", TREE_SHAPED)
def test_trees_have_the_shape_of_the_weak_learner(name: str, make: Make) -> None:
    """One round predicts one number per leaf."""
    X, y = table(400)
    for num_leaves, max_depth, most in ((2, -1, 2), (16, -1, 16), (16, 2, 4)):
        tree = make("weak_learner", "own_tree")(
            seed=1, num_leaves=num_leaves, max_depth=max_depth, min_samples_leaf=2
        )
        learner = make("booster", name)(tree, task_type="regression", seed=1, n_estimators=1)
        said = learner.fit(X, y, validation=(X, y)).predict(X)
        assert most / 4 < len(np.unique(said.round(6))) <= most


@pytest.mark.parametrize("name", TREE_SHAPED)
def test_boosting_ends_at_the_best_round_of_the_validation_rows(name: str, make: Make) -> None:
    """On noise the first rounds are the best; boosting on would fit the noise."""
    X, y = table()
    noise = np.random.default_rng(0).permutation(y)
    X_validation, y_validation = table(60, seed=1)
    off = []
    for validation in ((X_validation, y_validation), (X_validation[:0], y_validation[:0])):
        learner = make("booster", name)(
            make("weak_learner", "own_tree")(seed=1, min_samples_leaf=2),
            task_type="regression",
            seed=1,
            n_estimators=150,
        )
        learner.fit(X, noise, validation=validation)
        off.append(np.mean((learner.predict(X) - noise) ** 2))
    assert off[0] > 2 * off[1]


@pytest.mark.parametrize("name", TREE_SHAPED)
def test_integer_columns_are_categories(name: str, make: Make) -> None:
    """Odd codes against even ones: one split on a category, impossible in one split on a number."""
    X = pd.DataFrame({"code": np.random.default_rng(0).integers(0, 6, 3000)})
    y = (X["code"] % 2).to_numpy(float)
    tree = make("weak_learner", "own_tree")(seed=1, num_leaves=2, min_samples_leaf=5)
    errors = []
    for values in (X, X.astype(float)):
        booster = make("booster", name)(
            tree, task_type="regression", seed=1, n_estimators=3, learning_rate=1.0
        )
        errors.append(np.abs(booster.fit(values, y, validation=(values, y)).predict(values) - y).mean())
    assert errors[0] < 0.1 < errors[1]


def test_dart_goes_back_to_the_round_that_was_best(make: Make) -> None:
    """Boosting anew to fewer rounds is the same as having stopped there."""
    X, y = table()
    validation = table(60, seed=1)
    tree = make("weak_learner", "tree_3")(seed=1)
    make_dart = make("booster", "lightgbm_dart")

    def off(n_estimators: int) -> tuple[float, int]:
        learner = make_dart(
            tree, task_type="regression", seed=1, n_estimators=n_estimators, learning_rate=0.3
        )
        learner.fit(X, y, validation=validation)
        said = learner.predict(validation[0])
        return float(np.mean((said - validation[1]) ** 2)), learner.boosters_[0].num_trees()

    best, kept = off(40)
    assert kept < 40
    assert off(kept) == (best, kept)
    assert min(off(fewer)[0] for fewer in range(1, kept)) > best


@pytest.mark.parametrize("seed", range(3))
def test_dart_is_no_worse_off_on_a_rare_class(seed: int, make: Make) -> None:
    """Two rows in a hundred: what all rounds begin with is not dropped with the first tree."""
    X, value = table(1500, seed=seed)
    y = (value > np.quantile(value, 0.98)).astype(int)
    tree = make("weak_learner", "own_tree")(seed=1)
    losses = {}
    for name in ("lightgbm", "lightgbm_dart"):
        learner = make("booster", name)(tree, task_type="binary", seed=1, n_estimators=100)
        learner.fit(X[:500], y[:500], validation=(X[500:1000], y[500:1000]))
        losses[name] = log_loss(y[1000:], learner.predict_proba(X[1000:]))
    assert losses["lightgbm_dart"] < losses["lightgbm"] + 0.02


def test_dart_ends_before_a_round_that_grows_no_tree(make: Make) -> None:
    """What comes after such a round may count without the trees that it has dropped."""
    random = np.random.default_rng(0)
    X = pd.DataFrame({"a": (random.normal(size=60) > 0).astype(float)})
    y = 10 * X["a"].to_numpy() + random.normal(size=60)
    tree = make("weak_learner", "own_tree")(seed=1, min_samples_leaf=5)
    variant = {"boosting": "dart", "drop_rate": 0.1, "boost_from_average": False, "min_gain_to_split": 100.0}
    booster = make("booster", "lightgbm_dart")
    learner = booster(tree, task_type="regression", seed=1, n_estimators=200, variant=variant)
    off = []
    for validation in ((X, y), (X[:0], y[:0])):
        learner.fit(X, y, validation=validation)
        assert 10 < learner.boosters_[0].num_trees() < 30
        off.append(np.mean((learner.predict(X) - y) ** 2))
    assert off[0] <= off[1] < 2.6


def test_catboost_leaves_no_files(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    X, y = table()
    tree = make("weak_learner", "own_tree")(seed=1)
    make("booster", "catboost")(tree, task_type="regression", seed=1).fit(X, y, validation=(X, y))
    assert not list(tmp_path.iterdir())


def test_catboost_takes_steps_that_never_vary(make: Make) -> None:
    X, y = table()
    tree = make("weak_learner", "own_tree")(seed=1)
    for steps, constant in ((np.column_stack([y, 0 * y + 7, -y]), [1]), (y[:, None] * 0 + 7, [0])):
        learner = make("booster", "catboost")(tree, task_type="forecasting", seed=1)
        said = learner.fit(X, steps, validation=(X, steps)).predict(X)
        assert said.shape == steps.shape
        np.testing.assert_allclose(said[:, constant], 7)
        assert (((said - steps) ** 2).mean(axis=0) <= 0.2 * steps.var(axis=0)).all()


@pytest.mark.parametrize("column", [np.zeros(90), np.zeros(90, int), np.full(90, np.nan)])
def test_catboost_says_the_mean_or_frequencies_where_no_column_varies(column: np.ndarray, make: Make) -> None:
    tree, X = make("weak_learner", "own_tree")(seed=1), pd.DataFrame({"a": column})
    y, weight = np.arange(90) % 3 + 1, np.arange(90.0)
    for task_type in ("multiclass", "regression"):
        learner = make("booster", "catboost")(tree, task_type=task_type, seed=1)
        learner.fit(X, y, validation=(X, y), sample_weight=weight, validation_weight=weight)
        if task_type == "regression":
            np.testing.assert_allclose(learner.predict(X), np.average(y, weights=weight))
        else:
            np.testing.assert_allclose(learner.predict_proba(X)[0], np.bincount(y - 1, weight) / weight.sum())


@pytest.mark.parametrize(("weak", "depth"), [("own_tree", 5), ("tree_3", 3), ("tree_6", 6), ("stump", 1)])
def test_catboost_grows_deep_enough_for_the_leaves_asked_for(weak: str, depth: int, make: Make) -> None:
    X, y = table()
    tree = make("weak_learner", weak)(seed=1)
    learner = make("booster", "catboost")(tree, task_type="regression", seed=1, n_estimators=2)
    assert learner.fit(X, y, validation=(X, y)).learner_.get_all_params()["depth"] == depth


BINNING = [
    name for name in CATALOG.names("booster") if "binned" in CATALOG.document("booster", name)["needs"]
]


@pytest.mark.parametrize("task_type", ["binary", "multiclass", "regression", "forecasting"])
@pytest.mark.parametrize("name", BINNING)
def test_trials_share_bins_and_predict_the_same_bits(name: str, task_type: str, make: Make) -> None:
    """Settings that binning does not look at share it; others have one of their own. Some rows are new."""
    (X, y), (X_validation, y_validation) = table(300), table(80, seed=1)
    for rows, values in ((X, y), (X_validation, y_validation)):
        rows["code"], rows["constant"] = (values.astype(np.int64) % 5), 1.0
        rows.loc[rows.index[::7], "b"] = np.nan
    targets: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "binary": lambda values: (values > 100).astype(np.int64),
        "multiclass": lambda values: np.digitize(values, [95, 105]),
        "regression": lambda values: values,
        "forecasting": lambda values: np.column_stack([values, -values]),
    }
    y, validation = targets[task_type](y), (X_validation, targets[task_type](y_validation))
    weights = {"sample_weight": np.linspace(0.5, 1.5, 300), "validation_weight": np.linspace(1.5, 0.5, 80)}
    bins: dict[Any, Any] = {}
    for rate, leaves, leaf_rows, share in (
        (0.1, 8, 9, 1.0),
        (0.3, 4, 9, 0.5),
        (0.2, 8, 2, 1.0),
        (0.1, 8, 9, 0.7),
    ):
        tree = make("weak_learner", "own_tree")(
            seed=1, num_leaves=leaves, min_samples_leaf=leaf_rows, feature_fraction=share
        )
        said = []
        for shared in (False, True):
            learner = make("booster", name)(
                tree, task_type=task_type, seed=1, n_estimators=12, learning_rate=rate
            )
            extra = {"validation": validation, **weights}
            if shared:
                at = repr(learner.binning())
                bins[at] = extra["binned"] = bins.get(at) or learner.bin(X, y, **extra)
            learner.fit(X, y, **extra)
            said.append(learner.predict_proba(X) if hasattr(learner, "classes_") else learner.predict(X))
        assert np.array_equal(*said)
    assert len(bins) <= 2
