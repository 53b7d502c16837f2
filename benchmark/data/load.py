"""From a card to a task's arrays, and from the arrays to the facts that planning needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from benchmark import metrics
from benchmark.data import bundled, files
from benchmark.data.fingerprint import fingerprint
from benchmark.data.table import TaskData, to_task_data
from benchmark.errors import RequestError, nearest
from benchmark.spec import Dataset, Task

__all__ = ["SOURCES", "describe", "load"]

SOURCES: Mapping[str, Callable[[Dataset], pd.DataFrame]] = {"bundled": bundled.read, "file": files.read}
"""How a card's ``source`` becomes a raw table, target included."""


def load(dataset: Dataset) -> TaskData:
    """The arrays of a card's task.

    Raises
    ------
    RequestError
        Names the card, the key and the nearest valid value: for a location or column that is not there, a
        table that cannot be read, and a target or column that nothing could be learned from.
    """
    where = dataset.file or dataset.name
    if dataset.source not in SOURCES:
        hint = nearest(dataset.source, SOURCES)
        raise RequestError(f"{where}: source: there is no source '{dataset.source}'; {hint}")
    return to_task_data(SOURCES[dataset.source](dataset), dataset, where)


def describe(dataset: Dataset, data: TaskData, metric: str | None = None) -> Task:
    """The facts of a task.

    Parameters
    ----------
    dataset
        The card that ``data`` was loaded by.
    data
        The arrays.
    metric
        Overrides the card's own metric; without either, the task type's default.

    Raises
    ------
    RequestError
        For a metric that the task type does not have.
    """
    where = f"metric={metric}: {dataset.name}" if metric else f"{dataset.file or dataset.name}: metric"
    return Task(
        name=dataset.name,
        origin=dataset.origin,
        modality=dataset.modality,
        task_type=data.task_type,
        metric=metrics.choose(metric or dataset.metric, data.task_type, where).name,
        n_rows=len(data.X),
        n_features=data.X.shape[1],
        n_classes=len(data.classes),
        fingerprint=fingerprint(data),
    )
