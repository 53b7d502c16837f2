"""What single estimators promise beyond what all learners do."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC

Make = Callable[[str, str], Callable[..., Any]]


def table(n_classes: int, n_rows: int = 200, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Classes that overlap, along one column of three."""
    random = np.random.default_rng(seed)
    X = pd.DataFrame(random.normal(size=(n_rows, 3)), columns=["a", "b", "c"])
    value = X["a"] + 0.7 * random.normal(size=n_rows)
    return X, np.digitize(value, [0] if n_classes == 2 else [-0.5, 0.5])


@pytest.mark.parametrize("n_classes", [2, 3])
def test_svm_decides_as_scikit_learns_and_says_how_sure_it_is(n_classes: int, make: Make) -> None:
    X, y = table(n_classes)
    validation = table(n_classes, seed=1)
    learner = make("estimator", "svm")(task_type="multiclass", seed=0).fit(X, y, validation=validation)
    theirs = OneVsRestClassifier(SVC(C=1.0, gamma=1 / 3)).fit(X.to_numpy(), y)
    X_new, y_new = table(n_classes, 1000, seed=2)
    np.testing.assert_array_equal(learner.predict(X_new), theirs.predict(X_new.to_numpy()))
    said = learner.predict_proba(X_new)
    surer, vaguer = (softmax(np.log(said) * times, axis=1) for times in (3, 1 / 3))
    assert log_loss(y_new, said) < min(log_loss(y_new, surer), log_loss(y_new, vaguer))


def test_svm_is_not_certain_where_no_validation_row_is_wrong(make: Make) -> None:
    X, y = table(2)
    clear = (X["a"] > 0).to_numpy(int)
    validation = X[X["a"].abs() > 1], clear[X["a"].abs() > 1]
    learner = make("estimator", "svm")(task_type="binary", seed=0).fit(X, clear, validation=validation)
    assert 0.9 < learner.predict_proba(X).max() < 1 - 1e-5


def test_svm_weights_rows_as_if_they_were_repeated(make: Make) -> None:
    X, y = table(3)
    values = X["a"].to_numpy() + X["b"].to_numpy() ** 2
    times = np.random.default_rng(3).integers(1, 4, len(X))
    for task_type, target in (("multiclass", y), ("regression", values)):

        def said(*rows: Any, **weights: Any) -> np.ndarray:
            learner = make("estimator", "svm")(task_type=task_type, seed=0)  # noqa: B023 - called at once
            learner.fit(*rows, validation=(X, target), **weights)  # noqa: B023
            return np.asarray(learner.predict(X) if task_type == "regression" else learner.predict_proba(X))  # noqa: B023

        weighted = said(X, target, sample_weight=times.astype(float))
        repeated = said(X.loc[X.index.repeat(times)], np.repeat(target, times))
        np.testing.assert_allclose(weighted, repeated, atol=0.02)
        assert not np.allclose(weighted, said(X, target), atol=0.02)


def test_gaussian_process_finds_the_width_of_a_wave(make: Make) -> None:
    x = np.linspace(0, 6, 60)
    X, y = pd.DataFrame({"x": x}), 500 + 3 * np.sin(x)
    learner = make("estimator", "gaussian_process")(task_type="regression", seed=0).fit(X[::2], y[::2])
    assert np.abs(learner.predict(X) - y).max() < 0.1


def test_gaussian_process_falls_back_to_the_mean_far_away(make: Make) -> None:
    x = np.linspace(0, 6, 60)
    learner = make("estimator", "gaussian_process")(task_type="regression", seed=0)
    learner.fit(pd.DataFrame({"x": x}), 500 + np.sin(3 * x))
    assert learner.predict(pd.DataFrame({"x": [1e4]}))[0] == pytest.approx(500, abs=0.5)


def test_knn_asks_the_neighbours(make: Make) -> None:
    X = pd.DataFrame({"x": np.arange(30.0)})
    learner = make("estimator", "knn")(task_type="regression", seed=0, n_neighbors=3)
    np.testing.assert_allclose(learner.fit(X, X["x"].to_numpy()).predict(X[1:29]), np.arange(1.0, 29.0))


