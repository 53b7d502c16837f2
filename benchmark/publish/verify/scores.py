"""Whether the scores of a bundle are those of its predictions, and its labels those of the data."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmark.metrics import METRICS, UndefinedMetric, scores, test_errors
from benchmark.publish.bundle import Bundle
from benchmark.publish.layout import LABELS, PREDICTIONS, RECORDS, STUDY
from benchmark.publish.mismatch import Mismatch
from benchmark.records.store import featureless_errors
from benchmark.spec import CLASSIFICATION, Task

__all__ = ["Truths", "check_featureless", "check_labels", "check_predictions", "check_scores", "near"]

Array = npt.NDArray[Any]
Truths = Mapping[tuple[str, int, int], tuple[Array, Array | None]]
"""The true values of the test rows and their weights, by task, repeat and fold."""

_CLOSE = 1e-9
"""Relative difference of two numbers that count as the same: other processors add in another order."""


def near(found: float | None, expected: float | None) -> bool:
    """Whether two numbers are the same, both may be missing."""
    if found is None or expected is None or math.isnan(found) or math.isnan(expected):
        missing = [one is None or math.isnan(one) for one in (found, expected)]
        return missing[0] == missing[1]
    return math.isclose(found, expected, rel_tol=_CLOSE, abs_tol=1e-12)


def check_predictions(bundle: Bundle) -> Iterator[Mismatch]:
    """Predictions without a record that is ok, and records that are ok without predictions."""
    records = bundle.records
    ok = dict.fromkeys(records.loc[records["status"] == "ok", "key"])
    places = {row.key: row for row in records.itertuples(index=False)}
    for key in ok:
        if key not in bundle.predictions:
            yield Mismatch(
                PREDICTIONS, _place(places[key]), "has none", "predictions, since the record is ok"
            )
    for key in bundle.predictions:
        if key not in ok:
            said = "of a record that is not ok" if key in places else "of no record"
            yield Mismatch(PREDICTIONS, f"key {key[:16]}", said, "none")


def check_labels(bundle: Bundle, data: Truths) -> Iterator[Mismatch]:
    """Labels that differ from the data on this machine, or belong to no split of the study."""
    splits = {
        (task, one.repeat, one.fold): one.n_test
        for task, found in bundle.document.splits.items()
        for one in found
    }
    for at, (y, weights) in bundle.labels.items():
        where = "{}, repeat {}, fold {}".format(*at)
        if at not in splits:
            yield Mismatch(LABELS, where, "is there", f"none: {STUDY} has no such split")
        elif len(y) != splits[at]:
            yield Mismatch(LABELS, where, f"{len(y)} rows", f"{splits[at]}, as {STUDY} says")
        elif at in data:
            true, weighing = data[at]
            wrong = int((~_same(y, true)).sum())
            if wrong:
                yield Mismatch(LABELS, where, f"{wrong} of {len(y)} other than in the data here", "none")
            if (weights is None) != (weighing is None) or (
                weights is not None and weighing is not None and not np.array_equal(weights, weighing)
            ):
                yield Mismatch(LABELS, where, "other weights than the data here", "the same")


def check_scores(bundle: Bundle, truths: Truths, count: Counter[str]) -> Iterator[Mismatch]:
    """Records whose error, score or further metrics are not those of their predictions.

    Parameters
    ----------
    truths
        Where there is none of a split its records are left out.
    count
        Counts under ``scores`` the numbers that were held against predictions.
    """
    records, tasks = bundle.records, bundle.document.tasks
    metrics = [name for name in records if str(name).startswith("metric_")]
    for row in records.to_dict("records"):
        task = tasks.get(row["task"])
        at = (row["task"], row["repeat"], row["fold"])
        if task is None:
            continue  # is in no plan, and named there
        if row["metric"] != task.metric and row["status"] == "ok":
            yield Mismatch(
                RECORDS, f"{_words(row)}: metric", str(row["metric"]), f"{task.metric}, as {STUDY} says"
            )
        if row["status"] != "ok":
            numbers = [name for name in ("error", "score", *metrics) if not math.isnan(row[name])]
            if numbers:
                yield Mismatch(
                    RECORDS, f"{_words(row)}: {numbers[0]}", str(row[numbers[0]]), "none: it is not ok"
                )
        elif at in truths and row["key"] in bundle.predictions:
            expected = _expected(bundle.predictions[row["key"]], *truths[at], task)
            if isinstance(expected, str):
                yield Mismatch(
                    PREDICTIONS, _words(row), expected, f"predictions of {len(truths[at][0])} rows"
                )
                continue
            count["scores"] += len(expected)
            for name, value in expected.items():
                if not near(row.get(name), value):
                    yield Mismatch(
                        RECORDS, f"{_words(row)}: {name}", str(row.get(name)), f"{value}, by its predictions"
                    )
            for name in metrics:
                if name not in expected and not math.isnan(row[name]):
                    yield Mismatch(
                        RECORDS, f"{_words(row)}: {name}", str(row[name]), "none, by its predictions"
                    )


def check_featureless(bundle: Bundle) -> Iterator[Mismatch]:
    """Where the error that stands for failures is not that of the study's featureless reference."""
    records = bundle.records
    expected = featureless_errors(records)
    for row, error in zip(records.to_dict("records"), expected.tolist(), strict=True):
        if not near(row["featureless_error"], error):
            said = "none" if math.isnan(error) else f"{error}, as the featureless reference has"
            yield Mismatch(RECORDS, f"{_words(row)}: featureless_error", str(row["featureless_error"]), said)


def _expected(
    prediction: Array, y: Array, weights: Array | None, task: Task
) -> dict[str, float | None] | str:
    """Every number that follows from predictions, or what is wrong with them."""
    metric = METRICS[task.metric]
    try:
        try:
            score: float | None = metric.score(y, prediction, weights)
        except UndefinedMetric:
            score = None
        found = scores(y, prediction, task.task_type, weights)
        wrong = test_errors(y, prediction) if task.task_type in CLASSIFICATION else None
    except (ValueError, IndexError, TypeError) as error:
        return f"cannot be scored: {' '.join(str(error).split())[:200]}"
    return {
        "error": None if score is None else metric.error_of(score),
        "score": score,
        "test_errors": None if wrong is None else float(wrong),
        **{f"metric_{name}": value for name, value in found.items()},
    }


def _same(first: Array, second: Array) -> Array:
    """Which rows are the same."""
    if first.shape != second.shape:
        return np.zeros(len(first), bool)
    same = (first == second) | ((first != first) & (second != second))
    rows: Array = same.reshape(len(first), -1).all(axis=1)
    return rows


def _place(row: Any) -> str:
    return _words(row._asdict())


def _words(row: Mapping[str, Any]) -> str:
    """The record of which the row is, as people read it."""
    names = [str(row[name]) for name in ("role", "component", "host", "task") if str(row[name])]
    numbers = [f"{name} {row[name]}" for name in ("repeat", "fold", "seed", "setting")]
    rest = [f"{name} {row[name]}" for name in ("replicate", "control") if row.get(name)]
    return ", ".join([*names, *numbers, *rest])
