"""Whole pipelines fitted on real tasks."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.data import TaskData
from benchmark.execute.fitting.assemble import makers
from benchmark.execute.fitting.fit import Diverged, Fit, fit
from benchmark.metrics import METRICS
from benchmark.spec import Budget, Pipeline, Seeds, Split, Task
from components.booster.lightgbm import LightGBM

SEEDS = Seeds(weights=2**62 + 1, order=2**61 + 2, dropout=2**60 + 3)
SHORT = Budget("steps", 90, batch_size=64, evaluations=6)
ReadPipeline = Callable[..., Pipeline]
ReadTask = Callable[[str], tuple[TaskData, Task, Split]]


@pytest.fixture
def fitted(pipeline: ReadPipeline, real_task: ReadTask) -> Callable[..., Fit]:
    """Fits a pipeline, by name or as it is, on a bundled task."""

    def run(
        whole: str | Pipeline, task: str, *, budget: Budget = SHORT, seeds: Seeds = SEEDS, **swapped: str
    ) -> Fit:
        data, facts, split = real_task(task)
        what = pipeline(whole, **swapped) if isinstance(whole, str) else whole
        return fit(what, data, facts, split, metric=facts.metric, budget=budget, seeds=seeds)

    return run


def with_arguments(pipeline: Pipeline, slot: str, **arguments: Any) -> Pipeline:
    part = pipeline.components[slot]
    return pipeline.swap(dataclasses.replace(part, make={**part.make, **arguments}))


def table(data: TaskData) -> pd.DataFrame:
    assert isinstance(data.X, pd.DataFrame)
    return data.X


def same(first: Fit, second: Fit) -> bool:
    return (
        first.prediction.tobytes() == second.prediction.tobytes()
        and first.validation_error == second.validation_error
        and first.steps == second.steps
    )


LEARNERS = ("mlp", "resnet", "tabm", "lightgbm", "random_forest", "linear")
"""A few of every family; the conformance suite is about each component of the catalog."""
TABULAR = (*LEARNERS, "featureless")


@pytest.mark.parametrize("task", ["iris", "wine", "diabetes"])
@pytest.mark.parametrize("name", LEARNERS)
def test_learns_what_the_featureless_predictor_does_not(
    name: str, task: str, fitted: Callable[..., Fit], real_task: ReadTask
) -> None:
    data, facts, split = real_task(task)
    result, floor = fitted(name, task), fitted("featureless", task)
    y = data.y[np.asarray(split.test)]
    error = METRICS["accuracy" if facts.n_classes else "rmse"].error
    assert error(y, result.prediction) < 0.85 * error(y, floor.prediction)
    assert result.validation_error < 0.85 * floor.validation_error
    assert result.prediction.dtype == np.float32
    assert result.prediction.shape == ((len(y), facts.n_classes) if facts.n_classes else (len(y),))
    assert result.fit_seconds > 0 and result.predict_seconds > 0
    assert (result.steps > 0) == (name in ("mlp", "resnet", "tabm"))


@pytest.mark.parametrize("name", TABULAR)
def test_same_arguments_same_bits(name: str, fitted: Callable[..., Fit]) -> None:
    short = dataclasses.replace(SHORT, amount=30)
    assert same(fitted(name, "anes96", budget=short), fitted(name, "anes96", budget=short))


ASKING = ["adamw", "lookahead", "muon", "schedule_free", "sam", "sophia", "lbfgs"]


@pytest.mark.parametrize("optimizer", ASKING)
def test_whatever_an_optimizer_asks_for(optimizer: str, fitted: Callable[..., Fit]) -> None:
    short = dataclasses.replace(SHORT, amount=24, evaluations=2)
    first, second = (fitted("resnet", "wine", budget=short, optimizer=optimizer) for _ in range(2))
    assert same(first, second)
    assert first.validation_error < fitted("featureless", "wine").validation_error


@pytest.mark.parametrize("stream", ["weights", "order", "dropout"])
def test_every_stream_of_randomness_matters(stream: str, fitted: Callable[..., Fit]) -> None:
    one_more = dataclasses.replace(SEEDS, **{stream: 9})
    assert not same(fitted("mlp", "wine"), fitted("mlp", "wine", seeds=one_more))


def test_arms_start_from_the_same_weights(pipeline: ReadPipeline, fitted: Callable[..., Fit]) -> None:
    """Optimizers that do not move leave the prediction that the initial weights make."""
    still = [
        fitted(with_arguments(pipeline("mlp", optimizer=name), "optimizer", lr=0.0), "wine")
        for name in ("adamw", "sgd", "muon", "schedule_free")
    ]
    assert all(same(still[0], other) for other in still[1:])


@pytest.mark.parametrize("name", ["mlp", "lightgbm", "linear"])
def test_test_rows_are_only_predicted(name: str, pipeline: ReadPipeline, real_task: ReadTask) -> None:
    """Other test rows and other test targets change nothing but these rows' predictions."""
    data, facts, split = real_task("diabetes")
    test = np.asarray(split.test)
    X, y = table(data).copy(), data.y.copy()
    numbers = X.columns.get_indexer(X.select_dtypes("number").columns)
    X.iloc[test[1:], numbers] *= 100.0
    y[test] = -1e6
    other = dataclasses.replace(data, X=X, y=y)
    first, second = (
        fit(pipeline(name), some, facts, split, metric="rmse", budget=SHORT, seeds=SEEDS)
        for some in (data, other)
    )
    assert (first.validation_error, first.steps) == (second.validation_error, second.steps)
    np.testing.assert_allclose(first.prediction[0], second.prediction[0], rtol=1e-5)
    assert not np.allclose(first.prediction[1:], second.prediction[1:])


