"""Boosters over weak learners: the grid of both, and every algorithm against an account of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.ensemble import AdaBoostClassifier, GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier

from benchmark.catalog import open_catalog
from benchmark.plan.compatibility import incompatibility
from benchmark.spec import Component, Pipeline, Task
from components.booster.adaboost import _median, _middle, _sorted
from components.booster.rounds import fit_member, joint, rounds_kept

Make = Callable[[str, str], Callable[..., Any]]
CATALOG = open_catalog()
TREE_SHAPED = [
    name for name in CATALOG.names("booster") if "tree_shape" in CATALOG.document("booster", name)["needs"]
]
OVER_REGRESSORS = [name for name in CATALOG.names("booster") if name not in TREE_SHAPED]


def word(booster: str) -> str:
    """What a booster wants of its weak learner."""
    return "tree_shape" if booster in TREE_SHAPED else "regressor"


GRID = [
    (booster, weak)
    for booster in CATALOG.names("booster")
    for weak in CATALOG.names("weak_learner")
    if word(booster) in CATALOG.document("weak_learner", weak)["gives"]
]


def table(task_type: str, n_rows: int = 150, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """A line with a bend, so that linear weak learners have something to find too."""
    random = np.random.default_rng(seed)
    X = pd.DataFrame(random.normal(size=(n_rows, 3)), columns=["a", "b", "c"])
    value = (X["a"] + 0.5 * X["b"].clip(0) + 0.1 * random.normal(size=n_rows)).to_numpy()
    if task_type == "regression":
        return X, 100 + 10 * value
    return X, np.digitize(value, [0] if task_type == "binary" else [-0.5, 0.7])


def a_task(task_type: str, missing: bool = False) -> Task:
    return Task("t", "t", "tabular", task_type, "", 90, 4, 0, "", missing=missing)


def boosted(
    make: Make, booster: str, weak: str, task_type: str, *, of: dict[str, Any] | None = None, **options: Any
) -> Any:
    """A booster fitted to :func:`table`, with rows of another seed to validate."""
    weak_learner = make("weak_learner", weak)(seed=3, **(of or {}))
    learner = make("booster", booster)(weak_learner, task_type=task_type, seed=3, **options)
    X, y = table(task_type)
    if "validation" in CATALOG.document("booster", booster)["needs"]:
        return learner.fit(X, y, validation=table(task_type, 60, seed=1))
    return learner.fit(X, y)


def error(learner: Any, task_type: str) -> tuple[float, float]:
    """Log loss or squared error on fresh rows, of a learner and of what is known without looking."""
    X, y = table(task_type, 300, seed=2)
    if task_type == "regression":
        return float(np.mean((learner.predict(X) - y) ** 2)), float(np.var(y))
    frequencies = np.bincount(table(task_type)[1]) / 150
    likelihoods = np.clip(learner.predict_proba(X), 1e-9, 1)[np.arange(300), y]
    return float(-np.log(likelihoods).mean()), float(-np.log(frequencies[y]).mean())


@pytest.mark.parametrize(("booster", "weak"), GRID, ids=lambda name: name)
def test_every_pair_learns_what_a_featureless_predictor_cannot(booster: str, weak: str, make: Make) -> None:
    words = CATALOG.document("booster", booster)["needs"]
    rounds = 12 if weak == "kernel_ridge" else 40
    for task_type in ("binary", "multiclass", "regression"):
        if any(need.startswith("task:") for need in words) and f"task:{task_type}" not in words:
            continue
        learner = boosted(make, booster, weak, task_type, n_estimators=rounds)
        off, floor = error(learner, task_type)
        assert off < 0.9 * floor, task_type


def test_the_plan_says_which_pairs_are_none(component: Callable[[str, str], Component]) -> None:
    task = a_task("regression")
    for booster in CATALOG.names("booster"):
        for weak in CATALOG.names("weak_learner"):
            slots = {"preprocessor": "onehot", "booster": booster, "weak_learner": weak}
            parts = {slot: component(slot, name) for slot, name in slots.items()}
            reason = incompatibility(Pipeline("p", "boosting", parts), task, "cpu")
            if booster != "logitboost":
                assert (reason is None) == ((booster, weak) in GRID), f"{booster} over {weak}: {reason}"
            else:
                assert reason == "logitboost is not for regression tasks"


@pytest.mark.parametrize("preprocessor", ["ordinal", "onehot"])
@pytest.mark.parametrize(("booster", "weak"), GRID, ids=lambda name: name)
def test_missing_numbers_and_categories_run_or_are_refused(
    booster: str, weak: str, preprocessor: str, make: Make, component: Callable[[str, str], Component]
) -> None:
    slots = {"preprocessor": preprocessor, "booster": booster, "weak_learner": weak}
    parts = {slot: component(slot, name) for slot, name in slots.items()}
    task = a_task("binary", missing=True)
    reason = incompatibility(Pipeline("p", "boosting", parts), task, "cpu")
    takes = "input:missing" in CATALOG.document("weak_learner", weak).get("needs", ())
    assert (reason is None) == (takes or preprocessor == "onehot")
    if reason is not None:
        return
    X, y = table("binary", 90)
    X.loc[::3, "b"] = np.nan
    X["d"] = pd.Categorical(np.where(X["a"] > 1, "x", "y")).set_categories(["x", "y", "never"])
    X.loc[::5, "d"] = np.nan
    change = make("preprocessor", preprocessor)()
    seen = change.fit_transform(X, y)
    learner = make("booster", booster)(
        make("weak_learner", weak)(seed=1), task_type="binary", seed=1, n_estimators=5
    )
    asks = "validation" in parts["booster"].needs
    learner.fit(seen, y, **({"validation": (change.transform(X[:40]), y[:40])} if asks else {}))
    np.testing.assert_allclose(learner.predict_proba(change.transform(X)).sum(axis=1), 1, atol=1e-6)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(1, 6))
def test_rounds_are_kept_up_to_the_best_one(losses: list[int], patience: int) -> None:
    asked = []
    kept = rounds_kept((asked.append(loss) or float(loss) for loss in losses), patience)  # type: ignore[func-returns-value]
    assert losses[kept - 1] == min(asked) and min(asked) not in losses[: kept - 1]
    assert len(asked) == min(len(losses), kept + patience)


def test_rounds_without_a_loss_are_all_kept() -> None:
    assert rounds_kept([np.nan] * 30, patience=3) == 30


def test_a_weak_learner_without_weights_gets_rows_drawn_by_them() -> None:
    X = np.arange(200.0)[:, None]
    weight = np.where(X[:, 0] < 50, 1.0, 0.0)
    member = fit_member(KNeighborsRegressor(1), X, X[:, 0], np.random.default_rng(0), weight)
    assert member.predict(X).max() < 50
    assert len(np.unique(member.predict(X[:50]))) > 20


def test_one_regressor_per_column_where_it_takes_but_one() -> None:
    from sklearn.svm import SVR

    X, y = np.arange(40.0)[:, None], np.column_stack([np.arange(40.0), -np.arange(40.0)])
    member = fit_member(joint(SVR(C=100)), X, y, np.random.default_rng(0), np.ones(40))
    np.testing.assert_allclose(member.predict(X), y, atol=2)


# Gradient boosting


@pytest.mark.parametrize("task_type", ["binary", "multiclass", "regression"])
def test_gradient_boosting_over_trees_is_scikit_learns(task_type: str, make: Make) -> None:
    """Exactly, where no two splits are equally good: one column and leaves of ten rows."""
    X, y = table(task_type, 300)
    X = X[["a"]]
    library = GradientBoostingRegressor if task_type == "regression" else GradientBoostingClassifier
    theirs = library(n_estimators=25, min_samples_leaf=10, random_state=0).fit(X.to_numpy(), y)
    tree = make("weak_learner", "tree_3")(seed=0, min_samples_leaf=10)
    ours = make("booster", "gradient_boosting")(tree, task_type=task_type, seed=0, n_estimators=25)
    ours.fit(X, y, validation=(X, y))
    said = "predict" if task_type == "regression" else "predict_proba"
    np.testing.assert_allclose(getattr(ours, said)(X), getattr(theirs, said)(X.to_numpy()), rtol=1e-9)


def test_gradient_boosting_takes_the_steps_of_the_paper(make: Make) -> None:
    """Two rounds of TreeBoost over a split at 0 of one column, by hand (Friedman 2001, algorithm 5)."""
    random = np.random.default_rng(0)
    x = np.sign(random.normal(size=80))
    y = (random.random(80) < np.where(x > 0, 0.8, 0.3)).astype(int)
    scores = np.full(80, np.log(y.mean() / (1 - y.mean())))
    for _ in range(2):
        p = expit(scores)
        for side in (x > 0, x < 0):
            scores[side] += 0.1 * (y - p)[side].sum() / (p * (1 - p))[side].sum()
    X = pd.DataFrame({"x": x})
    learner = make("booster", "gradient_boosting")(
        make("weak_learner", "stump")(seed=0), task_type="binary", seed=0, n_estimators=2
    )
    said = learner.fit(X, y, validation=(X, y)).predict_proba(X)[:, 1]
    np.testing.assert_allclose(said, expit(scores), atol=1e-6)


def test_gradient_boosting_goes_one_newton_step_along_what_is_no_tree(make: Make) -> None:
    learner = boosted(make, "gradient_boosting", "ridge", "binary", n_estimators=1)
    X, y = table("binary")
    ((step,),) = learner.rounds_
    down, h = y - y.mean(), step.member.predict(X.to_numpy())
    assert step.lengths == pytest.approx((down @ h) / (y.mean() * (1 - y.mean()) * (h @ h)))


def test_gradient_boosting_fits_a_round_to_its_share_of_the_rows(make: Make) -> None:
    learner = boosted(make, "gradient_boosting", "tree_3", "regression", n_estimators=2, subsample=0.4)
    assert [steps[0].member.tree_.n_node_samples[0] for steps in learner.rounds_] == [60, 60]


# LogitBoost


@pytest.mark.parametrize("task_type", ["binary", "multiclass"])
def test_logitboost_takes_the_first_round_of_the_paper(task_type: str, make: Make) -> None:
    """By hand: working responses at equal probabilities, ridge regressions by their normal equations."""
    X, y = table(task_type)
    learner = boosted(
        make, "logitboost", "ridge", task_type, n_estimators=1, learning_rate=1.0, largest_response=4.0
    )
    n_classes = y.max() + 1
    p = 1 / n_classes
    Z = np.clip(((y[:, None] == np.arange(n_classes)) - p) / (p * (1 - p)), -4, 4)
    weight = p * (1 - p)
    centre = X.to_numpy() - X.to_numpy().mean(axis=0)
    slopes = np.linalg.solve(weight * centre.T @ centre + np.eye(3), weight * centre.T @ (Z - Z.mean(axis=0)))
    fitted = Z.mean(axis=0) + centre @ slopes
    scores = (n_classes - 1) / n_classes * (fitted - fitted.mean(axis=1, keepdims=True))
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(learner.predict_proba(X), expected, atol=1e-9)


def test_logitboosts_responses_stay_where_they_are_cut_off(make: Make) -> None:
    X, y = table("binary")
    learner = boosted(
        make, "logitboost", "tree_6", "binary", of={"min_samples_leaf": 1}, n_estimators=30, learning_rate=1.0
    )
    values = [steps[0].tree_.value.ravel() for steps in learner.rounds_]
    assert max(np.abs(value).max() for value in values) <= 4 + 1e-9


# AdaBoost and bagging


@pytest.mark.parametrize("task_type", ["binary", "multiclass"])
def test_adaboost_over_stumps_is_samme(task_type: str, make: Make) -> None:
    """Over indicators a regression tree is a classification tree by Gini's index."""
    X, y = table(task_type)
    stump = DecisionTreeClassifier(max_depth=1, min_samples_leaf=5, random_state=0)
    theirs = AdaBoostClassifier(stump, n_estimators=10, learning_rate=0.5, random_state=0).fit(X[["a"]], y)
    ours = make("booster", "adaboost")(
        make("weak_learner", "stump")(seed=0), task_type=task_type, seed=0, n_estimators=10, learning_rate=0.5
    ).fit(X[["a"]], y, validation=(X[["a"]], y))
    np.testing.assert_allclose(ours.votes_, theirs.estimator_weights_[: len(ours.votes_)], rtol=1e-9)
    staged = list(theirs.staged_predict(X[["a"]]))[len(ours.votes_) - 1]
    np.testing.assert_array_equal(ours.predict(X[["a"]]), staged)


