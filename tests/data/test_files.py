"""One's own tables: both formats give the same task, and every fault is one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from benchmark.catalog import load_yaml
from benchmark.data import describe, load
from benchmark.errors import RequestError
from benchmark.spec import Dataset

CardOf = Callable[..., Dataset]


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_columns_become_numbers_or_categories(frame: pd.DataFrame, card_of: CardOf, ending: str) -> None:
    data = load(card_of(frame, "price", ending, categorical=("zone",), ignore=("kind",)))
    assert list(data.X.columns) == ["size", "count", "colour", "fresh", "zone"]
    assert (data.X.dtypes[["size", "count"]] == np.float64).all()
    categories = {name: list(data.X[name].cat.categories) for name in ("colour", "fresh", "zone")}
    assert categories == {
        "colour": ["a,b", "blue", "grün", "red"],
        "fresh": ["False", "True"],
        "zone": ["1", "2", "10"],
    }
    assert list(data.X["zone"][:3]) == ["10", "2", "2"]
    assert list(data.X["colour"].isna()) == list(frame["colour"].isna())
    assert np.array_equal(data.X["size"], frame["size"].to_numpy(float), equal_nan=True)
    assert data.task_type == "regression"
    assert data.y.dtype == np.float64
    assert np.array_equal(data.y, frame["price"])


@pytest.mark.parametrize("target", ["price", "kind", "fresh", "zone"])
def test_csv_and_parquet_are_the_same_task(frame: pd.DataFrame, card_of: CardOf, target: str) -> None:
    clean = frame[frame["zone"] != 1]
    cards = [card_of(clean, target, ending) for ending in (".csv", ".parquet")]
    tasks = [describe(card, load(card)) for card in cards]
    assert tasks[0] == tasks[1]


@given(
    numbers=st.lists(st.floats(allow_infinity=False, allow_nan=True), min_size=4, max_size=12),
    texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1, max_size=6)),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_values_survive_a_parquet_round_trip(card_of: CardOf, numbers: list[float], texts: list[str]) -> None:
    labels: list[str | None] = [*texts, None]
    table = pd.DataFrame(
        {
            "number": numbers,
            "text": pd.Series((labels * len(numbers))[: len(numbers)], dtype=object),
            "y": ["a", "b"] + ["a", "b"] * (len(numbers) // 2 - 1) + ["a"] * (len(numbers) % 2),
        }
    )
    data = load(card_of(table, "y", ".parquet"))
    assert np.array_equal(data.X["number"], np.array(numbers), equal_nan=True)
    assert [None if pd.isna(text) else text for text in data.X["text"]] == list(table["text"])


@given(
    numbers=st.lists(st.floats(allow_infinity=False, allow_nan=False), min_size=4, max_size=12, unique=True)
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_floats_survive_a_csv_round_trip(card_of: CardOf, numbers: list[float]) -> None:
    table = pd.DataFrame({"x": numbers, "y": ["a", "b", *["a", "b"] * 5][: len(numbers)]})
    assert np.array_equal(load(card_of(table, "y")).X["x"], numbers)


@pytest.mark.parametrize(
    ("values", "task_type", "classes"),
    [
        (["b", "a", "c"] * 4, "multiclass", ("a", "b", "c")),
        ([True, False] * 6, "binary", ("False", "True")),
        ([2.5, -1.0] * 6, "binary", ("-1", "2.5")),
        ([10, 9, 1] * 4, "multiclass", ("1", "9", "10")),
        ([0.5, 1, 2] * 4, "regression", ()),
        (list(range(20)) * 2, "multiclass", tuple(str(number) for number in range(20))),
        (list(range(21)) * 2, "regression", ()),
    ],
)
def test_the_task_type_is_inferred_and_said(
    card_of: CardOf, values: list[Any], task_type: str, classes: tuple[str, ...]
) -> None:
    table = pd.DataFrame({"x": np.arange(len(values)), "y": values})
    data = load(card_of(table, "y"))
    assert (data.task_type, data.classes) == (task_type, classes)
    assert len(data.notes) == 1
    assert data.notes[0].startswith("target 'y'")
    if classes:
        assert data.y.dtype == np.int64
        assert sorted(set(data.y)) == list(range(len(classes)))
    assert load(card_of(table, "y", task_type=task_type)).notes == ()


def test_the_card_decides_whether_whole_numbers_are_a_quantity(card_of: CardOf) -> None:
    table = pd.DataFrame({"x": range(12), "y": [1, 2, 3] * 4})
    assert "task_type: regression" in load(card_of(table, "y")).notes[0]
    data = load(card_of(table, "y", task_type="regression"))
    assert data.task_type == "regression"
    assert np.array_equal(data.y, table["y"])


def test_nullable_and_categorical_columns_of_parquet(card_of: CardOf) -> None:
    table = pd.DataFrame(
        {
            "i": pd.array([1, None, 3, 4], dtype="Int64"),
            "b": pd.array([True, None, False, True], dtype="boolean"),
            "c": pd.Categorical(["x", "y", None, "x"], categories=["unused", "y", "x"], ordered=True),
            "y": pd.Categorical([3, 20, 3, 20], categories=[20, 3, 7]),
        }
    )
    data = load(card_of(table, "y", ".parquet"))
    assert np.array_equal(data.X["i"], [1, np.nan, 3, 4], equal_nan=True)
    assert list(data.X["b"].cat.categories) == ["False", "True"]
    assert list(data.X["b"].isna()) == [False, True, False, False]
    assert list(data.X["c"].cat.categories) == ["x", "y"]
    assert data.classes == ("3", "20")
    assert list(data.y) == [0, 1, 0, 1]


GOOD = pd.DataFrame({"height": [1.0, 2.0, 3.0, 4.0], "city": ["a", "b", "a", "b"], "y": [0, 1, 0, 1]})


@pytest.mark.parametrize(
    ("table", "card", "message"),
    [
        (GOOD, {"target": "Y"}, r"target: 'table\.csv' has no column 'Y'; did you mean 'y'\?"),
        (GOOD, {"categorical": ("citi",)}, r"categorical: .* no feature 'citi'; did you mean 'city'\?"),
        (GOOD, {"ignore": ("heigth",)}, r"ignore: .* no feature 'heigth'; did you mean 'height'\?"),
        (GOOD, {"ignore": ("y",)}, r"ignore: .* no feature 'y'; choose from city, height"),
        (GOOD, {"ignore": ("height", "city")}, r"ignore: no feature is left"),
        (GOOD, {"task_type": "binery"}, r"task_type: .* 'binery'; did you mean 'binary'\?"),
        (GOOD, {"task_type": "multiclass"}, r"column 'y' has 2 classes: task_type is 'binary', not 'multi"),
        (GOOD, {"source": "bundeld"}, r"source: .* 'bundeld'; did you mean 'bundled'\?"),
        (
            GOOD,
            {"location": "tabel.csv"},
            r"location: there is no file '.*tabel\.csv'; did you mean 'table\.csv",
        ),
        (GOOD, {"target": "city", "task_type": "regression"}, r"holds labels such as 'a'"),
        (GOOD.assign(y=1), {}, r"column 'y' has fewer than two different values"),
        (GOOD.assign(y=[0, 1, None, 1]), {}, r"column 'y' is missing in 1 of 4 rows"),
        (GOOD.assign(y=["u", "v", "u", "u"]), {}, r"the class 'v' has a single row"),
        (GOOD.assign(y=[0.5, 1, 2, np.inf]), {}, r"target: column 'y' is infinite in 1 of 4 rows"),
        (GOOD.assign(height=[1, -np.inf, np.inf, 2]), {}, r"'height' is infinite in 2 of 4"),
        (
            GOOD.assign(y=[1, 2, 3, 3]),
            {"task_type": "binary"},
            r"has 3 classes: task_type is 'multiclass', not",
        ),
    ],
)
def test_every_fault_of_a_card_is_one_line(
    card_of: CardOf, table: pd.DataFrame, card: dict[str, Any], message: str
) -> None:
    given = {"target": "y", **card}
    dataset = card_of(table, given.pop("target"), **given)
    with pytest.raises(RequestError, match=message) as raised:
        load(dataset)
    assert str(raised.value).startswith(f"{dataset.file}: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"a,b\n1,2\n1,2,3\n", r"cannot be read as csv"),
        ("t.csv", b"a,b\n1,2,3\n4,5,6\n", r"cannot be read as csv"),
        ("t.csv", b"", r"cannot be read as csv"),
        ("t.csv", b"a,b,a\n1,2,3\n", r"the column 'a' is there twice"),
        ("t.csv", b"a,b\n\xff\xfe,2\n", r"cannot be read as csv: .*utf-8"),
        ("t.csv", b'a,b\n"1,2\n3,4\n', r"cannot be read as csv"),
        ("t.parquet", b"PAR1 but not really", r"cannot be read as parquet"),
        ("t.parquet", b"", r"cannot be read as parquet"),
        ("t.xlsx", b"x", r"cannot tell the format .*t\.xlsx' by its ending; choose from \.csv, \.parquet"),
    ],
)
def test_every_unreadable_file_is_one_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    dataset = Dataset("mine", "file", "b", name, "mine", file=str(tmp_path / "mine.yaml"))
    with pytest.raises(RequestError, match=message) as raised:
        load(dataset)
    assert str(raised.value).startswith(f"{dataset.file}: location: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pd.date_range("2020-01-01", periods=4, tz="UTC"), r"column 'odd' has the type datetime64"),
        ([[1, 2], [3], [4], []], r"column 'odd' holds nested values"),
    ],
)
def test_columns_that_are_neither_number_nor_text_are_refused(
    card_of: CardOf, column: Any, message: str
) -> None:
    table = GOOD.assign(odd=column)
    with pytest.raises(RequestError, match=message):
        load(card_of(table, "y", ".parquet"))
    assert list(load(card_of(table, "y", ".parquet", ignore=("odd",))).X) == ["height", "city"]


def test_equal_names_of_columns_are_refused(tmp_path: Path) -> None:
    columns = [pyarrow.array([1.0, 2.0, 3.0, 4.0])] * 2 + [pyarrow.array(["u", "v", "u", "v"])]
    parquet.write_table(pyarrow.table(columns, names=["x", "x", "y"]), tmp_path / "t.parquet")
    card = Dataset("mine", "file", "y", "t.parquet", "mine", file=str(tmp_path / "mine.yaml"))
    with pytest.raises(RequestError, match=r"location: .*'?x'?"):
        load(card)


def test_a_metric_of_another_task_type_is_refused(card_of: CardOf) -> None:
    card = card_of(GOOD, "y", metric="rmes")
    with pytest.raises(RequestError, match=r"mine\.yaml: metric: .*'rmes' for binary tasks; choose from"):
        describe(card, load(card))
    with pytest.raises(RequestError, match=r"^metric=rmse: mine: .*for binary tasks"):
        describe(card, load(card), "rmse")
    assert describe(card, load(card), "log_loss").metric == "log_loss"


SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "tabular"


@pytest.mark.shared_data
def test_real_tables_load_as_their_descriptions_say() -> None:
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared with its data sets is not there")
    descriptions = [load_yaml(path) for path in sorted(SHARED.glob("*/*.yaml"))]
    assert len(descriptions) >= 40
    for about in descriptions:
        name = about["name"]
        card = Dataset(
            name,
            "file",
            about["target"],
            str(SHARED / name / f"{name}.parquet"),
            name,
            task_type=about["task_type"],
            categorical=tuple(about["categorical_features"]),
        )
        data = load(card)
        task = describe(card, data)
        assert (task.n_rows, task.n_features) == (about["n_rows"], about["n_features"]), name
        if task.task_type != "regression":
            counts = dict(zip(data.classes, np.bincount(data.y).tolist(), strict=True))
            assert counts == {str(label): rows for label, rows in about["classes"].items()}, name
