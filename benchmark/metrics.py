"""How good predictions are: every metric, its direction, and its form as an error.

Predictions are float32 probabilities ``(n_rows, n_classes)`` with one column per class code, or float32
values ``(n_rows,)``; everything is computed in float64. Plain numpy, since a metric is asked for at every
early-stopping evaluation of small arrays, where argument checking costs more than the arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from benchmark.errors import RequestError, nearest

__all__ = ["DEFAULTS", "METRICS", "Metric", "UndefinedMetric", "choose", "scores", "test_errors"]

Array = npt.NDArray[Any]
EPSILON = float(np.finfo(np.float32).eps)


class UndefinedMetric(ValueError):
    """These rows do not define the metric: an area under the curve of one class, say."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One way to score predictions."""

    name: str
    function: Callable[[Array, Array], float]
    """``(y, prediction)`` to the score in the metric's own direction, in float64."""
    direction: Literal["max", "min"]
    task_types: tuple[str, ...]
    best: float = 1.0
    """Score of a perfect prediction; the error is ``best - score`` where more is better."""

    @property
    def needs(self) -> Literal["probabilities", "values"]:
        """What a prediction is made of."""
        return "values" if self.task_types == ("regression",) else "probabilities"

    def score(self, y: Array, prediction: Array) -> float:
        """The metric in its own direction.

        Parameters
        ----------
        y
            Class codes or values ``(n_rows,)``.
        prediction
            Probabilities ``(n_rows, n_classes)`` or values ``(n_rows,)``.

        Raises
        ------
        UndefinedMetric
            When these rows do not define the metric.
        ValueError
            For arrays whose shapes do not fit, or a prediction or score that is not finite.
        """
        dimensions = 2 if self.needs == "probabilities" else 1
        if y.ndim != 1 or prediction.ndim != dimensions or len(y) != len(prediction):
            raise ValueError(f"{self.name}: shapes do not fit: {y.shape=}, {prediction.shape=}")
        if not len(y):
            raise UndefinedMetric(f"{self.name} is not defined without rows")
        if not np.isfinite(prediction).all():
            raise ValueError(f"{self.name}: the prediction is not finite")
        score = self.function(y, prediction.astype(np.float64))
        if not math.isfinite(score):
            raise ValueError(f"{self.name}: the score overflows to {score}")
        return score

    def error(self, y: Array, prediction: Array) -> float:
        """The metric as an error: at least 0, smaller is better; raises what :meth:`score` raises."""
        score = self.score(y, prediction)
        return max(0.0, self.best - score) if self.direction == "max" else score


def _roc_auc(y: Array, prediction: Array) -> float:
    """Share of (positive, negative) pairs in the right order, ties counting half (Mann-Whitney's U)."""
    of_positives, of_negatives = prediction[y == 1, 1], np.sort(prediction[y == 0, 1])
    pairs = len(of_positives) * len(of_negatives)
    if not pairs:
        raise UndefinedMetric("roc_auc is not defined where only one class is present")
    below = np.searchsorted(of_negatives, of_positives, side="left").sum()
    not_above = np.searchsorted(of_negatives, of_positives, side="right").sum()
    return float(below + not_above) / (2 * pairs)


def _log_loss(y: Array, prediction: Array) -> float:
    clipped = np.clip(prediction, EPSILON, 1.0)
    return float(np.mean(np.log(clipped.sum(axis=1)) - np.log(clipped[np.arange(len(y)), y])))


def _brier(y: Array, prediction: Array) -> float:
    """Mean squared distance to the one-hot target, halved for two classes (Brier 1950; as scikit-learn)."""
    distance = prediction.copy()
    distance[np.arange(len(y)), y] -= 1.0
    squared = float(np.mean(np.sum(distance**2, axis=1)))
    return squared / 2 if prediction.shape[1] == 2 else squared


def _accuracy(y: Array, prediction: Array) -> float:
    return float(np.mean(prediction.argmax(axis=1) == y))


def _counts(y: Array, prediction: Array) -> tuple[Array, Array, Array]:
    """Hits, true rows and predicted rows of every class, each ``(n_classes,)``."""
    predicted, n_classes = prediction.argmax(axis=1), prediction.shape[1]
    hits = np.bincount(y[predicted == y], minlength=n_classes)
    return hits, np.bincount(y, minlength=n_classes), np.bincount(predicted, minlength=n_classes)


def _balanced_accuracy(y: Array, prediction: Array) -> float:
    """Mean recall over the classes that are present."""
    hits, true, _ = _counts(y, prediction)
    present = true > 0
    return float(np.mean(hits[present] / true[present]))


def _f1_macro(y: Array, prediction: Array) -> float:
    """Mean F1 over the classes that are present or predicted."""
    hits, true, predicted = _counts(y, prediction)
    seen = true + predicted > 0
    return float(np.mean(2 * hits[seen] / (true + predicted)[seen]))


def _rmse(y: Array, prediction: Array) -> float:
    return float(np.sqrt(np.mean((prediction - y) ** 2)))


def _mae(y: Array, prediction: Array) -> float:
    return float(np.mean(np.abs(prediction - y)))


def _r2(y: Array, prediction: Array) -> float:
    spread = float(np.sum((y - np.mean(y)) ** 2))
    if spread == 0:
        raise UndefinedMetric("r2 is not defined where the target is constant")
    return 1.0 - float(np.sum((y - prediction) ** 2)) / spread


_CLASSES = ("binary", "multiclass")

METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("roc_auc", _roc_auc, "max", ("binary",)),
        Metric("log_loss", _log_loss, "min", _CLASSES, best=0.0),
        Metric("accuracy", _accuracy, "max", _CLASSES),
        Metric("balanced_accuracy", _balanced_accuracy, "max", _CLASSES),
        Metric("f1_macro", _f1_macro, "max", _CLASSES),
        Metric("brier", _brier, "min", _CLASSES, best=0.0),
        Metric("rmse", _rmse, "min", ("regression",), best=0.0),
        Metric("mae", _mae, "min", ("regression",), best=0.0),
        Metric("r2", _r2, "max", ("regression",)),
    )
}
"""Every metric by its name."""

DEFAULTS: Mapping[str, str] = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}
"""The metric of a task that names none, by task type, as in the AutoML Benchmark and TabArena."""


def choose(name: str | None, task_type: str, where: str) -> Metric:
    """The metric called ``name``, or the task type's own where ``name`` is None.

    Raises
    ------
    RequestError
        For a metric that is not defined for ``task_type``; ``where`` is what the line begins with.
    """
    metric = METRICS.get(DEFAULTS[task_type] if name is None else name)
    if metric is None or task_type not in metric.task_types:
        suitable = [metric.name for metric in METRICS.values() if task_type in metric.task_types]
        hint = nearest(str(name), suitable)
        raise RequestError(f"{where}: there is no metric '{name}' for {task_type} tasks; {hint}")
    return metric


def scores(y: Array, prediction: Array, task_type: str) -> dict[str, float]:
    """Every metric of the task type that these rows define, by name, each in its own direction."""
    found = {}
    for metric in METRICS.values():
        if task_type in metric.task_types:
            try:
                found[metric.name] = metric.score(y, prediction)
            except UndefinedMetric:
                continue
    return found


def test_errors(y: Array, prediction: Array) -> int:
    """Number of misclassified rows; codes ``(n_rows,)``, probabilities ``(n_rows, n_classes)``."""
    return int(np.count_nonzero(prediction.argmax(axis=1) != y))