def test_adaboost_stops_at_a_perfect_member_and_has_none_without_one_better_than_chance(make: Make) -> None:
    X = pd.DataFrame({"x": [0.0, 0.0, 1.0, 1.0] * 10})
    perfect, hopeless = np.array([0, 0, 1, 1] * 10), np.array([0, 1, 0, 1] * 10)
    for y, members in ((perfect, 1), (hopeless, 0)):
        learner = make("booster", "adaboost")(
            make("weak_learner", "stump")(seed=0), task_type="binary", seed=0
        )
        assert len(learner.fit(X, y, validation=(X, y)).members_) == members
        np.testing.assert_array_equal(learner.predict_proba(X)[:, 1] > 0.5, perfect * (members > 0))


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(1, 4)), min_size=1, max_size=8))
def test_the_weighted_median_is_the_median_of_repeated_values(pairs: list[tuple[int, int]]) -> None:
    values = np.array([value for value, _ in pairs], dtype=float)
    votes = [float(times) for _, times in pairs]
    repeated = np.sort(np.repeat(values, [times for _, times in pairs]))
    median = _median(list(values[:, None]), votes)
    assert median[0] == repeated[(len(repeated) - 1) // 2]


@given(st.lists(st.lists(st.integers(-3, 3), min_size=4, max_size=4), min_size=1, max_size=12), st.data())
def test_the_median_of_one_member_more_is_that_of_all(columns: list[list[int]], data: st.DataObject) -> None:
    votes = data.draw(st.lists(st.floats(0.01, 9), min_size=len(columns), max_size=len(columns)))
    said = [np.array(column, dtype=float) for column in columns]
    values = weights = np.empty((4, 0))
    for number in range(1, len(said) + 1):
        added = said[number - 1], np.full(4, votes[number - 1])
        values, weights = _sorted(np.column_stack([values, added[0]]), np.column_stack([weights, added[1]]))
        np.testing.assert_array_equal(_middle(values, weights), _median(said[:number], votes[:number]))


def test_adaboost_for_numbers_watches_the_median_of_all_members(make: Make) -> None:
    """After every round, to the bit, and without sorting all of them anew."""
    X, y = table("regression")
    learner = make("booster", "adaboost")(
        make("weak_learner", "tree_3")(seed=0), task_type="regression", seed=0, patience=300, n_estimators=40
    )
    learner.fit(X, y, validation=(X, y))
    said = [member.predict(X.to_numpy()) for member in learner.members_]
    kept, learner.members_, learner.votes_ = (learner.members_, learner.votes_), [], []

    def rounds() -> Iterator[None]:
        for member, vote in zip(*kept, strict=True):
            learner.members_.append(member)
            learner.votes_.append(vote)
            yield

    losses = list(learner._losses_of_numbers(rounds(), X, y, None))
    wanted = [np.mean((_median(said[:n], kept[1][:n]) - y) ** 2) for n in range(1, len(said) + 1)]
    assert losses == wanted and len(losses) > 10


def test_adaboost_for_numbers_gives_hard_rows_more_weight(make: Make) -> None:
    """A step that a stump cannot make in one split: later members look at what the first one missed."""
    X, y = table("regression")
    learner = boosted(make, "adaboost", "tree_3", "regression", n_estimators=30, learning_rate=1.0)
    first = learner.members_[0].predict(X.to_numpy())
    assert len(learner.members_) > 3
    assert np.mean((learner.predict(X) - y) ** 2) < np.mean((first - y) ** 2)


def test_bagging_is_the_mean_of_trees_on_rows_drawn_with_replacement(make: Make) -> None:
    X, y = table("binary")
    learner = boosted(make, "bagging", "tree_3", "binary", n_estimators=12, max_samples=0.5)
    assert {member.tree_.n_node_samples[0] for member in learner.members_} == {75}
    mean = np.mean([member.predict(X.to_numpy()) for member in learner.members_], axis=0)
    np.testing.assert_allclose(learner.predict_proba(X), mean, atol=1e-6)
    heavy = make("booster", "bagging")(
        make("weak_learner", "tree_3")(seed=0), task_type="binary", seed=0, n_estimators=5
    ).fit(X, y, sample_weight=(y == 1).astype(float))
    assert heavy.predict_proba(X)[:, 1].min() > 0.99


@pytest.mark.parametrize(
    ("booster", "task_type"),
    [
        ("gradient_boosting", "binary"),
        ("gradient_boosting", "multiclass"),
        ("gradient_boosting", "regression"),
        ("logitboost", "binary"),
        ("logitboost", "multiclass"),
        ("adaboost", "binary"),
        ("adaboost", "multiclass"),
    ],
)
def test_a_weight_is_a_number_of_equal_rows(booster: str, task_type: str, make: Make) -> None:
    """Over ridge regression, whose fit depends on weighted sums alone."""
    X, y = table(task_type)
    times = np.random.default_rng(3).integers(1, 4, len(X))

    def said(*rows: Any, **weights: Any) -> np.ndarray:
        ridge = make("weak_learner", "ridge")(seed=0)
        learner = make("booster", booster)(ridge, task_type=task_type, seed=0, n_estimators=8)
        learner.fit(*rows, validation=(X, y), **weights)
        return np.asarray(learner.predict(X) if task_type == "regression" else learner.predict_proba(X))

    weighted = said(X, y, sample_weight=times.astype(float))
    np.testing.assert_allclose(weighted, said(X.loc[X.index.repeat(times)], np.repeat(y, times)), rtol=1e-6)
    assert not np.allclose(weighted, said(X, y), rtol=1e-4)


@pytest.mark.parametrize("weak", ["tree_3", "ridge"])
@pytest.mark.parametrize("booster", ["adaboost", "gradient_boosting", "logitboost"])
def test_validation_rows_of_classes_that_training_lacks(booster: str, weak: str, make: Make) -> None:
    """No row can be scored, so boosting goes on to its last round."""
    X, y = table("multiclass")
    weak_learner = make("weak_learner", weak)(seed=3)
    learner = make("booster", booster)(weak_learner, task_type="multiclass", seed=3, n_estimators=4)
    learner.fit(X, y, validation=(X[:9], np.full(9, 7)))
    assert learner.predict_proba(X).shape == (len(X), 3)
    assert (learner.predict(X) == y).mean() > (y == np.bincount(y).argmax()).mean()
