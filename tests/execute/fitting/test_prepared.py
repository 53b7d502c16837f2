"""The parts of a split: fitted on training rows, shared by fits, and in memory once."""

from __future__ import annotations

import dataclasses
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.data import TaskData
from benchmark.execute.fitting import prepared
from benchmark.execute.fitting.prepared import owned, prepare
from benchmark.execute.fitting.rows import to_rows
from benchmark.execute.limits import FitTimeout, time_limit
from benchmark.spec import Component, Split

SPLIT = Split(0, 0, np.arange(6), np.arange(6, 8), np.arange(8, 10), "a split")
DATA = TaskData(pd.DataFrame({"x": np.arange(10.0)}), np.arange(10.0), "regression")


class Noting:
    """Writes down which rows it was fitted on, and how many of its outputs are alive."""

    fitted: list[list[float]] = []
    alive: weakref.WeakValueDictionary[int, pd.DataFrame] = weakref.WeakValueDictionary()

    def fit_transform(self, X: pd.DataFrame, y: np.ndarray) -> pd.DataFrame:
        assert list(X["x"]) == list(y)
        assert not self.alive, "what the fit before used is still there"
        self.fitted.append(list(y))
        return self.transform(X)

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        out = X + 100
        self.alive[id(out)] = out
        return out


@pytest.fixture
def part(component: Callable[[str, str], Component], monkeypatch: pytest.MonkeyPatch) -> Component:
    monkeypatch.setattr(prepared, "_kept", {})
    monkeypatch.setattr(prepared, "_KEPT_BYTES", 0)  # as if these few rows were many
    Noting.fitted.clear()
    return component("preprocessor", "ordinal")


def test_is_fitted_on_training_rows_and_keeps_the_parts_apart(part: Component) -> None:
    parts = prepare(DATA, SPLIT, part, Noting)
    assert Noting.fitted == [[0.0, 1, 2, 3, 4, 5]]
    assert [list(some["x"]) for some in (parts.validation, parts.test)] == [[106.0, 107], [108.0, 109]]
    assert parts.fit_seconds > 0 and parts.test_seconds > 0


def test_the_next_fit_shares_it_and_another_question_replaces_it(part: Component) -> None:
    parts = prepare(DATA, SPLIT, part, Noting)
    assert prepare(DATA, SPLIT, part, Noting) is parts
    assert len(Noting.fitted) == 1
    del parts
    changes: list[tuple[TaskData, Split, Component, str]] = [
        (DATA, dataclasses.replace(SPLIT, digest="another"), part, ""),
        (dataclasses.replace(DATA), SPLIT, part, ""),
        (DATA, SPLIT, dataclasses.replace(part, code="changed"), ""),
        (DATA, SPLIT, part, "tensors"),
    ]
    for count, (data, split, component, form) in enumerate(changes, start=2):
        prepare(data, split, component, Noting, form=form)
        assert len(Noting.fitted) == count


def test_nothing_is_held_in_two_forms(part: Component) -> None:
    parts = prepare(DATA, SPLIT, part, Noting, form="sums", convert=lambda table: float(table["x"].sum()))
    assert (parts.train, parts.validation, parts.test) == (615.0, 213.0, 217.0)
    assert not Noting.alive


class Shared:
    """Gives what it is asked for, and counts how often it was fitted."""

    def __init__(self, gives: Callable[[pd.DataFrame], Any], fitted: list[int]) -> None:
        self.gives, self.fitted = gives, fitted

    def fit_transform(self, X: pd.DataFrame, y: np.ndarray) -> Any:
        self.fitted.append(len(y))
        return self.gives(X)

    def transform(self, X: pd.DataFrame) -> Any:
        return self.gives(X)


