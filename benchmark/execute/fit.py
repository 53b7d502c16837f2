"""Fits one pipeline on one split: data in, test prediction and validation error out."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.exceptions import ConvergenceWarning

from benchmark.data import TaskData
from benchmark.execute import assemble
from benchmark.execute.outputs import predict
from benchmark.execute.prepared import Prepared, owned, prepare
from benchmark.execute.rows import Rows, chunk_size, to_rows
from benchmark.execute.train import Diverged, Pace, Parts, train
from benchmark.metrics import METRICS, Metric
from benchmark.spec import Budget, Pipeline, Seeds, Split, Task

__all__ = ["Diverged", "Fit", "fit"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Fit:
    """What fitting a pipeline on one split leaves."""

    prediction: npt.NDArray[np.float32]
    """Of the test rows: probabilities ``(n_test, n_classes)``; values ``(n_test,)``, of forecasts ``(n_test,
    horizon)``; of a language task the probability of the true class at every position ``(n_test, time)``, 1
    where nothing is asked, since the probabilities of all classes would be far too large to keep."""
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

    def prepared(self, **conversion: Any) -> Prepared:
        """The parts of the split, preprocessed."""
        component = self.pipeline.components["preprocessor"]
        return prepare(self.data, self.split, component, self.make["preprocessor"], **conversion)

    def weights(self, rows: Any) -> Array | None:
        """Weights of some rows; None where all count the same."""
        return None if self.data.weights is None else self.data.weights[rows]

    def validation_error(self, prediction: Array) -> float:
        """The metric's error on the validation rows."""
        rows = self.split.validation
        return self.metric.error(self.data.y[rows], prediction, self.weights(rows))


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
        The arrays, their facts, and which rows are for what. Test rows are only predicted; what came true of
        a text says which of its probabilities are kept.
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


def _fit_network(request: _Request) -> Fit:
    """A network trained by gradient steps, at its best checkpoint."""
    torch.use_deterministic_algorithms(True)
    task, y, split, device = request.task, request.data.y, request.split, request.device

    parts = request.prepared(form=device, convert=lambda part: to_rows(part, device))
    started = time.perf_counter()
    scale = _Scale(0.0, 1.0) if task.n_classes else _Scale.of(y[split.train])
    pace = Pace.of(request.budget, len(parts.train))
    trainee = _trainee(request, parts.train, pace)

    def prediction(of: Rows, numbers: Any) -> Array:
        asked = torch.tensor(y[numbers], device=device) if task.task_type == "language" else None
        values = predict(trainee.network, of, task.task_type, task.n_outputs, asked=asked)
        return scale.restore(values)

    def validation_error() -> float | None:
        values = prediction(parts.validation, split.validation)
        return request.validation_error(values) if np.isfinite(values).all() else None

    trained = train(
        trainee,
        parts.train,
        torch.tensor(y[split.train] if task.n_classes else scale.standardise(y[split.train]), device=device),
        _to_weights(request.weights(split.train), device),
        pace=pace,
        budget=request.budget,
        seeds=request.seeds,
        validation_error=validation_error,
    )
    fitted = time.perf_counter()
    test_prediction = _finite(prediction(parts.test, split.test), "test")
    seconds = fitted - started + parts.fit_seconds, time.perf_counter() - fitted + parts.test_seconds
    return Fit(test_prediction, trained.validation_error, trained.steps, *seconds, trained.remark)


def _trainee(request: _Request, rows: Rows, pace: Pace) -> Parts:
    """The network with fresh weights, and everything that trains it, on the device."""
    pipeline, make, task, device = request.pipeline, request.make, request.task, request.device
    torch.manual_seed(request.seeds.weights)
    every_step = task.task_type == "language"
    network = assemble.network(pipeline, make, rows, task.n_outputs, every_step=every_step).to(device)
    loss = make["loss"](task.task_type, task.n_outputs)
    optimizer = assemble.optimizer(pipeline, make, network)
    return Parts(
        network,
        loss.to(device) if isinstance(loss, torch.nn.Module) else loss,
        optimizer,
        assemble.schedule(pipeline, make, optimizer, pace.total),
        train_eval=assemble.asks(pipeline, "optimizer", "train_eval"),
        closure=assemble.asks(pipeline, "optimizer", "closure"),
        by_error=assemble.asks(pipeline, "schedule", "validation_error"),
    )


