"""Metrics agree with scikit-learn, are errors in the right direction, and are fast."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from benchmark import metrics
from benchmark.errors import RequestError
from benchmark.metrics import METRICS, UndefinedMetric
from benchmark.spec import TASK_TYPES

Array = np.ndarray[Any, Any]
Oracle = Callable[[Array, Array, Array | None], float]


def normalised(prediction: Array) -> Array:
    """Probabilities in float64 that sum to 1, which float32 ones only nearly do."""
    wide: Array = prediction.astype(np.float64)
    wide /= wide.sum(axis=1, keepdims=True)
    return wide


def asked_bits(y: Array, p: Array, w: Array | None) -> float:
    """scikit-learn's log loss of the asked positions, each a row of its own, in bits."""
    asked = y >= 0
    likelihood = p[asked].astype(np.float64)
    rows = None if w is None else np.repeat(w, asked.sum(axis=1))
    both = np.column_stack([1 - likelihood, likelihood])
    return float(oracle.log_loss(np.ones(len(both)), both, sample_weight=rows, labels=[0, 1]) / math.log(2))


def steps_as_rows(score: Callable[..., float]) -> Oracle:
    """A metric of numbers where every step of a forecast is a row of its own."""

    def of(y: Array, p: Array, w: Array | None) -> float:
        n_steps = 1 if y.ndim == 1 else y.shape[1]
        rows = None if w is None else np.repeat(w, n_steps)
        return score(y.ravel(), p.ravel(), sample_weight=rows)

    return of


ORACLES: dict[str, Oracle] = {
    "roc_auc": lambda y, p, w: oracle.roc_auc_score(y, p[:, 1], sample_weight=w),
    "log_loss": lambda y, p, w: oracle.log_loss(
        y, normalised(p), labels=np.arange(p.shape[1]), sample_weight=w
    ),
    "accuracy": lambda y, p, w: oracle.accuracy_score(y, p.argmax(axis=1), sample_weight=w),
    "balanced_accuracy": lambda y, p, w: oracle.recall_score(
        y, p.argmax(axis=1), labels=np.unique(y), average="macro", zero_division=0, sample_weight=w
    ),
    "f1_macro": lambda y, p, w: oracle.f1_score(
        y, p.argmax(axis=1), average="macro", zero_division=0, sample_weight=w
    ),
    "brier": lambda y, p, w: oracle.brier_score_loss(y, p, labels=np.arange(p.shape[1]), sample_weight=w),
    "rmse": steps_as_rows(oracle.root_mean_squared_error),
    "mae": steps_as_rows(oracle.mean_absolute_error),
    "r2": steps_as_rows(oracle.r2_score),
    "bits_per_character": asked_bits,
    "perplexity": lambda y, p, w: 2 ** asked_bits(y, p, w),
}


def draw(rng: np.random.Generator, task_type: str, n_rows: int, ties: bool = False) -> tuple[Array, Array]:
    """A target and a prediction that is related to it; the last of four classes never occurs."""
    y: Array
    if task_type == "regression":
        y = rng.normal(3, 10, n_rows)
        return y, (y + rng.normal(0, 4, n_rows)).astype(np.float32)
    if task_type == "forecasting":
        y = rng.normal(3, 10, (n_rows, 3))
        return y, (y + rng.normal(0, 4, (n_rows, 3))).astype(np.float32)
    if task_type == "language":
        y = rng.integers(-1, 4, (n_rows, 5))
        y[:, 0] = 0
        return y, rng.uniform(0.1, 0.9, (n_rows, 5)).astype(np.float32)
    n_classes = 2 if task_type == "binary" else 4
    y = np.resize(np.arange(2 if n_classes == 2 else 3), n_rows)
    rng.shuffle(y)
    logits = rng.normal(0, 1, (n_rows, n_classes))
    logits[np.arange(n_rows), y] += 1
    if ties:
        logits = np.round(logits)
    exponential = np.exp(logits)
    return y, (exponential / exponential.sum(axis=1, keepdims=True)).astype(np.float32)


CASES = [(metric.name, task_type) for metric in METRICS.values() for task_type in metric.task_types]


