"""One's own tables: both formats give the same task, and every fault is one line."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
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
from benchmark.data import TaskData, describe, files, load
from benchmark.data.table import to_task_data
from benchmark.errors import RequestError
from benchmark.spec import Dataset

CardOf = Callable[..., Dataset]


def features(data: TaskData) -> pd.DataFrame:
    """The table that a task sees."""
    assert isinstance(data.X, pd.DataFrame)
    return data.X


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_columns_become_numbers_or_categories(frame: pd.DataFrame, card_of: CardOf, ending: str) -> None:
    data = load(card_of(frame, "price", ending, categorical=("zone",), ignore=("kind",)))
    assert list(features(data).columns) == ["size", "count", "colour", "fresh", "zone"]
    assert (features(data).dtypes[["size", "count"]] == np.float64).all()
    categories = {name: list(features(data)[name].cat.categories) for name in ("colour", "fresh", "zone")}
    assert categories == {
        "colour": ["a,b", "blue", "grün", "red"],
        "fresh": ["False", "True"],
        "zone": ["1", "2", "10"],
    }
    assert list(features(data)["zone"][:3]) == ["10", "2", "2"]
    assert list(features(data)["colour"].isna()) == list(frame["colour"].isna())
    assert np.array_equal(features(data)["size"], frame["size"].to_numpy(float), equal_nan=True)
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
            "count": range(len(numbers)),
            "y": ["a", "b"] + ["a", "b"] * (len(numbers) // 2 - 1) + ["a"] * (len(numbers) % 2),
        }
    )
    data = load(card_of(table, "y", ".parquet", categorical=("text",), numeric=("number",)))
    assert np.array_equal(features(data)["number"], np.array(numbers), equal_nan=True)
    assert [None if pd.isna(text) else text for text in features(data)["text"]] == list(table["text"])


@given(
    numbers=st.lists(st.floats(allow_infinity=False, allow_nan=False), min_size=4, max_size=12, unique=True)
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_floats_survive_a_csv_round_trip(card_of: CardOf, numbers: list[float]) -> None:
    table = pd.DataFrame({"x": numbers, "y": ["a", "b", *["a", "b"] * 5][: len(numbers)]})
    assert np.array_equal(features(load(card_of(table, "y")))["x"], numbers)


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
    table = pd.DataFrame({"x": np.arange(len(values)) % 7, "y": values})
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
    assert np.array_equal(features(data)["i"], [1, np.nan, 3, 4], equal_nan=True)
    assert list(features(data)["b"].cat.categories) == ["False", "True"]
    assert list(features(data)["b"].isna()) == [False, True, False, False]
    assert list(features(data)["c"].cat.categories) == ["x", "y"]
    assert data.classes == ("3", "20")
    assert list(data.y) == [0, 1, 0, 1]


GOOD = pd.DataFrame({"height": [1.0, 2.0, 3.0, 4.0], "city": ["a", "b", "a", "b"], "y": [0, 1, 0, 1]})


@pytest.mark.parametrize(
    ("table", "card", "message"),
    [
        (GOOD, {"target": "Y"}, r"target: 'table\.csv' has no column 'Y'; did you mean 'y'\?"),
        (GOOD, {"categorical": ("citi",)}, r"categorical: .* no column 'citi'; did you mean 'city'\?"),
        (GOOD, {"ignore": ("heigth",)}, r"ignore: .* no column 'heigth'; did you mean 'height'\?"),
        (GOOD, {"ignore": ("y",)}, r"ignore: the column 'y' stands under 'target' already"),
        (GOOD, {"ignore": ("height", "city")}, r"location: no feature is left"),
        (GOOD, {"task_type": "binery"}, r"task_type: .*'binery'.*; did you mean 'binary'\?"),
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
        ("t.parquet", b"PAR1 but not really", r"cannot be read as parquet: "),
        ("t.parquet", b"", r"cannot be read as parquet: "),
        ("t.xlsx", b"x", r"cannot tell the format .*t\.xlsx' by its ending; choose from \.arff, \.csv"),
        ("t.parquet.gz", b"x", r"cannot tell the format .*t\.parquet\.gz' by its ending"),
        ("t.npz", b"x", r"cannot be read as npz: File is not a zip file"),
    ],
)
def test_every_unreadable_file_is_one_line(
    card_over: CardOf, name: str, content: bytes, message: str
) -> None:
    dataset = card_over(content, name)
    with pytest.raises(RequestError, match=message) as raised:
        load(dataset)
    assert str(raised.value).startswith(f"{dataset.file}: location: ")
    assert "\n" not in str(raised.value)


def test_nested_values_are_refused_unless_ignored(card_of: CardOf) -> None:
    table = GOOD.assign(odd=[[1, 2], [3], [4], []])
    with pytest.raises(RequestError, match=r"column 'odd' holds nested values"):
        load(card_of(table, "y", ".parquet"))
    assert list(features(load(card_of(table, "y", ".parquet", ignore=("odd",))))) == ["height", "city"]


def test_equal_names_of_columns_are_refused(card_over: CardOf, tmp_path: Path) -> None:
    columns = [pyarrow.array([1.0, 2.0, 3.0, 4.0])] * 2 + [pyarrow.array(["u", "v", "u", "v"])]
    card = card_over(b"", "t.parquet")
    parquet.write_table(pyarrow.table(columns, names=["x", "x", "y"]), tmp_path / "t.parquet")
    with pytest.raises(RequestError, match=r"location: .*the column 'x' is there twice"):
        load(card)


def test_an_index_of_pandas_is_no_column(card_over: CardOf, tmp_path: Path) -> None:
    card = card_over(b"", "t.parquet")
    GOOD.set_index(pd.Index([7, 3, 5, 1])).to_parquet(tmp_path / "t.parquet")
    assert list(features(load(card))) == ["height", "city"]


def test_types_of_parquet_that_pandas_has_not(card_over: CardOf, tmp_path: Path) -> None:
    card = card_over(b"", "t.parquet")
    columns = {
        "price": pyarrow.array([Decimal("1"), Decimal("2"), None, Decimal("4.00")]),
        "day": pyarrow.array([0, 1, None, 3], pyarrow.int32()).cast(pyarrow.date32()),
        "half": pyarrow.array(np.array([1, 2, 3, 4], np.float16)),
        "y": pyarrow.array(["u", "v", "u", "v"]).dictionary_encode(),
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    data = load(card)
    assert (features(data).dtypes == np.float64).all()
    assert np.array_equal(features(data)["price"], [1, 2, np.nan, 4], equal_nan=True)
    assert np.array_equal(features(data)["day"], [0, 1, np.nan, 3], equal_nan=True)
    assert data.classes == ("u", "v")


def test_lists_of_parquet_stay_lists(card_over: CardOf, tmp_path: Path) -> None:
    card = card_over(b"", "t.parquet")
    pd.DataFrame({"dim_0": [[1.0, 2.0], [3.0]], "y": ["a", "b"]}).to_parquet(tmp_path / "t.parquet")
    inputs = files.read(card).inputs
    assert isinstance(inputs, pd.DataFrame)
    assert [list(row) for row in inputs["dim_0"]] == [[1.0, 2.0], [3.0]]


def test_a_metric_of_another_task_type_is_refused(card_of: CardOf) -> None:
    card = card_of(GOOD, "y", metric="rmes")
    with pytest.raises(RequestError, match=r"mine\.yaml: metric: .*'rmes' for binary tasks; choose from"):
        describe(card, load(card))
    with pytest.raises(RequestError, match=r"^metric=rmse: mine: .*for binary tasks"):
        describe(card, load(card), "rmse")
    assert describe(card, load(card), "log_loss").metric == "log_loss"


@pytest.mark.shared_data
def test_real_tables_load_as_their_descriptions_say(shared: Path) -> None:
    descriptions = [load_yaml(path) for path in sorted((shared / "data" / "tabular").glob("*/*.yaml"))]
    assert len(descriptions) >= 40
    for about in descriptions:
        name = about["name"]
        card = Dataset(
            name,
            "file",
            str(shared / "data" / "tabular" / name / f"{name}.parquet"),
            about["target"],
            task_type=about["task_type"],
            categorical=tuple(about["categorical_features"]),
        )
        raw = files.read(card)
        data = to_task_data(raw, card, name)
        assert isinstance(raw.inputs, pd.DataFrame)
        left_out = raw.inputs.columns.drop([about["target"], *features(data).columns])
        constant = [column for column in left_out if raw.inputs[column].nunique() < 2]
        assert set(left_out) - set(constant) == NAMES_OF_ROWS.get(name, set()), name
        assert len(features(data).columns) + len(left_out) == about["n_features"], name
        assert all(
            any(f"'{column}'" in note or " more:" in note for note in data.notes) for column in left_out
        )
        if data.task_type != "regression":
            counts = dict(zip(data.classes, np.bincount(data.y).tolist(), strict=True))
            assert counts == {str(label): rows for label, rows in about["classes"].items()}, name


NAMES_OF_ROWS = {"mpg": {"name"}, "titanic": {"name", "ticket"}}
"""Which columns of the real tables are taken as names of rows: no other."""
