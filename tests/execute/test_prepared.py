"""The parts of a split: fitted on training rows, shared by fits, and in memory once."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from benchmark.data import TaskData
from benchmark.execute import prepared
from benchmark.execute.prepared import prepare
from benchmark.spec import Component, Split

SPLIT = Split(0, 0, np.arange(6), np.arange(6, 8), np.arange(8, 10), "a split")
DATA = TaskData(pd.DataFrame({"x": np.arange(10.0)}), np.arange(10.0), "regression")


class Noting:
    """Writes down which rows it was fitted on, and how many of its outputs are alive."""

    fitted: list[list[float]] = []
    alive: weakref.WeakValueDictionary[int, pd.DataFrame] = weakref.WeakValueDictionary()

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> None:
        assert list(X["x"]) == list(y)
        assert not self.alive, "what the fit before used is still there"
        self.fitted.append(list(y))

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        out = X + 100
        self.alive[id(out)] = out
        return out


@pytest.fixture
def part(component: Callable[[str, str], Component], monkeypatch: pytest.MonkeyPatch) -> Component:
    monkeypatch.setattr(prepared, "_last", [])
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