def test_the_oracles_cover_every_metric() -> None:
    assert set(ORACLES) == set(METRICS)


@pytest.mark.parametrize(("name", "task_type"), CASES)
@pytest.mark.parametrize("ties", [False, True])
def test_agrees_with_scikit_learn(name: str, task_type: str, ties: bool) -> None:
    rng = np.random.default_rng(7)
    for n_rows in (6, 61, 500):
        y, prediction = draw(rng, task_type, n_rows, ties)
        for weights in (None, rng.uniform(0.1, 3, n_rows)):
            expected = ORACLES[name](y, prediction, weights)
            assert METRICS[name].score(y, prediction, weights) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("name", "task_type"), CASES)
def test_a_perfect_prediction_has_error_zero(name: str, task_type: str) -> None:
    y, prediction = draw(np.random.default_rng(1), task_type, 40)
    metric = METRICS[name]
    perfect = np.ones(y.shape) if metric.needs == "likelihoods" else y
    if metric.needs == "probabilities":
        perfect = np.eye(prediction.shape[1])[y]
    assert metric.error(y, perfect.astype(np.float64)) == pytest.approx(0, abs=1e-6)
    assert metric.score(y, perfect.astype(np.float64)) == pytest.approx(metric.best, abs=1e-6)


@pytest.mark.parametrize(("name", "task_type"), CASES)
@given(seed=st.integers(0, 2**32 - 1), n_rows=st.integers(4, 40))
@settings(max_examples=40, deadline=None)
def test_error_is_at_least_zero_and_ignores_the_order_of_rows(
    name: str, task_type: str, seed: int, n_rows: int
) -> None:
    rng = np.random.default_rng(seed)
    y, prediction = draw(rng, task_type, n_rows)
    order = rng.permutation(n_rows)
    error = METRICS[name].error(y, prediction)
    assert error >= 0
    assert METRICS[name].error(y[order], prediction[order]) == pytest.approx(error, rel=1e-12)


@pytest.mark.parametrize(("name", "task_type"), CASES)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_a_weight_is_a_number_of_equal_rows(name: str, task_type: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, prediction = draw(rng, task_type, 12, ties=True)
    times = rng.integers(1, 4, 12)
    repeated = METRICS[name].error(np.repeat(y, times, axis=0), np.repeat(prediction, times, axis=0))
    assert METRICS[name].error(y, prediction, times.astype(float)) == pytest.approx(repeated, rel=1e-9)
    same = METRICS[name].error(y, prediction, np.full(12, 0.7))
    assert same == pytest.approx(METRICS[name].error(y, prediction), rel=1e-9)


@pytest.mark.parametrize(("name", "task_type"), CASES)
def test_a_worse_prediction_has_a_larger_error(name: str, task_type: str) -> None:
    y, prediction = draw(np.random.default_rng(3), task_type, 300)
    worse = prediction / 2 if task_type == "language" else np.roll(prediction, 1, axis=0)
    assert METRICS[name].error(y, worse) > METRICS[name].error(y, prediction)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_auc_mirrors_when_classes_are_exchanged(seed: int) -> None:
    y, prediction = draw(np.random.default_rng(seed), "binary", 30, ties=True)
    auc = METRICS["roc_auc"].score
    exchanged = np.column_stack([prediction[:, 1], prediction[:, 1]])
    assert auc(1 - y, exchanged) == pytest.approx(1 - auc(y, prediction), abs=1e-12)


def test_auc_of_a_constant_prediction_is_one_half() -> None:
    assert METRICS["roc_auc"].score(np.array([0, 1, 1]), np.full((3, 2), 0.5)) == 0.5


def test_log_loss_of_a_sure_and_wrong_prediction_is_finite() -> None:
    loss = METRICS["log_loss"].error(np.array([0]), np.array([[0.0, 1.0]], np.float32))
    assert loss == pytest.approx(-math.log(np.finfo(np.float32).eps), rel=1e-6)


@pytest.mark.parametrize(
    ("name", "y", "prediction"),
    [
        ("roc_auc", np.array([1, 1]), np.array([[0.2, 0.8], [0.5, 0.5]])),
        ("r2", np.array([2.0, 2.0]), np.array([1.0, 3.0])),
        ("rmse", np.array([]), np.array([])),
        ("log_loss", np.array([], int), np.empty((0, 2))),
        ("bits_per_character", np.full((2, 3), -1), np.ones((2, 3))),
    ],
)
def test_undefined_is_an_error_of_its_own(name: str, y: Array, prediction: Array) -> None:
    with pytest.raises(UndefinedMetric, match=name):
        METRICS[name].error(y, prediction)


@pytest.mark.parametrize(
    ("name", "prediction", "message"),
    [
        ("rmse", np.array([1.0, np.nan]), "not finite"),
        ("rmse", np.array([1.0, np.inf]), "not finite"),
        ("rmse", np.ones((2, 1)), "shapes"),
        ("bits_per_character", np.ones(2), "shapes"),
        ("rmse", np.ones(3), "shapes"),
        ("log_loss", np.ones(2), "shapes"),
        ("accuracy", np.array([[np.nan, 1], [0, 1]]), "not finite"),
    ],
)
def test_what_cannot_be_scored_is_refused(name: str, prediction: Array, message: str) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        METRICS[name].score(np.array([0, 1]), prediction)
    assert not isinstance(raised.value, UndefinedMetric)


def test_weights_of_other_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="shapes"):
        METRICS["rmse"].score(np.ones(2), np.ones(2), np.ones(3))


