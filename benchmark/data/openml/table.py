"""A task of OpenML's as a table with the types that OpenML declares."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd

from benchmark.data.openml.address import Address
from benchmark.data.openml.client import PATIENCE, client
from benchmark.data.openml.download import whole
from benchmark.data.openml.features import Feature, declared, typed
from benchmark.data.openml.frames import frame_of
from benchmark.data.openml.refusals import Refused
from benchmark.data.openml.splits import own_splits, without
from benchmark.data.raw import Raw
from benchmark.errors import RequestError
from benchmark.spec import Dataset

__all__ = ["read"]

_REGRESSION = 2
"""OpenML's number of the task type."""


def read(dataset: Dataset, *, patience: float = PATIENCE) -> Raw:
    """A task's table, target and official splits; downloaded first where they are in no cache.

    Nominal columns and strings become categories, numbers float64, whatever the file's writer or the client
    made of them. Columns that OpenML declares to identify rows, or to be ignored, are left out unless the
    card gives them a role; so are rows without a target, in the splits too. A class that never occurs does
    not count.

    Parameters
    ----------
    dataset
        A card whose location is a task of OpenML.
    patience
        Seconds of silence after which an answer is given up.

    Raises
    ------
    RequestError
        When the task cannot be had, or is not what OpenML declares.
    """
    files, _ = whole(dataset, patience=patience)
    address = Address.of(dataset)
    try:
        features = declared(files)
        with client(address.server, files, patience) as at_work:
            task = at_work.openml.tasks.get_task(
                address.number, download_data=False, download_qualities=False
            )
            data = at_work.openml.datasets.get_dataset(task.dataset_id, download_data=True)
            frame = frame_of(data)
            splits = own_splits(task, len(frame))
        seen, hidden = _seen(frame, features, data, _wanted(dataset, task.target_name))
        columns = {feature.name: typed(frame[feature.name], feature) for feature in seen}
        if task.target_name not in columns:
            raise Refused(f"its target '{task.target_name}' is none of the columns of its data")
    except Refused as error:
        folders = " and ".join(sorted({str(path.parent) for path in files.values()}))
        raise RequestError(f"{address.where}: {error} (its files are in {folders})") from error
    table = pd.DataFrame(columns)
    gone = table[task.target_name].isna().to_numpy()
    target = table[task.target_name][~gone]
    return Raw(
        table[~gone].reset_index(drop=True),
        task.target_name,
        "regression" if task.task_type_id.value == _REGRESSION else _classes(target),
        declared=True,
        own=without(splits, gone),
        origin=re.sub(r"[^a-z0-9]+", "_", data.name.lower()).strip("_"),
        notes=tuple(_notes(seen, hidden, task.target_name, int(gone.sum()), target)),
    )


def _wanted(dataset: Dataset, target: str) -> set[str]:
    """Columns that are kept whatever OpenML says of them."""
    roles = {dataset.target, dataset.groups, dataset.time, dataset.weights, dataset.split}
    return {target, *dataset.categorical, *dataset.numeric, *(role for role in roles if role)}


def _seen(
    frame: pd.DataFrame, features: Sequence[Feature], data: Any, wanted: set[str]
) -> tuple[list[Feature], list[Feature]]:
    """The columns that the task sees, by the names of the data's own file, and those that are left out."""
    if len(features) != frame.shape[1]:
        raise Refused(f"its data has {frame.shape[1]} columns, and OpenML declares {len(features)}")
    listed = {name for name in (*(data.ignore_attribute or ()), data.row_id_attribute) if name}
    # Some descriptions hold one text for several columns: "a,b".
    listed |= {part.strip() for text in listed.difference(frame.columns) for part in text.split(",")}
    seen: list[Feature] = []
    hidden: list[Feature] = []
    # Columns correspond by place: OpenML's files do not all write a quote inside a name in the same way.
    for name, feature in zip(map(str, frame.columns), features, strict=True):
        leaves = (feature.hidden or name in listed) and name not in wanted
        (hidden if leaves else seen).append(dataclasses.replace(feature, name=name))
    return seen, hidden


def _classes(target: pd.Series) -> str:
    return "binary" if target.nunique() <= 2 else "multiclass"


def _notes(
    seen: Sequence[Feature], hidden: Sequence[Feature], target: str, n_gone: int, values: pd.Series
) -> Iterator[str]:
    """What was left out or made of the data, one line each."""
    if hidden:
        yield f"left out, as OpenML says: {_named(feature.name for feature in hidden)}"
    if n_gone:
        yield f"{n_gone} of {n_gone + len(values)} rows have no target and are left out"
    texts = [feature.name for feature in seen if feature.kind == "string"]
    if texts:
        yield f"text, taken as categories: {_named(texts)}"
    labels = next(feature.labels for feature in seen if feature.name == target)
    if absent := set(labels).difference(values.astype(str)):
        yield f"declared classes that no row has: {_named(sorted(absent))}"


def _named(names: Iterable[str]) -> str:
    names = [f"'{name}'" for name in names]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