@pytest.mark.parametrize("name", ["mlp", "resnet", "tabm", "lightgbm", "random_forest", "featureless"])
def test_a_class_that_training_lacks_gets_a_column(
    name: str, pipeline: ReadPipeline, real_task: ReadTask
) -> None:
    data, facts, split = real_task("iris")
    train = np.asarray(split.train)
    fewer = dataclasses.replace(split, train=train[data.y[train] != 1], digest="fewer")
    result = fit(pipeline(name), data, facts, fewer, metric="log_loss", budget=SHORT, seeds=SEEDS)
    assert result.prediction.shape == (len(split.test), 3)
    assert result.prediction[:, 1].mean() < 0.3
    assert result.prediction.sum(axis=1) == pytest.approx(1.0, abs=1e-5)


def test_regression_targets_come_back_in_their_unit(fitted: Callable[..., Fit], real_task: ReadTask) -> None:
    data, _, split = real_task("diabetes")
    y = data.y[np.asarray(split.train)]
    for name in ("mlp", "tabm"):
        prediction = fitted(name, "diabetes").prediction
        assert abs(prediction.mean() - y.mean()) < y.std()
        assert prediction.std() > 0.2 * y.std()


def test_a_learning_rate_out_of_bounds_diverges(pipeline: ReadPipeline, fitted: Callable[..., Fit]) -> None:
    wild = with_arguments(pipeline("mlp", optimizer="sgd"), "optimizer", lr=1e30)
    with pytest.raises(Diverged, match="not finite at step"):
        fitted(wild, "wine")


def test_missing_values_reach_trees_and_not_networks(pipeline: ReadPipeline, real_task: ReadTask) -> None:
    data, facts, split = real_task("wine")
    X = table(data).mask(np.random.default_rng(0).random(table(data).shape) < 0.2)
    gappy = dataclasses.replace(data, X=X)
    for name in LEARNERS:
        result = fit(pipeline(name), gappy, facts, split, metric="log_loss", budget=SHORT, seeds=SEEDS)
        assert result.validation_error < 0.9
    with pytest.raises(Diverged):
        untreated = pipeline("mlp", preprocessor="ordinal")
        fit(untreated, gappy, facts, split, metric="log_loss", budget=SHORT, seeds=SEEDS)


def test_categories_alone_are_enough(pipeline: ReadPipeline, real_task: ReadTask) -> None:
    data, facts, split = real_task("iris")
    binned = {name: pd.cut(column, 4).astype(str).astype("category") for name, column in table(data).items()}
    categories = dataclasses.replace(data, X=pd.DataFrame(binned))
    for name in LEARNERS:
        result = fit(pipeline(name), categories, facts, split, metric="log_loss", budget=SHORT, seeds=SEEDS)
        assert result.validation_error < 0.9


def test_a_budget_in_seconds_ends_in_time(fitted: Callable[..., Fit]) -> None:
    for optimizer in ("adamw", "schedule_free"):
        started = time.perf_counter()
        result = fitted("mlp", "wine", budget=Budget("seconds", 0.3, evaluations=3), optimizer=optimizer)
        assert 0.3 <= result.fit_seconds and time.perf_counter() - started < 3
        assert result.steps > 0


def test_not_converging_is_a_remark(pipeline: ReadPipeline, fitted: Callable[..., Fit]) -> None:
    linear = pipeline("linear")
    classifier = {**linear.components["estimator"].make["classifier"], "max_iter": 1}
    result = fitted(with_arguments(linear, "estimator", classifier=classifier), "wine")
    assert "failed to converge" in result.remark and "\n" not in result.remark
    assert fitted("linear", "wine").remark == ""


class Careless:
    """Writes into everything that it is given, and so predicts what came before."""

    def __init__(self, task_type: str, seed: int) -> None:
        pass

    def fit(self, X: pd.DataFrame, y: np.ndarray, validation: tuple[pd.DataFrame, np.ndarray]) -> None:
        for table, target in ((X, y), validation):
            table["norm"] = np.linalg.norm(table, axis=1)
            table *= 2.0
            target += 1.0
        self.mean = y.mean() + X.to_numpy().sum()

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        X += 1.0
        return np.asarray(self.mean + X.sum(axis=1))


def test_what_a_learner_writes_into_its_data_reaches_no_other_fit(
    pipeline: ReadPipeline, fitted: Callable[..., Fit], monkeypatch: pytest.MonkeyPatch
) -> None:
    linear = pipeline("linear", preprocessor="standard")
    asks = dataclasses.replace(linear.components["estimator"], needs=("validation",))
    monkeypatch.setattr("benchmark.execute.fitting.assemble.makers", _with(Careless))
    first, *later = (fitted(linear.swap(asks), "diabetes") for _ in range(3))
    assert all(same(first, other) for other in later)


def _with(estimator: type) -> Callable[[Pipeline], Any]:
    return lambda pipeline: {**makers(pipeline), "estimator": estimator}


def test_trials_of_a_booster_bin_their_table_once(
    pipeline: ReadPipeline, fitted: Callable[..., Fit], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    binning = LightGBM.bin

    def counted(*args: Any, **extra: Any) -> Any:
        made.append(1)
        return binning(*args, **extra)

    monkeypatch.setattr(LightGBM, "bin", counted)
    monkeypatch.setattr("benchmark.execute.fitting.prepared._kept", {})
    rates = [with_arguments(pipeline("lightgbm"), "booster", learning_rate=rate) for rate in (0.1, 0.05)]
    trials = [fitted(rate, "wine") for rate in rates]
    assert made == [1]
    for trial, rate in zip(trials, rates, strict=True):
        monkeypatch.setattr("benchmark.execute.fitting.prepared._kept", {})
        assert same(trial, fitted(rate, "wine"))
    assert made == [1] * 3
