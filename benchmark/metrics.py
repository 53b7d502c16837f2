"""How good predictions are: every metric, its direction, and its form as an error.

A prediction is float32, by the task's type: probabilities ``(n_rows, n_classes)``, one column per class code;
values ``(n_rows,)``; a forecast's values ``(n_rows, horizon)``; or, of a language task, the probability given
to the true class at every position ``(n_rows, time)``, since those of every class would be as many times
larger as there are classes. Everything is computed in float64. Plain numpy, since a metric is asked for at
every early-stopping evaluation of small arrays, where argument checking costs more than the arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from benchmark.errors import RequestError, nearest
from benchmark.spec import CLASSIFICATION

__all__ = ["DEFAULTS", "METRICS", "Metric", "UndefinedMetric", "choose", "scores", "test_errors"]

Array = npt.NDArray[Any]
EPSILON = float(np.finfo(np.float32).eps)


class UndefinedMetric(ValueError):
    """These rows do not define the metric: an area under the curve of one class, say."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One way to score predictions."""

    name: str
    function: Callable[[Array, Array, Array | None], float]
    """``(y, prediction, weights)`` to the score in the metric's own direction, in float64."""
    direction: Literal["max", "min"]
    task_types: tuple[str, ...]
    best: float = 1.0
    """Score of a perfect prediction; the error is the distance from it."""

    @property
    def needs(self) -> Literal["probabilities", "values", "likelihoods"]:
        """What a prediction is made of; likelihoods are the probabilities of what came true."""
        task_type = self.task_types[0]
        if task_type in CLASSIFICATION:
            return "probabilities"
        return "likelihoods" if task_type == "language" else "values"

    def score(self, y: Array, prediction: Array, weights: Array | None = None) -> float:
        """The metric in its own direction.

        Parameters
        ----------
        y
            Class codes or values ``(n_rows,)``; values ``(n_rows, horizon)`` of a forecast; class codes
            ``(n_rows, time)`` of a language task, -1 where nothing is asked.
        prediction
            Probabilities ``(n_rows, n_classes)``, or values or likelihoods in the shape of ``y``.
        weights
            Row weights ``(n_rows,)``, positive; None: every row counts the same. All steps and positions of
            a row carry its weight.

        Raises
        ------
        UndefinedMetric
            When these rows do not define the metric.
        ValueError
            For arrays whose shapes do not fit, or a prediction or score that is not finite.
        """
        return self._of(y, self._checked(y, prediction, weights), weights)

    def _checked(self, y: Array, prediction: Array, weights: Array | None) -> Array:
        """The prediction in float64, once it is known to fit; the same for all metrics of a task type."""
        needs = self.needs
        if needs == "probabilities":
            fits = y.ndim == 1 and prediction.ndim == 2 and len(y) == len(prediction)
        else:
            fits = y.shape == prediction.shape and y.ndim in ((2,) if needs == "likelihoods" else (1, 2))
        if not fits or (weights is not None and weights.shape != y.shape[:1]):
            shapes = f"{y.shape=}, {prediction.shape=}"
            shapes += "" if weights is None else f", {weights.shape=}"
            raise ValueError(f"{self.name}: shapes do not fit: {shapes}")
        if not y.size:
            raise UndefinedMetric(f"{self.name} is not defined without rows")
        if not np.isfinite(prediction).all():
            raise ValueError(f"{self.name}: the prediction is not finite")
        return prediction.astype(np.float64)

    def _of(self, y: Array, prediction: Array, weights: Array | None) -> float:
        """The score of a prediction that fits."""
        score = self.function(y, prediction, weights)
        if not math.isfinite(score):
            raise ValueError(f"{self.name}: the score overflows to {score}")
        return score

    def error(self, y: Array, prediction: Array, weights: Array | None = None) -> float:
        """The metric as an error: at least 0, smaller is better; arguments and errors as :meth:`score`."""
        return self.error_of(self.score(y, prediction, weights))

    def error_of(self, score: float) -> float:
        """A score of this metric as an error."""
        return max(0.0, self.best - score if self.direction == "max" else score - self.best)


def _mean(of_rows: Array, weights: Array | None) -> float:
    """Mean over rows, and over the steps of each ``(n_rows, horizon)``."""
    if weights is None:
        return float(np.add.reduce(of_rows, axis=None, dtype=np.float64)) / of_rows.size
    return float(weights @ (of_rows if of_rows.ndim == 1 else of_rows.mean(axis=1)) / weights.sum())


def _roc_auc(y: Array, prediction: Array, weights: Array | None) -> float:
    """Share of (positive, negative) pairs in the right order, ties counting half (Mann-Whitney's U).

    A pair weighs the product of its rows' weights.
    """
    of_positives, of_negatives = prediction[y == 1, 1], prediction[y == 0, 1]
    if not len(of_positives) or not len(of_negatives):
        raise UndefinedMetric("roc_auc is not defined where only one class is present")
    if weights is None:
        ordered = np.sort(of_negatives)
        below = np.searchsorted(ordered, of_positives, side="left").sum()
        not_above = np.searchsorted(ordered, of_positives, side="right").sum()
        return float(below + not_above) / (2 * len(of_positives) * len(of_negatives))
    order = np.argsort(of_negatives)
    ordered, of_pairs = of_negatives[order], weights[y == 1]
    weight_below = np.concatenate([[0.0], np.cumsum(weights[y == 0][order])])
    below = of_pairs @ weight_below[np.searchsorted(ordered, of_positives, side="left")]
    not_above = of_pairs @ weight_below[np.searchsorted(ordered, of_positives, side="right")]
    return float((below + not_above) / (2 * of_pairs.sum() * weight_below[-1]))


