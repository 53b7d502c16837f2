"""From a card to a task's arrays, and from the arrays to the facts that planning needs."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

from benchmark import metrics
from benchmark.data import (
    bundled,
    cache,
    files,
    generated,
    images,
    openml,
    sequences,
    subsample,
    table,
    texts,
)
from benchmark.data.fingerprint import fingerprint as fingerprint_of
from benchmark.data.fingerprint import row_digests
from benchmark.data.raw import Raw
from benchmark.data.taskdata import TaskData
from benchmark.errors import RequestError, nearest
from benchmark.spec import Dataset, Task

__all__ = ["SOURCES", "Source", "at_hand", "describe", "load"]


T = TypeVar("T")
Former = Callable[[Raw, Dataset, str], TaskData]


class Source(NamedTuple):
    """A place that data comes from."""

    read: Callable[[Dataset], Raw]
    stamp: Callable[[Dataset], str]
    """Text that changes whenever what ``read`` returns may have changed."""


SOURCES: Mapping[str, Source] = {
    "bundled": Source(bundled.read, bundled.stamp),
    "file": Source(files.read, files.stamp),
    "generated": Source(generated.read, generated.stamp),
    "openml": Source(openml.read, openml.stamp),
}
"""By a card's ``source``."""

_FORMERS: Mapping[str, Former] = {
    "tabular": table.to_task_data,
    "image": images.to_task_data,
    "sequence": sequences.to_task_data,
    "text": texts.to_task_data,
}
"""How what was read becomes typed arrays, by a card's ``modality``."""


def load(dataset: Dataset, fingerprint: str = "") -> TaskData:
    """The arrays of a card's task: parsed once, then memory-mapped from the cache.

    Parameters
    ----------
    dataset
        The card.
    fingerprint
        What the data must be, where it was loaded before.

    Raises
    ------
    RequestError
        Names the card, the key and the nearest valid value: for a location or column that is not there,
        data that cannot be read, and a target or column that nothing could be learned from; also when the
        data is no longer what ``fingerprint`` says, or changes whenever it is read.
    """
    where = dataset.file or dataset.name
    source = _choose("source", dataset.source, SOURCES, where)
    former = _choose("modality", dataset.modality, _FORMERS, where)
    data = cache.find(_request(dataset, source.stamp(dataset)))
    if data is None:
        data, stamp = _settled(dataset, source, former, where)
        finished = dataclasses.replace(data, fingerprint=fingerprint_of(data), row_digests=row_digests(data))
        data = cache.keep(_request(dataset, stamp), finished, dataset.name)
    if fingerprint and data.fingerprint != fingerprint:
        raise RequestError(f"{where}: the data has changed since the study was planned; plan it again")
    return data


def at_hand(dataset: Dataset) -> bool:
    """Whether the data of a card is on this machine, so that :func:`load` asks nobody for it."""
    try:
        return SOURCES[dataset.source].stamp(dataset) != ""
    except RequestError:
        return False


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
        # Two cards of one file are of one origin, unless they say otherwise.
        origin=dataset.origin or data.origin or Path(dataset.location).name.partition(".")[0] or dataset.name,
        modality=data.modality,
        task_type=data.task_type,
        metric=metrics.choose(metric or dataset.metric, data.task_type, where).name,
        n_rows=len(data),
        n_features=data.n_features,
        n_classes=len(data.classes),
        fingerprint=data.fingerprint,
        horizon=data.y.shape[1] if data.task_type == "forecasting" else 0,
        weighted=data.weights is not None,
        missing=data.missing,
        generated=dataset.source == "generated",
        notes=data.notes,
    )


def _settled(dataset: Dataset, source: Source, former: Former, where: str) -> tuple[TaskData, str]:
    """What is read, and the stamp that held from before the reading to its end; a second try is the last."""
    for _ in range(2):
        before = source.stamp(dataset)
        if dataset.rows is None:
            data = former(source.read(dataset), dataset, where)
        else:
            data = subsample.of(load(dataclasses.replace(dataset, rows=None)), dataset.rows, where)
        after = source.stamp(dataset)
        if before in ("", after):  # where nothing was, the source has fetched what it then read
            return data, after
    raise RequestError(
        f"{where}: location: '{dataset.location}' changes while it is read; wait until it is whole"
    )


def _choose(key: str, value: str, choices: Mapping[str, T], where: str) -> T:
    if value not in choices:
        raise RequestError(f"{where}: {key}: there is no {key} '{value}'; {nearest(value, choices)}")
    return choices[value]


def _request(dataset: Dataset, stamp: str) -> str:
    """Digest of everything that decides what loading a card gives; names are not in it."""
    card = dataclasses.asdict(dataset)
    for key in ("name", "file", "about", "origin", "metric"):
        del card[key]
    text = json.dumps([card, stamp, cache.code_digest()], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