def test_a_character_of_probability_zero_costs_finitely_many_bits() -> None:
    bits = METRICS["bits_per_character"].error(np.array([[3]]), np.zeros((1, 1), np.float32))
    assert bits == pytest.approx(23)


@pytest.mark.filterwarnings("ignore:overflow")
def test_an_overflow_is_refused() -> None:
    with pytest.raises(ValueError, match="overflows"):
        METRICS["rmse"].error(np.array([1e300, -1e300]), np.zeros(2))


@pytest.mark.parametrize("task_type", TASK_TYPES)
def test_scores_hold_every_metric_of_the_task_type(task_type: str) -> None:
    y, prediction = draw(np.random.default_rng(2), task_type, 50)
    found = metrics.scores(y, prediction, task_type)
    assert set(found) == {name for name, metric in METRICS.items() if task_type in metric.task_types}
    assert metrics.DEFAULTS[task_type] in found
    weighted = metrics.scores(y, prediction, task_type, np.linspace(1, 2, 50))
    assert set(weighted) == set(found) and weighted != found


def test_scores_leave_out_what_is_undefined() -> None:
    found = metrics.scores(np.array([1, 1]), np.array([[0.4, 0.6], [0.3, 0.7]]), "binary")
    assert "roc_auc" not in found
    assert found["accuracy"] == 1


def test_test_errors_counts_misclassified_rows() -> None:
    prediction = np.array([[0.6, 0.4], [0.6, 0.4], [0.1, 0.9]], np.float32)
    assert metrics.test_errors(np.array([0, 1, 0]), prediction) == 2


def test_choose_names_the_nearest_metric_of_the_task_type() -> None:
    assert metrics.choose(None, "multiclass", "here").name == "log_loss"
    assert metrics.choose("mae", "regression", "here").name == "mae"
    with pytest.raises(RequestError, match=r"^here: .*'acuracy' for binary.*did you mean 'accuracy'"):
        metrics.choose("acuracy", "binary", "here")
    with pytest.raises(RequestError, match="'roc_auc' for regression"):
        metrics.choose("roc_auc", "regression", "here")


@pytest.mark.parametrize(("name", "task_type"), CASES)
def test_one_hundred_rows_take_microseconds(name: str, task_type: str) -> None:
    y, prediction = draw(np.random.default_rng(5), task_type, 100)
    metric, best = METRICS[name], math.inf
    for _ in range(300):
        start = time.perf_counter()
        metric.error(y, prediction)
        best = min(best, time.perf_counter() - start)
    # The best of many runs is robust to neighbours; measured 15 to 50 microseconds.
    assert best < 200e-6
