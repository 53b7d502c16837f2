"""The neural family: networks from the data to their predictions, one by one or several together."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from benchmark.execute.devices import clock
from benchmark.execute.fitting import assemble
from benchmark.execute.fitting.outputs import predict
from benchmark.execute.fitting.precision import Precision, fix_kernels
from benchmark.execute.fitting.prepared import Prepared
from benchmark.execute.fitting.request import Fit, Request, finite
from benchmark.execute.fitting.rows import Rows, to_rows
from benchmark.execute.fitting.train import Pace, Parts, Trained, train
from benchmark.execute.fitting.train_stacked import Ended, Member, train_stacked
from benchmark.execute.profile import phase

__all__ = ["fit_network", "fit_networks"]

Array = npt.NDArray[Any]
T = TypeVar("T")


def fit_network(request: Request) -> Fit:
    """A network trained by gradient steps, at its best checkpoint."""
    parts = _parts(request)
    started = clock(request.device)
    pace = Pace.of(request.budget, len(parts.train))
    network = _Network.of(request, parts, pace)
    trained = train(
        network.trainee,
        parts.train,
        *network.target_and_weights(),
        pace=pace,
        budget=request.budget,
        seeds=request.seeds,
        validation_error=network.validation_error,
    )
    seconds = clock(request.device) - started + parts.fit_seconds
    return network.fit(trained, seconds, parts.test_seconds)


def fit_networks(requests: Sequence[Request]) -> list[Fit | BaseException]:
    """Networks trained together, each at its best checkpoint; or what was in the way of one of them.

    Parameters
    ----------
    requests
        Of one data set, split, preprocessor, budget, device and precision.

    Raises
    ------
    Unstackable
        When these networks cannot be trained together.
    """
    parts, device = _parts(requests[0]), requests[0].device
    started = clock(device)
    pace = Pace.of(requests[0].budget, len(parts.train))
    made = [_attempted(functools.partial(_Network.of, request, parts, pace)) for request in requests]
    networks = [network for network in made if isinstance(network, _Network)]
    each = (clock(device) - started + parts.fit_seconds) / len(requests)
    ended = iter(_ended(networks, parts.train, pace))
    return [
        network
        if isinstance(network, Exception)
        else _last(network, next(ended), each, parts.test_seconds / len(requests))
        for network in made
    ]


def _ended(networks: Sequence[_Network], rows: Rows, pace: Pace) -> list[Ended]:
    if not networks:
        return []
    return train_stacked(
        [Member(network.trainee, network.request.seeds, network.validation_error) for network in networks],
        rows,
        *networks[0].target_and_weights(),
        pace=pace,
        budget=networks[0].request.budget,
    )


def _last(network: _Network, ended: Ended, fit_seconds: float, test_seconds: float) -> Fit | BaseException:
    """The fit of a member after its training; the seconds are those before it and of preparing the test."""
    trained = ended.trained
    if isinstance(trained, BaseException):
        return trained
    return _attempted(lambda: network.fit(trained, fit_seconds + ended.seconds, test_seconds))


def _attempted(call: Callable[[], T]) -> T | Exception:
    """What a call gives or raises; a limit of time is no exception, and all members' affair."""
    try:
        return call()
    except Exception as error:  # whatever a component raises is its outcome
        return error


def _parts(request: Request) -> Prepared:
    """The parts of the split on the device, which repeats its bits from here on."""
    fix_kernels()
    device = request.device
    return request.prepared(form=device, convert=lambda part: to_rows(part, device))


@dataclass(frozen=True, eq=False)
class _Network:
    """A network, what trains it, and what its outputs mean."""

    request: Request
    parts: Prepared
    trainee: Parts
    scale: _Scale

    @classmethod
    def of(cls, request: Request, parts: Prepared, pace: Pace) -> _Network:
        """A network with fresh weights."""
        y = request.data.y[request.split.train]
        scale = _Scale(0.0, 1.0) if request.task.n_classes else _Scale.of(y)
        return cls(request, parts, _trainee(request, parts.train, pace), scale)

    def target_and_weights(self) -> tuple[Tensor, Tensor | None]:
        """Of the training rows, as :func:`~benchmark.execute.fitting.train.train` takes them."""
        request, device = self.request, self.request.device
        rows = request.split.train
        y, weights = request.data.y[rows], request.weights(rows)
        target = torch.tensor(y if request.task.n_classes else self.scale.standardise(y), device=device)
        return target, None if weights is None else torch.tensor(weights, dtype=torch.float32, device=device)

    def validation_error(self) -> float | None:
        """As the network is now; None where its prediction is not finite."""
        with phase("evaluate"):
            values = self._prediction(self.parts.validation, self.request.split.validation)
            return self.request.validation_error(values) if np.isfinite(values).all() else None

    def fit(self, trained: Trained, fit_seconds: float, test_seconds: float) -> Fit:
        """What is left when training is over; ``test_seconds`` went into the test rows already."""
        started = time.perf_counter()
        with phase("predict"):
            prediction = finite(self._prediction(self.parts.test, self.request.split.test), "test")
        seconds = fit_seconds, time.perf_counter() - started + test_seconds
        train_error = self._train_error() if self.request.sampled else None
        return Fit(prediction, trained.validation_error, trained.steps, *seconds, trained.remark, train_error)

    def _train_error(self) -> float | None:
        """On some training rows, taking nothing from the randomness of what is predicted next."""
        request, rows = self.request, self.parts.train
        devices = [rows.device] if rows.device.type == "cuda" else []
        with phase("evaluate"), torch.random.fork_rng(devices):
            if len(request.sample) < len(rows):
                rows = rows.some(torch.tensor(request.sample, device=rows.device))
            numbers = np.asarray(request.split.train)[request.sample]
            y = request.data.y[numbers]
            return request.train_error(numbers, y, lambda: self._prediction(rows, numbers))

    def _prediction(self, of: Rows, numbers: Any) -> Array:
        request, trainee = self.request, self.trainee
        task, y = request.task, request.data.y
        asked = torch.tensor(y[numbers], device=request.device) if task.task_type == "language" else None
        network = functools.partial(trainee.precision.run, trainee.network)
        return self.scale.restore(predict(network, of, task.task_type, task.n_outputs, asked=asked))


def _trainee(request: Request, rows: Rows, pace: Pace) -> Parts:
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
        precision=Precision.of(request.precision, device),
    )


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
