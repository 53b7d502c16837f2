"""Fits one pipeline on one split: tables in, test prediction and validation error out."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.exceptions import ConvergenceWarning

from benchmark.data import TaskData
from benchmark.execute import assemble
from benchmark.execute.train import Diverged, Pace, Parts, Rows, predict, train
from benchmark.metrics import METRICS, Metric
from benchmark.spec import Budget, InputSpec, Pipeline, Seeds, Split, Task

__all__ = ["Diverged", "Fit", "fit"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Fit:
    """What fitting a pipeline on one split leaves."""

    prediction: npt.NDArray[np.float32]
    """Of the test rows: probabilities ``(n_test, n_classes)`` or values ``(n_test,)``."""
    validation_error: float
    steps: int
    """Optimizer steps up to the model that was kept; 0 outside the neural family."""
    fit_seconds: float
    """Preprocessing included; imports not."""
    predict_seconds: float
    """Preprocessing of the test rows included."""
    remark: str = ""
    """One line, or nothing."""


@dataclass(frozen=True, eq=False)
class _Request:
    """Everything that a family needs to know for one fit."""

    pipeline: Pipeline
    make: assemble.Makers
    data: TaskData
    task: Task
    split: Split
    metric: Metric
    budget: Budget
    seeds: Seeds
    device: str


@dataclass(frozen=True, eq=False)
class _Tables:
    """The three parts of a split after preprocessing, and what that took."""

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame
    fit_seconds: float
    """Fitting on the training rows; transforming those and the validation rows."""
    test_seconds: float


def fit(
    pipeline: Pipeline,
    data: TaskData,
    task: Task,
    split: Split,
    *,
    metric: str,
    budget: Budget,
    seeds: Seeds,
    device: str = "cpu",
) -> Fit:
    """The prediction of a pipeline fitted on the training rows of one split.

    Same arguments, same bits (on one model of CPU, unless the budget is in seconds).

    Parameters
    ----------
    pipeline
        All slots of its family filled, hyperparameters already in each component's ``make``.
    data, task, split
        The arrays, their facts, and which rows are for what. Test rows are only predicted.
    metric
        Name of the metric by which a network's checkpoint is chosen, and of the validation error.
    budget
        How long a network trains; the other families stop by themselves.
    seeds
        Of initial weights, order and dropout. Learners with a single seed get ``weights`` modulo 2**31.
    device
        Where a network trains, as torch names it.

    Raises
    ------
    Diverged
        When no finite prediction was ever made.
    RequestError
        When a component cannot be made.
    UndefinedMetric
        When the validation rows do not define the metric.
    """
    request = _Request(
        pipeline, assemble.makers(pipeline), data, task, split, METRICS[metric], budget, seeds, device
    )
    return _FAMILIES[pipeline.family](request)


_last_tables: list[tuple[TaskData, str, _Tables]] = []
"""At most one: what the last fit used, with the data that it came from."""


def _preprocessed(request: _Request) -> _Tables:
    """The split's tables, fitted on training rows only.

    Kept from one fit to the next, since the trials and seeds of a job mostly share them; what they took
    counts in every fit's time all the same.
    """
    preprocessor = request.pipeline.components["preprocessor"]
    at = repr((preprocessor.make, preprocessor.code, request.split.digest))
    if not _last_tables or _last_tables[0][0] is not request.data or _last_tables[0][1] != at:
        X, split = request.data.X, request.split
        raw = X.iloc[split.train]
        started = time.perf_counter()
        fitted = request.make["preprocessor"]()
        fitted.fit(raw, request.data.y[split.train])
        train, validation = fitted.transform(raw), fitted.transform(X.iloc[split.validation])
        between = time.perf_counter()
        test = fitted.transform(X.iloc[split.test])
        seconds = between - started, time.perf_counter() - between
        _last_tables[:] = [(request.data, at, _Tables(train, validation, test, *seconds))]
    return _last_tables[0][2]


def _fit_network(request: _Request) -> Fit:
    """A network trained by gradient steps, at its best checkpoint."""
    torch.use_deterministic_algorithms(True)
    pipeline, make, task = request.pipeline, request.make, request.task
    classes = task.n_classes > 0
    y, y_validation = request.data.y[request.split.train], request.data.y[request.split.validation]

    tables = _preprocessed(request)
    started = time.perf_counter()
    rows, validation_rows = (_to_rows(part, request.device) for part in (tables.train, tables.validation))
    scale = _Scale(0.0, 1.0) if classes else _Scale.of(y)
    target = torch.tensor(y if classes else scale.standardise(y), device=request.device)

    pace = Pace.of(request.budget, len(rows))
    torch.manual_seed(request.seeds.weights)
    n_outputs = task.n_classes or 1
    network = assemble.network(pipeline, make, _input_spec(tables.train), n_outputs).to(request.device)
    loss = make["loss"](task.task_type, n_outputs)
    optimizer = assemble.optimizer(pipeline, make, network)
    schedule = assemble.schedule(pipeline, make, optimizer, pace.total)

    def prediction(of: Rows) -> Array:
        return scale.restore(predict(network, of, classes=classes))

    def validation_error() -> float | None:
        values = prediction(validation_rows)
        return request.metric.error(y_validation, values) if np.isfinite(values).all() else None

    trained = train(
        Parts(network, loss, optimizer, schedule, assemble.asks(pipeline, "optimizer", "train_eval")),
        rows,
        target,
        pace=pace,
        budget=request.budget,
        seeds=request.seeds,
        validation_error=validation_error,
    )
    fitted = time.perf_counter()
    test_prediction = _finite(prediction(_to_rows(tables.test, request.device)), "test")
    seconds = fitted - started + tables.fit_seconds, time.perf_counter() - fitted + tables.test_seconds
    return Fit(test_prediction, trained.validation_error, trained.steps, *seconds, trained.remark)


def _fit_learner(request: _Request) -> Fit:
    """A booster or an estimator, which trains itself."""
    pipeline, make, task = request.pipeline, request.make, request.task
    y, y_validation = request.data.y[request.split.train], request.data.y[request.split.validation]
    slot = "booster" if "booster" in make else "estimator"
    remarks: list[str] = []

    tables = _preprocessed(request)
    started = time.perf_counter()
    learner = assemble.learner(pipeline, make, task.task_type, request.seeds.weights % 2**31)
    asks_validation = assemble.asks(pipeline, slot, "validation")
    extra = {"validation": (tables.validation, y_validation)} if asks_validation else {}
    with _noting_convergence(remarks):
        learner.fit(tables.train, y, **extra)
    fitted = time.perf_counter()

    validation_prediction = _finite(_predict_learner(learner, tables.validation, task), "validation")
    starting = time.perf_counter()
    test_prediction = _finite(_predict_learner(learner, tables.test, task), "test")
    done = time.perf_counter()
    error = request.metric.error(y_validation, validation_prediction)
    seconds = fitted - started + tables.fit_seconds, done - starting + tables.test_seconds
    return Fit(test_prediction, error, 0, *seconds, "; ".join(remarks))


_FAMILIES: Mapping[str, Callable[[_Request], Fit]] = {
    "neural": _fit_network,
    "boosting": _fit_learner,
    "estimator": _fit_learner,
}


def _predict_learner(learner: Any, table: pd.DataFrame, task: Task) -> npt.NDArray[np.float32]:
    """Values, or probabilities with a column for every class of the task, seen in training or not."""
    if task.n_classes == 0:
        return np.asarray(learner.predict(table), dtype=np.float32)
    probabilities = np.zeros((len(table), task.n_classes), dtype=np.float32)
    probabilities[:, learner.classes_] = learner.predict_proba(table)
    return probabilities


@dataclass(frozen=True)
class _Scale:
    """Mean and deviation of a regression target's training rows."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, y: Array) -> _Scale:
        return cls(float(y.mean()), float(y.std()) or 1.0)

    def standardise(self, y: Array) -> npt.NDArray[np.float32]:
        return ((y - self.mean) / self.deviation).astype(np.float32)

    def restore(self, values: Array) -> npt.NDArray[np.float32]:
        if self == _Scale(0.0, 1.0):
            return values
        return (values.astype(np.float64) * self.deviation + self.mean).astype(np.float32)