@pytest.mark.parametrize(
    ("gives", "kept"),
    [
        (lambda X: X, True),
        (lambda X: X.astype("category"), True),
        (lambda X: X.to_numpy(), True),
        (lambda X: list(X.to_numpy()), True),
        (lambda X: to_rows(X, "cpu"), True),
        (lambda X: X.to_numpy().astype(object), False),
        (lambda X: {"x": X}, False),
    ],
)
def test_what_is_small_is_kept_while_other_splits_are_used(
    gives: Callable[[pd.DataFrame], Any], kept: bool, part: Component, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "_KEPT_BYTES", 5 * prepared._OVERHEAD_BYTES // 2)
    fitted: list[int] = []
    splits = [dataclasses.replace(SPLIT, digest=str(number)) for number in range(5)]

    def use(*numbers: int) -> int:
        before = len(fitted)
        for number in numbers:
            prepare(DATA, splits[number], part, lambda: Shared(gives, fitted))
        return len(fitted) - before

    assert use(0, 1, 0, 1, 2, 0) == (3 if kept else 6)
    assert use(3, 4) == 2  # what was used longest ago makes room
    assert use(1) == 1
    assert use(4) == (0 if kept else 1)
    assert use(4) == 0, "what the last fit used is there, whatever it takes"


def test_what_learners_made_of_the_parts_is_let_go_when_others_are_used(
    part: Component, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "_KEPT_BYTES", 2**20)
    other = dataclasses.replace(SPLIT, digest="another")
    first, _ = (prepare(DATA, split, part, lambda: Shared(abs, [])) for split in (SPLIT, SPLIT))
    assert [first.once("few", list)[1] > 0 for _ in range(2)] == [False, True]
    prepare(DATA, other, part, lambda: Shared(abs, []))
    assert prepare(DATA, SPLIT, part, lambda: Shared(abs, [])) is first
    assert first.once("few", list)[1] == 0


class Slow(Noting):
    """Takes its time."""

    def fit_transform(self, X: pd.DataFrame, y: np.ndarray) -> pd.DataFrame:
        time.sleep(0.2)
        return super().fit_transform(X, y)


def test_every_fit_is_charged_for_it_whoever_came_first(part: Component) -> None:
    for _ in range(3):
        with pytest.raises(FitTimeout), time_limit(0.3):
            prepare(DATA, SPLIT, part, Slow)
            time.sleep(0.2)
    assert len(Noting.fitted) == 1
    with time_limit(0.5):
        prepare(DATA, SPLIT, part, Slow)
        time.sleep(0.2)


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0], **columns})


def add_a_column(X: pd.DataFrame) -> None:
    X["norm"] = 1.0


def subtract(X: pd.DataFrame) -> None:
    X -= 1


def set_a_cell(X: pd.DataFrame) -> None:
    X.iloc[0, 0] = 9.0


def rename(X: pd.DataFrame) -> None:
    X.columns = pd.Index(["c", "d"])


def set_a_value(X: pd.DataFrame) -> None:
    X["b"].to_numpy()[0] = 9.0


def set_values(X: pd.DataFrame) -> None:
    X.values[:] = 9.0


@pytest.mark.parametrize("write", [add_a_column, subtract, set_a_cell, rename, set_a_value, set_values])
def test_what_is_written_into_a_table_stays_there(write: Callable[[pd.DataFrame], None]) -> None:
    shared = frame()
    with suppress(ValueError):  # an array inside a table is read-only: written to by nobody
        write(owned(shared))
    pd.testing.assert_frame_equal(shared, frame())


@pytest.mark.parametrize("values", [pd.Categorical(["x", "y", "x"]), pd.array([1, 2, 3], dtype="Int64")])
def test_what_is_written_into_arrays_of_pandas_stays_there(values: Any) -> None:
    shared = frame(c=values.copy())
    owned(shared)["c"].values[0] = values[1]
    pd.testing.assert_frame_equal(shared, frame(c=values))


def test_what_is_written_into_arrays_stays_there() -> None:
    images, rows = np.ones((2, 1, 3, 3)), [np.ones((2, 1)), np.ones((3, 1))]
    owned(images)[:] = 0
    for row in owned(rows):
        row -= row.mean()
    assert images.all() and all(row.all() for row in rows)


def test_what_learners_make_of_the_parts_is_made_once_and_paid_by_every_fit(part: Component) -> None:
    parts, made = prepare(DATA, SPLIT, part, Noting), []

    def bins() -> str:
        made.append(1)
        time.sleep(0.03)
        return f"bins {len(made)}"

    assert parts.once("few", bins) == ("bins 1", 0.0)
    again, seconds = parts.once("few", bins)
    assert again == "bins 1" and seconds >= 0.03
    with pytest.raises(FitTimeout), time_limit(seconds):
        parts.once("few", bins)
        time.sleep(0.01)
    assert parts.once("many", bins)[0] == "bins 2" and parts.once("few", bins)[0] == "bins 3"


def test_a_table_of_numbers_is_not_in_memory_twice() -> None:
    shared = frame()
    assert np.shares_memory(owned(shared).to_numpy(), shared.to_numpy())
