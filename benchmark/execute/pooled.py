"""Metrics that single folds do not define, computed on the predictions of all folds of a repeat together."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmark import data
from benchmark.metrics import METRICS, UndefinedMetric, scores
from benchmark.plan.splits import splits
from benchmark.records.store import featureless_errors
from benchmark.spec import Dataset, Splitting, Task

__all__ = ["Truth", "pooled", "truth_of"]

Array = npt.NDArray[Any]
Truth = Callable[[str, int, int], tuple[Array, Array | None]]
"""From task, repeat and fold to the target and the weights of the test rows."""

_RUN = ["role", "component", "host", "repeat", "seed", "setting", "replicate", "control"]
_MEASURED = ["error", "score", "validation_error", "train_error", "test_errors"]
_ANNOUNCED = "pooled over the folds"
"""How a record says that its own test rows do not define the metric."""


def pooled(
    records: pd.DataFrame,
    tasks: Mapping[str, Task],
    truth: Truth,
    prediction: Callable[[str], Array | None],
) -> pd.DataFrame:
    """The records, with one value for all folds of a repeat where single folds do not define the metric.

    That is so where a record is ok and has no error (an area under the curve of one class, say), and in
    leave-one-out, where every fold tests a single row (the root mean square of one error is its absolute
    value). All arms of such a (task, repeat) are pooled, so that they stay comparable: error, score and
    further metrics of each fold become those of the folds together, ``pooled`` is true and ``reason`` says
    so. Where a fold of an arm failed there is no such value, and its other folds fail with that reason.

    Parameters
    ----------
    records
        A study's :meth:`~benchmark.records.store.Store.record_table`.
    tasks
        By name.
    truth
        See :func:`truth_of`; asked only where something is pooled.
    prediction
        From a record's key to its test predictions, or None where they were not kept.
    """
    table = records.reset_index(drop=True).copy()
    wanted = _to_pool(table)
    if not wanted.any():
        return table
    columns: dict[str, Array] = {}
    for name in ("status", "reason", "pooled", *_MEASURED, *_metrics_of(table, tasks, wanted)):
        columns[name] = np.array(table[name] if name in table else np.full(len(table), np.nan))
    # Task by task, so that the truth of one is needed at a time.
    for (task, *_), rows in table[wanted].groupby(["task", *_RUN], sort=True):
        folds = rows.sort_values("fold")
        found = _together(folds, tasks[str(task)], truth, prediction)
        for name, value in _changes(folds, found, columns).items():
            columns[name][folds.index] = value
    known = [name for name in table if not name.startswith("metric_")]
    metrics = sorted({name for name in [*table, *columns] if name.startswith("metric_")})
    table = table.assign(**columns)[[*known, *metrics]]
    return table.assign(featureless_error=featureless_errors(table))


def truth_of(
    datasets: Mapping[str, Dataset], tasks: Mapping[str, Task], splitting: Splitting, seed: int
) -> Truth:
    """The truth about a study's tasks, read and split again when asked for; the last task is kept.

    Parameters
    ----------
    datasets, tasks
        By the name of the task.
    splitting, seed
        The study's.
    """

    @functools.lru_cache(maxsize=1)
    def tested(name: str) -> tuple[data.TaskData, dict[tuple[int, int], Array]]:
        table = data.load(datasets[name], tasks[name].fingerprint)
        drawn = splits(tasks[name], table.basis(), splitting, seed)
        return table, {(split.repeat, split.fold): split.test for split in drawn}

    def truth(task: str, repeat: int, fold: int) -> tuple[Array, Array | None]:
        table, tests = tested(task)
        rows = tests[repeat, fold]
        return table.y[rows], None if table.weights is None else table.weights[rows]

    return truth


def _to_pool(table: pd.DataFrame) -> pd.Series:
    """Which records belong to a (task, repeat) that is pooled."""
    place = [table["task"], table["repeat"]]
    ok = table["status"] == "ok"
    undefined = (ok & table["error"].isna()).groupby(place).transform("any")
    single = table["n_test"].where(ok).groupby(place).transform("max") == 1
    alone = single & (table["fold"].groupby(place).transform("nunique") > 1)
    return (undefined | alone) & ~table["pooled"]


def _metrics_of(table: pd.DataFrame, tasks: Mapping[str, Task], wanted: pd.Series) -> list[str]:
    """Columns of every further metric that pooling may fill or empty."""
    types = {tasks[name].task_type for name in table.loc[wanted, "task"].unique()}
    return [f"metric_{metric.name}" for metric in METRICS.values() if types & {*metric.task_types}]


def _together(
    folds: pd.DataFrame, task: Task, truth: Truth, prediction: Callable[[str], Array | None]
) -> dict[str, float] | str:
    """The measured columns of all folds together, or why there are none."""
    for fold, status, reason in folds.loc[folds["status"] != "ok", ["fold", "status", "reason"]].itertuples(
        index=False
    ):
        return f"cannot be pooled, since fold {fold} is {status}: {reason}"[:500]
    predictions, targets, weights = [], [], []
    for key, repeat, fold in folds[["key", "repeat", "fold"]].itertuples(index=False):
        kept = prediction(key)
        if kept is None:
            return f"cannot be pooled, since the predictions of fold {fold} are not kept"
        target, weighing = truth(task.name, repeat, fold)
        predictions.append(kept)
        targets.append(target)
        weights.append(weighing)
    y, predicted = np.concatenate(targets), np.concatenate(predictions)
    weighted = np.concatenate([part for part in weights if part is not None]) if task.weighted else None
    metric = METRICS[task.metric]
    try:
        score = metric.score(y, predicted, weighted)
    except UndefinedMetric as error:
        return f"{error}, in all {len(folds)} folds together"
    further = scores(y, predicted, task.task_type, weighted)
    return {
        "error": metric.error_of(score),
        "score": score,
        **{f"metric_{name}": value for name, value in further.items()},
    }


def _changes(
    folds: pd.DataFrame, found: Mapping[str, float] | str, columns: Mapping[str, Array]
) -> dict[str, Any]:
    """What pooling makes of the records of one repeat, by column."""
    metrics = {name: np.nan for name in columns if name.startswith("metric_")}
    if not isinstance(found, str):
        said = [_remark(reason, len(folds)) for reason in folds["reason"]]
        return {"reason": said, "pooled": True, **metrics, **found}
    was_ok = (folds["status"] == "ok").to_numpy()
    return {
        "status": folds["status"].where(~was_ok, "failed"),
        "reason": folds["reason"].where(~was_ok, found),
        **dict.fromkeys(_MEASURED, np.nan),
        **metrics,
    }


def _remark(reason: str, n_folds: int) -> str:
    before = reason.removesuffix(_ANNOUNCED).removesuffix("; ")
    return "; ".join(filter(None, [before, f"pooled over {n_folds} folds"]))