def _log_loss(y: Array, prediction: Array, weights: Array | None) -> float:
    clipped = np.minimum(np.maximum(prediction, EPSILON), 1.0)
    return _mean(np.log(clipped.sum(axis=1)) - np.log(clipped[np.arange(len(y)), y]), weights)


def _brier(y: Array, prediction: Array, weights: Array | None) -> float:
    """Mean squared distance to the one-hot target, halved for two classes (Brier 1950; as scikit-learn)."""
    distance = prediction.copy()
    distance[np.arange(len(y)), y] -= 1.0
    squared = _mean(np.sum(distance**2, axis=1), weights)
    return squared / 2 if prediction.shape[1] == 2 else squared


def _accuracy(y: Array, prediction: Array, weights: Array | None) -> float:
    return _mean(prediction.argmax(axis=1) == y, weights)


def _counts(y: Array, prediction: Array, weights: Array | None) -> tuple[Array, Array, Array]:
    """Hits, true rows and predicted rows of every class, each ``(n_classes,)``; weights instead of rows."""
    predicted, n_classes = prediction.argmax(axis=1), prediction.shape[1]
    hit = predicted == y
    hits = np.bincount(y[hit], None if weights is None else weights[hit], minlength=n_classes)
    true = np.bincount(y, weights, minlength=n_classes)
    return hits, true, np.bincount(predicted, weights, minlength=n_classes)


def _balanced_accuracy(y: Array, prediction: Array, weights: Array | None) -> float:
    """Mean recall over the classes that are present."""
    hits, true, _ = _counts(y, prediction, weights)
    present = true > 0
    return _mean(hits[present] / true[present], None)


def _f1_macro(y: Array, prediction: Array, weights: Array | None) -> float:
    """Mean F1 over the classes that are present or predicted."""
    hits, true, predicted = _counts(y, prediction, weights)
    seen = true + predicted > 0
    return _mean(2 * hits[seen] / (true + predicted)[seen], None)


def _rmse(y: Array, prediction: Array, weights: Array | None) -> float:
    return math.sqrt(_mean((prediction - y) ** 2, weights))


def _mae(y: Array, prediction: Array, weights: Array | None) -> float:
    return _mean(np.abs(prediction - y), weights)


def _r2(y: Array, prediction: Array, weights: Array | None) -> float:
    spread = _mean((y - np.average(y, weights=weights)) ** 2, weights)
    if spread == 0:
        raise UndefinedMetric("r2 is not defined where the target is constant")
    return 1.0 - _mean((y - prediction) ** 2, weights) / spread


def _bits(y: Array, prediction: Array, weights: Array | None) -> float:
    """Mean of -log2 of the true class's probability over the positions that are asked."""
    asked = y >= 0
    if not asked.any():
        raise UndefinedMetric("bits_per_character is not defined where nothing is asked")
    bits = -np.log2(np.clip(prediction[asked], EPSILON, 1.0))
    return _mean(bits, None if weights is None else np.repeat(weights, asked.sum(axis=1)))


def _perplexity(y: Array, prediction: Array, weights: Array | None) -> float:
    return math.exp2(_bits(y, prediction, weights))


_VALUES = ("regression", "forecasting")

METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("roc_auc", _roc_auc, "max", ("binary",)),
        Metric("log_loss", _log_loss, "min", CLASSIFICATION, best=0.0),
        Metric("accuracy", _accuracy, "max", CLASSIFICATION),
        Metric("balanced_accuracy", _balanced_accuracy, "max", CLASSIFICATION),
        Metric("f1_macro", _f1_macro, "max", CLASSIFICATION),
        Metric("brier", _brier, "min", CLASSIFICATION, best=0.0),
        Metric("rmse", _rmse, "min", _VALUES, best=0.0),
        Metric("mae", _mae, "min", _VALUES, best=0.0),
        Metric("r2", _r2, "max", ("regression",)),
        Metric("bits_per_character", _bits, "min", ("language",), best=0.0),
        Metric("perplexity", _perplexity, "min", ("language",), best=1.0),
    )
}
"""Every metric by its name."""

DEFAULTS: Mapping[str, str] = {
    "binary": "roc_auc",
    "multiclass": "log_loss",
    "regression": "rmse",
    "forecasting": "mae",
    "language": "bits_per_character",
}
"""The metric of a task that names none, by task type; of tables as in the AutoML Benchmark and TabArena."""


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


def scores(y: Array, prediction: Array, task_type: str, weights: Array | None = None) -> dict[str, float]:
    """Every metric of the task type that these rows define, by name, each in its own direction."""
    found: dict[str, float] = {}
    wide: Array | None = None
    for metric in METRICS.values():
        if task_type in metric.task_types:
            try:
                wide = metric._checked(y, prediction, weights) if wide is None else wide
                found[metric.name] = metric._of(y, wide, weights)
            except UndefinedMetric:
                continue
    return found


def test_errors(y: Array, prediction: Array) -> int:
    """Number of misclassified rows; codes ``(n_rows,)``, probabilities ``(n_rows, n_classes)``."""
    return int(np.count_nonzero(prediction.argmax(axis=1) != y))