def test_knn_asks_all_rows_where_there_are_fewer(make: Make) -> None:
    X, y = pd.DataFrame(np.eye(6)), np.array([3, 3, 5, 5, 5, 5])
    learner = make("estimator", "knn")(task_type="binary", seed=0).fit(X, y)
    np.testing.assert_allclose(learner.predict_proba(X), [[1 / 3, 2 / 3]] * 6)
    assert learner.get_params()["n_neighbors"] == 10


@pytest.mark.parametrize("task_type", ["binary", "regression"])
def test_flaml_takes_all_its_learners_in_turn_and_leaves_no_files(
    task_type: str, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    X, y = table(2)
    X["d"] = np.arange(200) % 4
    X.loc[::3, "b"] = np.nan
    said = []
    for _ in range(2):
        learner = make("estimator", "flaml")(task_type=task_type, seed=1, max_iter=8)
        learner.fit(X, y, validation=(X.assign(d=7), y))
        said.append(learner.predict(X))
    np.testing.assert_array_equal(*said)
    tried = {name for name, _, _ in learner.search_.config_history.values()}
    named = set(learner.search_.best_config_per_estimator)
    assert named == {"lgbm", "rf", "extra_tree"} | ({"lrl1"} if task_type == "binary" else set())
    assert all(learner.search_.best_loss_per_estimator[name] < 1 for name in named)
    assert tried <= named and learner.search_.best_estimator in tried
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("rows", ["of one class", "none", "of a class unknown"])
def test_flaml_scores_validation_rows_without_some_class(rows: str, weighted: bool, make: Make) -> None:
    X, y = table(3)
    y = y + 3
    at = {"of one class": y == 4, "none": y == 7, "of a class unknown": y == 4}[rows]
    validation = X[at], y[at] + (5 if rows == "of a class unknown" else 0)
    weights = {"sample_weight": np.ones(200), "validation_weight": np.ones(at.sum())} if weighted else {}
    learner = make("estimator", "flaml")(task_type="multiclass", seed=1, max_iter=8)
    learner.fit(X, y, validation=validation, **weights)
    assert learner.predict_proba(X).shape == (200, 3)
    assert np.isfinite(learner.search_.best_loss)
    assert (learner.predict(X) == y).mean() > 0.5 or rows == "of one class"


def test_flaml_says_when_no_trial_left_a_learner(make: Make) -> None:
    X, y = table(2)
    learner = make("estimator", "flaml")(task_type="regression", seed=1, max_iter=0)
    with pytest.raises(RuntimeError, match="none of 0 trials"):
        learner.fit(X, y, validation=(X, y))


@pytest.mark.parametrize(
    "column", [np.zeros(200), np.zeros(200, int), np.arange(200), np.where(np.arange(200) % 2, np.nan, 1.0)]
)
def test_flaml_without_a_column_of_use_says_the_mean_or_frequencies(column: np.ndarray, make: Make) -> None:
    _, y = table(3)
    X = pd.DataFrame({"x": column})
    for task_type in ("multiclass", "regression"):
        learner = make("estimator", "flaml")(task_type=task_type, seed=1, max_iter=4)
        learner.fit(X, y, validation=(X, y))
        if task_type == "regression":
            np.testing.assert_allclose(learner.predict(X), y.mean())
        else:
            np.testing.assert_allclose(learner.predict_proba(X)[0], np.bincount(y) / 200)
            assert set(learner.predict(X)) == {np.bincount(y).argmax()}


def test_flaml_leaves_the_process_as_it_was(make: Make) -> None:
    X, y = table(2)
    before, numpy_before = random.getstate(), str(np.random.get_state())  # noqa: NPY002 - left alone
    make("estimator", "flaml")(task_type="binary", seed=1, max_iter=4).fit(X, y, validation=(X, y))
    assert random.getstate() == before
    assert str(np.random.get_state()) == numpy_before  # noqa: NPY002
    code = "import warnings; a = list(warnings.filters); import components.estimator.flaml; " + (
        "from sklearn.exceptions import ConvergenceWarning as C; "
        "assert not [f for f in warnings.filters if f not in a and f[0] == 'ignore' and f[2] is C]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
