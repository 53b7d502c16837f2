"""What is asked of a family of pipelines, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmark.data import TaskData
from benchmark.execute.fitting.assemble import Makers
from benchmark.execute.fitting.prepared import Prepared, prepare
from benchmark.execute.fitting.train import Diverged
from benchmark.execute.profile import phase
from benchmark.metrics import Metric
from benchmark.spec import Budget, Pipeline, Seeds, Split, Task

__all__ = ["Fit", "Request", "finite"]

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
