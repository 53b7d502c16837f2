"""Fits one pipeline on one split: data in, test prediction and validation error out."""

from __future__ import annotations

import functools
import random
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning

from benchmark.data import TaskData
from benchmark.execute.fitting import assemble
from benchmark.execute.fitting.networks import fit_network, fit_networks
from benchmark.execute.fitting.prepared import Prepared
from benchmark.execute.fitting.request import Fit, Request, finite
from benchmark.execute.fitting.rows import chunk_size
from benchmark.execute.fitting.stack import Unstackable
from benchmark.execute.fitting.train import Diverged
from benchmark.execute.profile import phase
from benchmark.metrics import METRICS
from benchmark.spec import Budget, Pipeline, Seeds, Split, Task

__all__ = ["Diverged", "Fit", "Unstackable", "fit", "fit_stacked"]

Array = npt.NDArray[Any]


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
    precision: str = "float32",
    make: assemble.Makers | None = None,
    sampled: bool = False,
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
    precision
        What a network computes in, as :class:`~benchmark.execute.fitting.precision.Precision` says.
    make
        What :func:`~benchmark.execute.fitting.assemble.makers` made of the pipeline, where that was called
        already.
    sampled
        The error on some training rows is asked for; it changes nothing else, and is in nobody's seconds.

    Raises
    ------
    Diverged
        When no finite prediction was ever made.
    RequestError
        When a component cannot be made.
    UndefinedMetric
        When the validation rows do not define the metric.
    """
    make = assemble.makers(pipeline) if make is None else make
    by = METRICS[metric]
    request = Request(pipeline, make, data, task, split, by, budget, seeds, device, precision, sampled)
    _seed_libraries(seeds)
    with phase("fit"):
        return _FAMILIES[pipeline.family](request)


def fit_stacked(
    pipelines: Sequence[Pipeline],
    data: TaskData,
    task: Task,
    split: Split,
    *,
    metric: str,
    budget: Budget,
    seeds: Sequence[Seeds],
    device: str = "cpu",
    precision: str = "float32",
    sampled: Collection[int] = (),
) -> list[Fit | BaseException]:
    """What :func:`fit` gives or raises for every pipeline, from networks that are trained together.

    A member's seconds are its share of what the stack takes: every moment is shared by those still in it.

    Parameters
    ----------
    pipelines
        Neural ones, different only in their optimizers and schedules.
    seeds
        Of every pipeline. What is random in a forward pass comes from the ``dropout`` stream of the first.
    data, task, split, metric, budget, device, precision
        As of :func:`fit`; the budget is not in seconds.
    sampled
        The places of those whose error on some training rows is asked for.

    Raises
    ------
    Unstackable
        When these networks cannot be trained together.
    """
    by, asked = METRICS[metric], [place in sampled for place in range(len(pipelines))]
    requests = [
        Request(one, assemble.makers(one), data, task, split, by, budget, own, device, precision, asks)
        for one, own, asks in zip(pipelines, seeds, asked, strict=True)
    ]
    _seed_libraries(seeds[0])
    with phase("fit"):
        return fit_networks(requests)


def _seed_libraries(seeds: Seeds) -> None:
    """Fix what components draw that ask for no seed, and not of torch: it would depend on earlier fits."""
    random.seed(seeds.weights)
    np.random.seed(seeds.weights % 2**32)


def _fit_learner(request: Request) -> Fit:
    """A booster or an estimator, which trains itself."""
    pipeline, make, y, split = request.pipeline, request.make, request.data.y, request.split
    slot = "booster" if "booster" in make else "estimator"
    remarks: list[str] = []

    parts = request.prepared()
    started = time.perf_counter()
    learner = assemble.learner(pipeline, make, request.task.task_type, request.seeds.weights % 2**31)
    inputs, extra = (parts.owned(parts.train), y[split.train]), _extra(request, parts, slot)
    earlier = 0.0
    with _noting_convergence(remarks):
        if assemble.asks(pipeline, slot, "binned"):
            at = type(learner), learner.binning()
            extra["binned"], earlier = parts.once(at, functools.partial(learner.bin, *inputs, **extra))
        learner.fit(*inputs, **extra)
    fitted = time.perf_counter()

    with phase("evaluate"):
        said = _predict_learner(learner, parts.owned(parts.validation), request.task, y[split.validation])
        validation_prediction = finite(said, "validation")
    starting = time.perf_counter()
    with phase("predict"):
        said = _predict_learner(learner, parts.owned(parts.test), request.task, y[split.test])
        test_prediction = finite(said, "test")
    done = time.perf_counter()
    train_error = _train_error(request, parts, learner) if request.sampled else None
    error = request.validation_error(validation_prediction)
    seconds = fitted - started + earlier + parts.fit_seconds, done - starting + parts.test_seconds
    return Fit(test_prediction, error, 0, *seconds, "; ".join(remarks), train_error)


def _train_error(request: Request, parts: Prepared, learner: Any) -> float | None:
    places = request.sample
    with phase("evaluate"):
        rows = np.asarray(request.split.train)[places]
        y = request.data.y[rows]
        return request.train_error(
            rows, y, lambda: _predict_learner(learner, parts.some(places), request.task, y)
        )


def _extra(request: Request, parts: Prepared, slot: str) -> dict[str, Any]:
    """What a learner's ``fit`` is passed because it asks for it."""
    extra: dict[str, Any] = {}
    validates, weighs = (assemble.asks(request.pipeline, slot, need) for need in ("validation", "weights"))
    weighs = weighs and request.data.weights is not None
    if validates:
        extra["validation"] = (parts.owned(parts.validation), request.data.y[request.split.validation])
    if weighs:
        extra["sample_weight"] = request.weights(request.split.train)
    if validates and weighs:
        extra["validation_weight"] = request.weights(request.split.validation)
    return extra


_FAMILIES: Mapping[str, Callable[[Request], Fit]] = {
    "neural": fit_network,
    "boosting": _fit_learner,
    "estimator": _fit_learner,
}


def _predict_learner(learner: Any, inputs: Any, task: Task, y: Array) -> npt.NDArray[np.float32]:
    """What :class:`Fit` says, with probability 0 for the classes that training did not have."""
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
