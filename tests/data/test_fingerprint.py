"""The fingerprint changes with the data and with nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from benchmark.data import TaskData
from benchmark.data.fingerprint import fingerprint

X = pd.DataFrame(
    {"a": [1.0, np.nan, 3.0, 0.0], "b": pd.Categorical(["u", "v", None, "u"], categories=["u", "v"])}
)
DATA = TaskData(X, np.array([0, 1, 1, 0]), ("no", "yes"))


def test_it_is_what_it_always_was() -> None:
    assert fingerprint(DATA) == "8c20ad2569ff1c82d99f1f76fa70b19fe8c58e1f30b348102668394775cf39cb"


@pytest.mark.parametrize(
    "same",
    [
        TaskData(X.copy(), DATA.y.copy(), DATA.classes, notes=("said",)),
        TaskData(X.set_index(pd.Index(list("wxyz"))), DATA.y, DATA.classes),
        TaskData(X, DATA.y.astype(np.int32), DATA.classes),
        TaskData(X.assign(a=[1.0, -np.nan, 3.0, -0.0]), DATA.y, DATA.classes),
        TaskData(X.assign(b=X["b"].cat.as_ordered()), DATA.y, DATA.classes),
        TaskData(
            X.assign(b=X["b"].astype(pd.CategoricalDtype(pd.Index(["u", "v"], dtype=object)))),
            DATA.y,
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
        dataclasses.replace(DATA, y=np.array([0.0, 1.0, 1.0, 0.0]), classes=()),
        dataclasses.replace(DATA, y=np.array([0.0, 1.0, 1.0, 0.5]), classes=()),
    ]
    assert len({fingerprint(data) for data in others}) == len(others)
