"""From a raw table to a task: what is inferred and said, what the card overrides, roles, and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.data import TaskData
from benchmark.data.inference import FEWEST_ROWS
from benchmark.data.raw import Raw
from benchmark.data.table import to_task_data
from benchmark.errors import RequestError
from benchmark.spec import Dataset, OwnSplit

N_ROWS = 24
Y = ["a", "b"] * (N_ROWS // 2)
X = [0.5, 1.5, 2.5] * (N_ROWS // 3)


def formed(columns: Any, declared: bool = False, own: tuple[OwnSplit, ...] = (), **card: Any) -> TaskData:
    raw = Raw(pd.DataFrame(columns), declared=declared, own=own)
    dataset = Dataset("mine", "file", "t.csv", **{"target": "y", "task_type": "binary", **card})
    return to_task_data(raw, dataset, "mine.yaml")


def features(data: TaskData) -> pd.DataFrame:
    """The table that a task sees."""
    assert isinstance(data.X, pd.DataFrame)
    return data.X


def one(values: Any, **card: Any) -> TaskData:
    """A task with one odd column."""
    return formed({"odd": values, "x": X, "y": Y}, **card)


def refusal(columns: Any, **card: Any) -> str:
    with pytest.raises(RequestError) as caught:
        formed(columns, **card)
    message = str(caught.value)
    assert message.startswith("mine.yaml: ")
    assert "\n" not in message
    return message


DIFFERENT = [f"row {number}" for number in range(N_ROWS)]
SHUFFLED = [(7 * number) % N_ROWS for number in range(N_ROWS)]


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("odd", list(range(N_ROWS)), "they name the rows"),
        ("odd", list(range(1000, 1000 + N_ROWS)), "they name the rows"),
        ("odd", DIFFERENT, "they name the rows"),
        ("odd", [*DIFFERENT[: N_ROWS // 2 + 1], *["same"] * (N_ROWS // 2 - 1)], "they name the rows"),
        ("customer_id", SHUFFLED, "they name the rows"),
        ("PassengerId", SHUFFLED, "they name the rows"),
        ("Unnamed: 0", SHUFFLED, "they name the rows"),
        ("odd", [*DIFFERENT[:-3], "1", "2", "3"], "numbers and text mixed, and hardly two rows alike"),
        ("odd", [7] * N_ROWS, "the same value in every row"),
        ("odd", ["seven"] * N_ROWS, "the same value in every row"),
        ("odd", [True] * N_ROWS, "the same value in every row"),
        ("odd", [None] * N_ROWS, "no value in any row"),
        ("odd", [np.nan] * N_ROWS, "no value in any row"),
        ("odd", pd.Categorical([None] * N_ROWS, categories=["u"]), "no value in any row"),
    ],
)
def test_a_column_that_teaches_nothing_is_left_out_and_noted(name: str, values: Any, reason: str) -> None:
    data = formed({name: values, "x": X, "y": Y})
    assert list(features(data)) == ["x"]
    (note,) = data.notes
    assert note.startswith(f"column '{name}': ignored, {reason}")
    for word in ("categorical", "numeric"):
        if word == "categorical" or isinstance(values, list) and not isinstance(values[0], str):
            card: dict[str, Any] = {word: (name,)}
            kept = formed({name: values, "x": X, "y": Y}, **card)
            assert list(features(kept)) == [name, "x"]
            assert not kept.notes
    assert list(features(formed({name: values, "x": X, "y": Y}, declared=True))) == [name, "x"]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("odd", SHUFFLED),
        ("odd", [float(number) for number in range(N_ROWS)]),
        ("odd", [2 * number for number in range(N_ROWS)]),
        ("humid", SHUFFLED),
        ("id", [number % 5 for number in range(N_ROWS)]),
        ("odd", [None, *[7.0] * (N_ROWS - 1)]),
        ("odd", [*DIFFERENT[: N_ROWS // 2], *["same"] * (N_ROWS // 2)]),
        ("odd", [*DIFFERENT[: FEWEST_ROWS - 1], *[None] * (N_ROWS - FEWEST_ROWS + 1)]),
    ],
)
def test_a_column_that_may_teach_something_is_kept(name: str, values: Any) -> None:
    data = formed({name: values, "x": X, "y": Y})
    assert list(features(data)) == [name, "x"]
    assert not data.notes


def test_a_short_table_has_no_names_of_rows() -> None:
    few = FEWEST_ROWS - 1
    columns = {"id": range(few), "name": DIFFERENT[:few], "y": Y[:few]}
    assert list(features(formed(columns))) == ["id", "name"]


def test_columns_of_one_reason_are_one_note() -> None:
    data = formed({**{f"c{number}": [1] * N_ROWS for number in range(10)}, "x": X, "y": Y})
    (note,) = data.notes
    assert note == (
        "columns 'c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7' and 2 more: "
        "ignored, the same value in every row"
    )


MOMENTS = pd.DatetimeIndex(["1970-01-01T00:00", None, "1970-01-02T12:00"])
DAYS = np.array([0.0, np.nan, 1.5] * (N_ROWS // 3))


@pytest.mark.parametrize(
    "values",
    [
        ["1970-01-01", None, "1970-01-02T12:00"],
        ["1970-01-01 00:00:00", None, "1970-01-02 12:00:00.000"],
        ["1970-01-01T02:00+02:00", None, "1970-01-02T12:00:00Z"],
        ["1970-01-01T02:00+02", None, "1970-01-02T07:30-04:30"],
        MOMENTS.astype("datetime64[s]"),
        MOMENTS.astype("datetime64[ns]"),
        (MOMENTS + pd.Timedelta(hours=2)).tz_localize("Africa/Maputo"),
    ],
)
def test_dates_are_days(values: Any) -> None:
    data = one(list(values) * (N_ROWS // 3) if isinstance(values, list) else values.append([values] * 7))
    assert features(data)["odd"].dtype == np.float64
    assert np.array_equal(features(data)["odd"], DAYS, equal_nan=True)
    assert data.notes == ("column 'odd': dates, taken as days since 1970-01-01 UTC",)


def test_durations_are_days() -> None:
    data = one(pd.to_timedelta([0, None, 1.5] * (N_ROWS // 3), unit="D"))
    assert np.array_equal(features(data)["odd"], DAYS, equal_nan=True)
    assert data.notes == ("column 'odd': durations, taken as days",)


@pytest.mark.parametrize("text", ["2020-02-30", "01/02/2020", "2020-1-5", "12:30", "2020"])
def test_other_text_of_digits_is_text(text: str) -> None:
    data = one([text, "2021-01-01", "2021-01-01"] * (N_ROWS // 3))
    assert set(features(data)["odd"]) == {text, "2021-01-01"}


def test_text_of_numbers_is_noted_and_the_card_may_say_that_it_is_numbers() -> None:
    text = ["1", "2.5", None] * (N_ROWS // 3)
    data = one(text)
    assert list(features(data)["odd"].cat.categories) == ["1", "2.5"]
    (note,) = data.notes
    assert note.startswith("column 'odd': numbers written as text, taken as categories")
    data = one(text, numeric=("odd",))
    assert np.array_equal(features(data)["odd"], [1, 2.5, np.nan] * (N_ROWS // 3), equal_nan=True)
    assert not data.notes
    mixed = [1, "two", None] * (N_ROWS // 3)
    (note,) = one(mixed).notes
    assert note.startswith("column 'odd': numbers and text mixed, taken as categories")
    found = refusal({"odd": mixed, "x": X, "y": Y}, numeric=("odd",))
    assert found == "mine.yaml: column 'odd' is under 'numeric', but row 2 says 'two'"


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        ([True, False, None], [1, 0, np.nan]),
        (pd.Categorical([3, 20, None]), [3, 20, np.nan]),
        (pd.Categorical(["3", "20", None]), [3, 20, np.nan]),
        (["1970-01-01", "1970-01-03", None], [0, 2, np.nan]),
        (pd.array([1, 2, None], "Int64"), [1, 2, np.nan]),
    ],
)
def test_what_the_card_calls_numeric_is_numbers(values: Any, numbers: list[float]) -> None:
    column = pd.concat([pd.Series(values)] * (N_ROWS // 3), ignore_index=True)
    data = one(column, numeric=("odd",))
    assert np.array_equal(features(data)["odd"], numbers * (N_ROWS // 3), equal_nan=True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, np.inf, 2.0], "column 'odd' is infinite in 8 of 24 rows"),
        ([[1], [2, 3], []], "column 'odd' holds nested values; put it under 'ignore'"),
        ([{"a": 1}, None, {}], "column 'odd' holds nested values; put it under 'ignore'"),
        ([b"a", b"b", None], "column 'odd' holds nested values; put it under 'ignore'"),
        ([1j, 2j, 3j], "column 'odd' has the type complex128, neither number nor text"),
    ],
)
def test_values_that_are_no_values_are_refused(values: list[Any], message: str) -> None:
    columns = {"odd": values * (N_ROWS // 3), "x": X, "y": Y}
    assert message in refusal(columns)
    assert list(features(formed(columns, ignore=("odd",)))) == ["x"]


def test_numbers_stay_the_arrays_that_were_read() -> None:
    frame = pd.DataFrame({"x": np.arange(99.0), "y": np.arange(99.0) ** 2}, copy=False)
    data = to_task_data(Raw(frame), Dataset("mine", "file", "t", "y", task_type="regression"), "mine.yaml")
    assert np.shares_memory(features(data)["x"].to_numpy(), frame["x"].to_numpy())
    assert np.shares_memory(data.y, frame["y"].to_numpy())


ROLES = {
    "who": ["u", "v", "w", "u"] * 6,
    "when": ["2020Q1", "2020Q3", "2019Q4", "2020Q3"] * 6,
    "weight": [1, 2, 3, 2] * 6,
    "part": ["train", " Test", "VAL", "dev"] * 6,
    "x": X,
    "y": Y,
}


def test_roles_are_no_features() -> None:
    data = formed(ROLES, groups="who", time="when", weights="weight", split="part")
    assert list(features(data)) == ["x"]
    assert data.groups is not None and data.time is not None and data.weights is not None
    assert list(data.groups[:4]) == [0, 1, 2, 0]
    assert list(data.time[:4]) == [1, 2, 0, 2]
    assert np.array_equal(data.weights[:4], [0.5, 1, 1.5, 1])
    (own,) = data.own
    assert [list(part[:2]) for part in (own.train, own.test, own.validation)] == [[0, 4], [1, 5], [2, 3]]
    assert [part.dtype for part in (own.train, own.test, own.validation)] == [np.int64] * 3


def test_groups_and_times_may_be_features_as_well() -> None:
    data = formed(ROLES, groups="who", time="weight", categorical=("who",), numeric=("weight",))
    assert list(features(data)) == ["who", "when", "weight", "part", "x"]


def test_a_column_of_splits_goes_before_the_source() -> None:
    own = (OwnSplit(0, 0, np.arange(2), np.arange(2, N_ROWS)),)
    assert formed(ROLES, own=own).own is own
    assert list(formed(ROLES, own=own, split="part").own[0].train[:2]) == [0, 4]


@pytest.mark.parametrize(
    ("values", "ranks"),
    [
        ([30, 10, 10, 20], [2, 0, 0, 1]),
        ([0.5, -1.0, 2.0, 0.5], [1, 0, 2, 1]),
        (["2020-03-01", "2019-12-31", "2020-03-01T00:00", "2020-03-01T01:00+01:00"], [1, 0, 1, 1]),
        (pd.to_datetime(["2020", "2019", "2021", "2020"]), [1, 0, 2, 1]),
        (["1999-W05", "1999-W10", "1998-W52", "1999-W05"], [1, 2, 0, 1]),
    ],
)
def test_times_are_ranks(values: Any, ranks: list[int]) -> None:
    column = pd.concat([pd.Series(values)] * 6, ignore_index=True)
    data = formed({"when": column, "x": X, "y": Y}, time="when")
    assert data.time is not None
    assert list(data.time) == ranks * 6


@pytest.mark.parametrize(
    ("change", "card", "message"),
    [
        ({"who": [None, *["u"] * 23]}, {"groups": "who"}, "groups: column 'who' is missing in 1 of 24 rows"),
        ({"when": [None, *[1] * 23]}, {"time": "when"}, "time: column 'when' is missing in 1 of 24 rows"),
        ({"when": ["01/02/2020"] * 24}, {"time": "when"}, "'01/02/2020', which does not sort by time"),
        ({"when": ["2020Q1", "2020-2"] * 12}, {"time": "when"}, "'2020Q1', which does not sort by time"),
        ({"weight": [0, *[1] * 23]}, {"weights": "weight"}, "weights: column 'weight' is 0 in row 1"),
        ({"weight": [1, *[-2] * 23]}, {"weights": "weight"}, "weights: column 'weight' is -2 in row 2"),
        ({"weight": [np.inf, *[1] * 23]}, {"weights": "weight"}, "column 'weight' is inf in row 1"),
        ({"weight": [None, *[1] * 23]}, {"weights": "weight"}, "column 'weight' is missing in 1 of"),
        ({"weight": ["one"] * 24}, {"weights": "weight"}, "column 'weight' holds 'one' and the like"),
        ({"part": ["tset", *["train"] * 23]}, {"split": "part"}, "'tset' in row 1; did you mean 'test'?"),
        ({"part": ["train"] * 24}, {"split": "part"}, "split: column 'part' says 'test' in no row"),
        ({}, {"groups": "whom"}, "groups: 't.csv' has no column 'whom'; did you mean 'who'?"),
        ({}, {"numeric": ("X",)}, "numeric: 't.csv' has no column 'X'; did you mean 'x'?"),
        ({}, {"ignore": ("x",), "numeric": ("x",)}, "ignore: the column 'x' stands under 'numeric' already"),
        (
            {},
            {"numeric": ("x",), "categorical": ("x",)},
            "numeric: the column 'x' stands under 'categorical'",
        ),
        ({}, {"groups": "y"}, "groups: the column 'y' stands under 'target' already"),
        ({}, {"categorical": ("y",)}, "categorical: the column 'y' stands under 'target' already"),
        (
            {},
            {"weights": "weight", "numeric": ("weight",)},
            "numeric: the column 'weight' stands under 'weights'",
        ),
        ({}, {"target": ""}, "target: say which column of 't.csv' to predict; choose from part, weight"),
        ({"y": ["a"] * 24}, {}, "target: column 'y' has fewer than two different values"),
    ],
)
def test_every_fault_of_a_role_is_one_line(change: Any, card: dict[str, Any], message: str) -> None:
    assert message in refusal({**ROLES, **change}, **card)


def test_what_is_no_table_is_told_apart() -> None:
    card = Dataset("mine", "file", "t.txt", "y")
    with pytest.raises(RequestError, match=r"'t\.txt' holds one running text; say 'modality: image'"):
        to_task_data(Raw("to be or not"), card, "mine.yaml")
    with pytest.raises(RequestError, match=r"'t\.txt' holds no table; say"):
        to_task_data(Raw(np.zeros((3, 2, 2))), card, "mine.yaml")
    with pytest.raises(RequestError, match=r"'t\.txt' has no rows"):
        to_task_data(Raw(pd.DataFrame({"y": []})), card, "mine.yaml")


def test_a_class_with_a_single_row_is_refused_unless_the_splits_come_with_the_data() -> None:
    columns = {"x": X, "y": ["c", *Y[1:]]}
    assert "the class 'c' has a single row" in refusal(columns, task_type="multiclass")
    own = (OwnSplit(0, 0, np.arange(20), np.arange(20, N_ROWS)),)
    data = formed(columns, own=own, task_type="multiclass")
    assert data.classes == ("a", "b", "c")
    (note,) = data.notes
    assert "'c'" in note