def _to_weights(weights: Array | None, device: str) -> torch.Tensor | None:
    return None if weights is None else torch.tensor(weights, dtype=torch.float32, device=device)


def _fit_learner(request: _Request) -> Fit:
    """A booster or an estimator, which trains itself."""
    pipeline, make, y, split = request.pipeline, request.make, request.data.y, request.split
    slot = "booster" if "booster" in make else "estimator"
    remarks: list[str] = []

    parts = request.prepared()
    started = time.perf_counter()
    learner = assemble.learner(pipeline, make, request.task.task_type, request.seeds.weights % 2**31)
    with _noting_convergence(remarks):
        learner.fit(owned(parts.train), y[split.train], **_extra(request, parts, slot))
    fitted = time.perf_counter()

    said = _predict_learner(learner, parts.validation, request.task, y[split.validation])
    validation_prediction = _finite(said, "validation")
    starting = time.perf_counter()
    test_prediction = _finite(_predict_learner(learner, parts.test, request.task, y[split.test]), "test")
    done = time.perf_counter()
    error = request.validation_error(validation_prediction)
    seconds = fitted - started + parts.fit_seconds, done - starting + parts.test_seconds
    return Fit(test_prediction, error, 0, *seconds, "; ".join(remarks))


def _extra(request: _Request, parts: Prepared, slot: str) -> dict[str, Any]:
    """What a learner's ``fit`` is passed because it asks for it."""
    extra: dict[str, Any] = {}
    validates, weighs = (assemble.asks(request.pipeline, slot, need) for need in ("validation", "weights"))
    weighs = weighs and request.data.weights is not None
    if validates:
        extra["validation"] = (owned(parts.validation), request.data.y[request.split.validation])
    if weighs:
        extra["sample_weight"] = request.weights(request.split.train)
    if validates and weighs:
        extra["validation_weight"] = request.weights(request.split.validation)
    return extra


_FAMILIES: Mapping[str, Callable[[_Request], Fit]] = {
    "neural": _fit_network,
    "boosting": _fit_learner,
    "estimator": _fit_learner,
}


def _predict_learner(learner: Any, inputs: Any, task: Task, y: Array) -> npt.NDArray[np.float32]:
    """What :class:`Fit` says, with probability 0 for the classes that training did not have."""
    inputs = owned(inputs)
    if task.n_classes == 0:
        return np.asarray(learner.predict(inputs), dtype=np.float32)
    if task.task_type == "language":
        return _likelihoods(learner, inputs, y, task.n_classes)
    probabilities = np.zeros((len(inputs), task.n_classes), dtype=np.float32)
    probabilities[:, learner.classes_] = learner.predict_proba(inputs)
    return probabilities


def _likelihoods(learner: Any, texts: Any, y: Array, n_classes: int) -> npt.NDArray[np.float32]:
    """Probability of the true class at every position ``(n_rows, time)``, 1 where nothing is asked."""
    column = np.full(n_classes, -1)
    column[learner.classes_] = np.arange(len(learner.classes_))
    likelihoods = np.ones(y.shape, dtype=np.float32)
    chunk = chunk_size(y.shape[1], n_classes)
    for start in range(0, len(y), chunk):
        probabilities = learner.predict_proba(texts[start : start + chunk])
        row, position = np.nonzero(y[start : start + chunk] >= 0)
        columns = column[y[start + row, position]]
        likelihoods[start + row, position] = np.where(
            columns >= 0, probabilities[row, position, columns], 0.0
        )
    return likelihoods


@dataclass(frozen=True)
class _Scale:
    """Mean and deviation of the target's training rows, over all steps of forecasts."""

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
