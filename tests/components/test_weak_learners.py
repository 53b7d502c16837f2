"""Weak learners by themselves, as boosters use them: copied, seeded and fitted many times over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from benchmark.catalog import open_catalog
from components.booster.rounds import fit_member

Make = Callable[[str, str], Callable[..., Any]]
CATALOG = open_catalog()
GIVING = {name: CATALOG.document("weak_learner", name)["gives"] for name in CATALOG.names("weak_learner")}
REGRESSORS = [name for name, words in GIVING.items() if "regressor" in words]
every_regressor = pytest.mark.parametrize("name", REGRESSORS)


def rows(n_rows: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    X = random.normal(size=(n_rows, 3))
    return X, X[:, 0] + 0.5 * np.abs(X[:, 1]) + 0.1 * random.normal(size=n_rows)


@every_regressor
def test_learns_a_little_and_keeps_its_rows(name: str, make: Make) -> None:
    X, y = rows()
    X_before, y_before = X.copy(), y.copy()
    member = make("weak_learner", name)(seed=1).fit(X, y)
    X_new, y_new = rows(seed=1)
    assert np.mean((member.predict(X_new) - y_new) ** 2) < 0.7 * y_new.var()
    np.testing.assert_array_equal(X, X_before)
    np.testing.assert_array_equal(y, y_before)


@every_regressor
def test_a_copy_that_is_fitted_is_the_same_again(name: str, make: Make) -> None:
    X, y = rows()
    first = make("weak_learner", name)(seed=1).fit(X, y)
    again = clone(first)
    assert not hasattr(again, "n_features_in_")
    np.testing.assert_array_equal(again.fit(X, y).predict(X), first.predict(X))


@every_regressor
def test_several_columns_are_predicted_at_once(name: str, make: Make) -> None:
    X, y = rows()
    both = make("weak_learner", name)(seed=1).fit(X, np.column_stack([y, -y])).predict(X)
    assert (np.mean((both - np.column_stack([y, -y])) ** 2, axis=0) < 0.7 * y.var()).all()


@every_regressor
def test_a_shift_of_the_target_shifts_the_prediction(name: str, make: Make) -> None:
    """An intercept, and nothing that is made for targets around zero."""
    X, y = rows()
    plain, far = (make("weak_learner", name)(seed=1).fit(X, values).predict(X) for values in (y, y + 1000))
    np.testing.assert_allclose(far, plain + 1000, atol=1e-3)


@every_regressor
def test_rows_without_weight_are_as_if_they_were_not_there(name: str, make: Make) -> None:
    X, y = rows()
    heavy = np.arange(200) < 120
    member = fit_member(
        make("weak_learner", name)(seed=1), X, np.where(heavy, y, 50.0), np.random.default_rng(0), heavy * 1.0
    )
    assert np.mean((member.predict(X[heavy]) - y[heavy]) ** 2) < y.var()


@pytest.mark.parametrize("name", [name for name in REGRESSORS if "tree_shape" in GIVING[name]])
def test_trees_tell_the_shape_that_they_grow_to(name: str, make: Make) -> None:
    X, y = rows(2000)
    tree = make("weak_learner", name)(seed=1, min_samples_leaf=7).fit(X, y)
    assert tree.get_depth() == tree.max_depth
    assert tree.get_n_leaves() <= tree.num_leaves == 2**tree.max_depth
    assert min(np.unique(tree.apply(X), return_counts=True)[1]) >= tree.min_samples_leaf == 7
    assert tree.feature_fraction == 1.0


def test_trees_take_missing_numbers(make: Make) -> None:
    X, y = rows()
    X[y > 0, 2] = np.nan
    member = make("weak_learner", "stump")(seed=1).fit(X, y > 0)
    np.testing.assert_array_equal(member.predict(X), y > 0)


def test_the_seed_is_what_a_network_starts_from(make: Make) -> None:
    X, y = rows()
    small = make("weak_learner", "small_mlp")(seed=1)
    first, again, other = (clone(small).set_params(seed=seed).fit(X, y).predict(X) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_neighbours_are_all_rows_where_there_are_fewer(make: Make) -> None:
    X, y = rows(6)
    member = make("weak_learner", "knn")(seed=1, n_neighbors=10).fit(X, y)
    np.testing.assert_allclose(member.predict(X), y.mean())
    assert member.get_params()["n_neighbors"] == 10