def _to_rows(table: pd.DataFrame, device: str) -> Rows:
    """Float columns as float32, integer columns as int64, on the device."""
    numeric, codes = table.select_dtypes("floating"), table.select_dtypes("integer")
    if numeric.shape[1] + codes.shape[1] < table.shape[1]:
        other = table.drop(columns=[*numeric.columns, *codes.columns]).dtypes.iloc[0]
        raise TypeError(f"the preprocessor returned a column of type {other}, neither float nor integer")
    return Rows(
        torch.tensor(numeric.to_numpy(np.float32), device=device) if numeric.shape[1] else None,
        torch.tensor(codes.to_numpy(np.int64), device=device) if codes.shape[1] else None,
    )


def _input_spec(table: pd.DataFrame) -> InputSpec:
    codes = table.select_dtypes("integer")
    cardinalities = tuple(int(column.max()) + 1 for _, column in codes.items())
    return InputSpec(table.shape[1] - codes.shape[1], cardinalities)


def _finite(prediction: npt.NDArray[np.float32], part: str) -> npt.NDArray[np.float32]:
    if not np.isfinite(prediction).all():
        raise Diverged(f"the prediction of the {part} rows is not finite")
    return prediction


@contextmanager
def _noting_convergence(remarks: list[str]) -> Iterator[None]:
    """Turn a learner's complaint that it did not converge into a remark; other warnings go their way."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        yield
    for warning in caught:
        if issubclass(warning.category, ConvergenceWarning):
            remarks.append(str(warning.message).splitlines()[0])
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
