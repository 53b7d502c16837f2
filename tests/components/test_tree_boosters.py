"""Boosters with trees of their own: that they grow the trees asked for, and no more of them than help."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

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


def test_catboost_leaves_no_files(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    X, y = table()
    tree = make("weak_learner", "own_tree")(seed=1)
    make("booster", "catboost")(tree, task_type="regression", seed=1).fit(X, y, validation=(X, y))
    assert not list(tmp_path.iterdir())
