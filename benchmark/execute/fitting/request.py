"""What is asked of a family of pipelines, and what comes back."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmark.data import TaskData
from benchmark.execute.fitting.assemble import Makers
from benchmark.execute.fitting.prepared import Prepared, prepare
from benchmark.execute.fitting.train import Diverged
from benchmark.execute.limits import FitTimeout
from benchmark.execute.profile import phase
from benchmark.metrics import Metric
from benchmark.plan.seeds import derive
from benchmark.spec import Budget, Pipeline, Seeds, Split, Task

__all__ = ["Fit", "Request", "finite"]

Array = npt.NDArray[Any]

SAMPLE, TEXTS = 1000, 100
"""How many training rows stand for all; of a text fewer blocks, since every position of one is asked."""


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
    train_error: float | None = None
    """The metric's error on :attr:`Request.sample`; None where nobody asked, where these rows do not define
    the metric, and where they could not be predicted, which costs the fit nothing else."""


@dataclass(frozen=True, eq=False)
class Request:
    """Everything that a family needs to know for one fit."""

    pipeline: Pipeline
    make: Makers
    data: TaskData
    task: Task
    split: Split
    metric: Metric
    budget: Budget
    seeds: Seeds
    device: str
    precision: str
    sampled: bool = False
    """Whether the error on :attr:`sample` is asked for."""

    @property
    def sample(self) -> Array:
        """Places in the training part, ascending, of the rows that stand for all: at most SAMPLE of them.

        Drawn by the split alone, so that all arms of a block are asked about the same rows.
        """
        return _drawn(len(self.split.train), self.split.digest, self.task.task_type)

    def prepared(self, **conversion: Any) -> Prepared:
        """The parts of the split, preprocessed."""
        component = self.pipeline.components["preprocessor"]
        with phase("preprocess"):
            return prepare(self.data, self.split, component, self.make["preprocessor"], **conversion)

    def weights(self, rows: Any) -> Array | None:
        """Weights of some rows; None where all count the same."""
        return None if self.data.weights is None else self.data.weights[rows]

    def validation_error(self, prediction: Array) -> float:
        """The metric's error on the validation rows."""
        rows = self.split.validation
        return self.metric.error(self.data.y[rows], prediction, self.weights(rows))

    def train_error(self, rows: Any, y: Array, predict: Callable[[], Array]) -> float | None:
        """The metric's error on the training rows of :attr:`sample`, as :attr:`Fit.train_error` says.

        None also where it cannot be told, whatever the reason, the fit's limits included: the fit is done.
        """
        try:
            error = self.metric.error(y, predict(), self.weights(rows))
        except (Exception, FitTimeout):
            return None
        return error if math.isfinite(error) else None


@functools.lru_cache(maxsize=64)
def _drawn(n_rows: int, digest: str, task_type: str) -> Array:
    most = TEXTS if task_type == "language" else SAMPLE
    if n_rows <= most:
        return np.arange(n_rows)
    order = np.random.default_rng(derive("sample", digest)).permutation(n_rows)
    return np.sort(order[:most])


def finite(prediction: npt.NDArray[np.float32], part: str) -> npt.NDArray[np.float32]:
    """The prediction of a part of the split.

    Raises
    ------
    Diverged
        When it is not finite.
    """
    if not np.isfinite(prediction).all():
        raise Diverged(f"the prediction of the {part} rows is not finite")
    return prediction
