"""Every preprocessor on tables with gaps, constants and categories that training never saw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from benchmark.catalog import open_catalog
from benchmark.config import instantiate
from benchmark.resolve.components import read_component

CATALOG = open_catalog()
every_preprocessor = pytest.mark.parametrize("name", CATALOG.names("preprocessor"))


def preprocessor(name: str) -> Any:
    file = CATALOG.path("preprocessor", name)
    return instantiate(
        read_component("preprocessor", name, CATALOG.document("preprocessor", name), str(file))
    )()


def table(numbers: list[float | None], categories: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "number": pd.Series(numbers, dtype="float64"),
            "category": pd.Series(categories, dtype="category"),
            "constant": 7.0,
        }
    )


TRAIN = table([1.0, None, 3.0, 8.0], ["b", "a", None, "b"])
TEST = table([2.0, None, -5.0], ["new", None, "a"])


@every_preprocessor
def test_keeps_rows_and_index_and_gives_floats_or_codes(name: str) -> None:
    train = TRAIN.set_index(pd.Index([30, 10, 20, 0]))
    fitted = preprocessor(name).fit(train, np.arange(4.0))
    for raw in (train, TEST):
        out = fitted.transform(raw)
        assert list(out.index) == list(raw.index)
        assert all(kind.kind in "fi" for kind in out.dtypes)
        codes = out.select_dtypes("integer")
        assert codes.isin([0, 1, 2]).all(axis=None)


@every_preprocessor
def test_does_not_touch_what_it_is_given(name: str) -> None:
    train, test = TRAIN.copy(deep=True), TEST.copy(deep=True)
    preprocessor(name).fit(train, np.arange(4.0)).transform(test)
    pd.testing.assert_frame_equal(train, TRAIN)
    pd.testing.assert_frame_equal(test, TEST)


@every_preprocessor
def test_can_be_cloned(name: str) -> None:
    first = preprocessor(name)
    again = clone(first).fit(TRAIN, np.arange(4.0)).transform(TEST)
    pd.testing.assert_frame_equal(again, first.fit(TRAIN, np.arange(4.0)).transform(TEST))


@pytest.mark.parametrize(
    "name", ["standard", "ordinal", "native", "robust", "quantile", "indicators", "none"]
)
def test_codes_are_zero_for_missing_and_unseen(name: str) -> None:
    fitted = preprocessor(name).fit(TRAIN, np.arange(4.0))
    assert list(fitted.transform(TRAIN)["category"]) == [2, 1, 0, 2]
    assert list(fitted.transform(TEST)["category"]) == [0, 0, 1]


def test_ordinal_leaves_numbers_and_gaps_alone() -> None:
    out = preprocessor("ordinal").fit(TRAIN, np.arange(4.0)).transform(TEST)
    np.testing.assert_array_equal(out["number"], [2.0, np.nan, -5.0])


@pytest.mark.parametrize("name", ["standard", "onehot"])
def test_numbers_are_filled_and_standardised_by_the_training_rows(name: str) -> None:
    fitted = preprocessor(name).fit(TRAIN, np.arange(4.0))
    filled = np.array([1.0, 3.0, 3.0, 8.0])
    expected = (np.array([2.0, 3.0, -5.0]) - filled.mean()) / filled.std()
    np.testing.assert_allclose(fitted.transform(TEST)["number"], expected)
    assert (fitted.transform(TEST)["constant"] == 0).all()


@pytest.mark.parametrize("name", ["standard", "onehot"])
def test_large_tables_are_scaled_in_parts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    wide = pd.DataFrame(random.normal(size=(20, 7))).rename(columns=str).assign(text="a")
    wide = wide.mask(random.random(wide.shape) < 0.2)
    wide["text"] = wide["text"].astype("category")
    whole = preprocessor(name).fit(wide, np.arange(20.0)).transform(wide)
    monkeypatch.setattr("components.preprocessor.tables.CHUNK_NUMBERS", 3 * 20)
    pd.testing.assert_frame_equal(preprocessor(name).fit(wide, np.arange(20.0)).transform(wide), whole)


def test_onehot_has_a_column_for_each_category_seen() -> None:
    out = preprocessor("onehot").fit(TRAIN, np.arange(4.0)).transform(TEST)
    assert list(out.columns) == ["number", "constant", "category=a", "category=b"]
    np.testing.assert_array_equal(out[["category=a", "category=b"]], [[0, 0], [0, 0], [1, 0]])


def test_onehot_pools_the_rarer_of_many_categories() -> None:
    """400 categories, the later ones more frequent; 100 of them get a column."""
    names = [f"c{number:03}" for number in range(400)]
    values = pd.Categorical([name for number, name in enumerate(names) for _ in range(1 + number // 100)])
    train = pd.DataFrame({"group": values})
    fitted = preprocessor("onehot").fit(train, np.zeros(len(train)))
    own = [f"group=c{number:03}" for number in range(300, 400)]
    test = pd.DataFrame({"group": pd.Categorical(["c399", "c000", "new", None])})
    for raw in (train, test):
        out = fitted.transform(raw)
        assert list(out) == [*own, "group rarer"]
        rare = ~raw["group"].isin(names[300:]) & raw["group"].isin(names)
        np.testing.assert_array_equal(out["group rarer"], rare)
        np.testing.assert_array_equal(out.sum(axis=1), raw["group"].isin(names))
    assert list(preprocessor("onehot").set_params(most=400).fit(train, None).transform(test)) == [
        f"group={name}" for name in names
    ]


def test_onehot_loses_no_column_where_names_collide() -> None:
    table = pd.DataFrame(
        {"a": pd.Categorical(["b=c", "x"]), "a=b": pd.Categorical(["x", "c"]), "a=x": [1.0, 2.0]}
    )
    out = preprocessor("onehot").fit(table, None).transform(table)
    assert out.shape == (2, 5) and out.columns.is_unique
    np.testing.assert_array_equal(out.iloc[:, 1:], [[1, 0, 0, 1], [0, 1, 1, 0]])


@every_preprocessor
@pytest.mark.parametrize("column", ["number", "category"])
def test_tables_of_one_kind_and_columns_without_a_value(name: str, column: str) -> None:
    fitted = preprocessor(name).fit(TRAIN[[column]], np.arange(4.0))
    assert len(fitted.transform(TEST[[column]])) == 3
    empty = table([None] * 4, [None] * 4)
    out = preprocessor(name).fit(empty, np.arange(4.0)).transform(TEST)
    gives = read_component("preprocessor", name, CATALOG.document("preprocessor", name), name).gives
    assert "missing" in gives or np.isfinite(out.to_numpy(float)).all()


cells = st.tuples(
    st.one_of(st.none(), st.floats(-1e6, 1e6)), st.one_of(st.none(), st.sampled_from(["a", "b", "c", "d"]))
)


@every_preprocessor
@settings(max_examples=8, deadline=None)
@given(
    train=st.lists(cells, min_size=2, max_size=8),
    test=st.lists(cells, min_size=1, max_size=8),
    data=st.data(),
)
def test_rows_are_transformed_one_by_one(
    name: str, train: list[Any], test: list[Any], data: st.DataObject
) -> None:
    """What stands beside a row in the table that is transformed changes nothing about it."""
    fitted = preprocessor(name).fit(
        table(*map(list, zip(*train, strict=True))), np.arange(len(train), dtype=float)
    )
    raw = table(*map(list, zip(*test, strict=True)))
    order = data.draw(st.permutations(range(len(raw))))
    shuffled = fitted.transform(raw.iloc[order])
    pd.testing.assert_frame_equal(shuffled, fitted.transform(raw).iloc[order])
    alone = fitted.transform(raw.iloc[[0]])
    pd.testing.assert_frame_equal(alone, fitted.transform(raw).iloc[[0]])
