"""The fingerprint changes with the data and with nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.data import Ragged, TaskData
from benchmark.data.fingerprint import fingerprint, row_digests

X = pd.DataFrame(
    {"a": [1.0, np.nan, 3.0, 0.0], "b": pd.Categorical(["u", "v", None, "u"], categories=["u", "v"])}
)
DATA = TaskData(X, np.array([0, 1, 1, 0]), "binary", ("no", "yes"))


def test_it_is_what_it_always_was() -> None:
    assert fingerprint(DATA) == "e63c23764ce35fb203b9efe09a6a7466d46dbe3475cf3ca16257d5a95c92c203"


@pytest.mark.parametrize(
    "same",
    [
        TaskData(X.copy(), DATA.y.copy(), "binary", DATA.classes, notes=("said",)),
        TaskData(X.set_index(pd.Index(list("wxyz"))), DATA.y, "binary", DATA.classes),
        TaskData(X, DATA.y.astype(np.int32), "binary", DATA.classes),
        TaskData(X.assign(a=[1.0, -np.nan, 3.0, -0.0]), DATA.y, "binary", DATA.classes),
        TaskData(X.assign(b=X["b"].cat.as_ordered()), DATA.y, "binary", DATA.classes),
        TaskData(
            X.assign(b=X["b"].astype(pd.CategoricalDtype(pd.Index(["u", "v"], dtype=object)))),
            DATA.y,
            "binary",
            DATA.classes,
        ),
    ],
)
def test_names_of_rows_and_ways_to_store_leave_it(same: TaskData) -> None:
    assert fingerprint(same) == fingerprint(DATA)


def _moved(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(b=frame["b"].cat.rename_categories({"u": "uv", "v": "w"}))


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.rename(columns={"a": "c"}),
        lambda frame: frame[["b", "a"]],
        lambda frame: frame.assign(a=[1.0, np.nan, 3.0, np.nextafter(0, 1)]),
        lambda frame: frame.assign(a=[1.0, 0.0, 3.0, 0.0]),
        lambda frame: frame.assign(b=["u", "v", "v", "u"]).astype({"b": "category"}),
        lambda frame: frame.assign(b=frame["b"].cat.rename_categories({"u": "v", "v": "u"})),
        lambda frame: frame.assign(b=frame["b"].cat.add_categories("w")),
        lambda frame: frame.assign(b=[0.0, 1.0, np.nan, 0.0]),
        _moved,
    ],
)
def test_columns_values_and_types_change_it(change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    assert fingerprint(dataclasses.replace(DATA, X=change(X.copy()))) != fingerprint(DATA)


def test_the_target_changes_it() -> None:
    others = [
        DATA,
        dataclasses.replace(DATA, y=np.array([0, 1, 0, 1])),
        dataclasses.replace(DATA, classes=("a", "b")),
        dataclasses.replace(DATA, classes=("no", "yes", "perhaps")),
        dataclasses.replace(DATA, y=np.array([0.0, 1.0, 1.0, 0.0]), classes=(), task_type="regression"),
        dataclasses.replace(DATA, weights=np.array([1.0, 1.0, 0.5, 1.5])),
        dataclasses.replace(DATA, weights=np.array([1.0, 1.0, 1.5, 0.5])),
        dataclasses.replace(DATA, y=np.array([0.0, 1.0, 1.0, 0.5]), classes=(), task_type="regression"),
    ]
    assert len({fingerprint(data) for data in others}) == len(others)


@pytest.mark.parametrize("kind", ["table", "image", "sequence"])
def test_rows_of_equal_inputs_have_equal_digests(kind: str) -> None:
    other_nan = (np.full(1, np.nan, np.float32).view(np.uint32) | 1).view(np.float32)[0]
    rows = np.array([[0.0, 1.0], [-0.0, 1.0], [np.nan, 1.0], [other_nan, 1.0], [2.0, 1.0]], np.float32)
    X: Any = {
        "table": pd.DataFrame(rows.astype(np.float64), columns=["a", "b"]),
        "image": rows.reshape(5, 1, 1, 2),
        "sequence": Ragged.of_arrays([row[:, np.newaxis] for row in rows]),
    }[kind]
    digests = row_digests(TaskData(X, np.arange(5), "regression", modality=kind))
    assert digests[0] == digests[1] and digests[2] == digests[3]
    assert len(set(digests.tolist())) == 3
