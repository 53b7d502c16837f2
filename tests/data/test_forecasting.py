"""Windows of a series: what is seen, what is asked, how it is cut, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.data import TaskData
from benchmark.data.fingerprint import fingerprint
from benchmark.data.raw import Raw
from benchmark.data.sequences import to_task_data
from benchmark.errors import RequestError
from benchmark.spec import Dataset


def formed(frame: Any, **card: Any) -> TaskData:
    given_card = {"target": "value", "task_type": "forecasting", "modality": "sequence", **card}
    return to_task_data(Raw(frame), Dataset("mine", "file", "mine.csv", **given_card), "mine.yaml")


def refusal(frame: Any, **card: Any) -> str:
    with pytest.raises(RequestError) as caught:
        formed(frame, **card)
    message = str(caught.value)
    assert message.startswith("mine.yaml: ") and "\n" not in message
    return message


def series(n_steps: int = 30, **more: Any) -> pd.DataFrame:
    return pd.DataFrame({"day": np.arange(n_steps) + 100, "value": np.arange(n_steps) ** 1.5, **more})


@given(
    n_steps=st.integers(2, 40),
    context=st.integers(1, 12),
    horizon=st.integers(1, 8),
    missing=st.sets(st.integers(0, 39), max_size=3),
    covariate=st.booleans(),
)
def test_windows_are_every_context_with_what_follows(
    n_steps: int, context: int, horizon: int, missing: set[int], covariate: bool
) -> None:
    frame = series(n_steps)
    if covariate:
        frame["heat"] = -frame["value"]
    holes = sorted(step for step in missing if step < n_steps)
    frame.loc[holes, "value"] = np.nan
    card: dict[str, Any] = {"time": "day", "options": {"context": context, "horizon": horizon, "season": 1}}
    columns = frame[["value", "heat"]].to_numpy() if covariate else frame[["value"]].to_numpy()
    expected = [
        (columns[start : start + context], frame["value"].to_numpy()[start + context :][:horizon])
        for start in range(n_steps - context - horizon + 1)
        if not any(start <= hole < start + context + horizon for hole in holes)
    ]
    if not expected or frame["value"].nunique() < 2:
        assert "mine.yaml" in refusal(frame, **card)
        return
    data = formed(frame, **card)
    assert len(data) == len(expected)
    assert data.y.dtype == np.float64
    for (inputs, following), x, y in zip(expected, data.inputs(range(len(data))), data.y, strict=True):
        assert np.array_equal(x, inputs.astype(np.float32))
        assert np.array_equal(y, following)
    assert data.time is not None and data.time.tolist() == list(range(len(data)))


@given(st.integers(1, 9), st.sets(st.integers(0, 59), max_size=4))
def test_behind_the_gap_no_target_is_shared(horizon: int, missing: set[int]) -> None:
    frame = series(60)
    frame.loc[sorted(missing), "value"] = np.nan
    data = formed(frame, time="day", options={"context": 2, "horizon": horizon, "season": 1})
    for row in range(len(data) - data.gap - 1):
        assert not set(data.y[row]) & set(data.y[row + data.gap + 1])


def test_the_target_comes_first_whatever_the_order_of_the_columns() -> None:
    frame = series(heat=np.arange(30) * 2)[["heat", "day", "value"]]
    data = formed(frame, time="day", options={"context": 3, "horizon": 2, "season": 1})
    assert data.inputs([0])[0].tolist() == [[0, 0], [1, 2], [np.float32(2**1.5), 4]]


def test_what_is_asked_keeps_its_digits() -> None:
    frame = series().assign(value=np.arange(30) + 1e-12)
    data = formed(frame, time="day", options={"context": 2, "horizon": 1, "season": 1})
    assert data.y[0, 0] == 2 + 1e-12


@pytest.mark.parametrize(
    ("n_steps", "options", "found"),
    [
        (1000, {}, (24, 12, 1)),
        (100, {}, (10, 5, 1)),
        (10, {}, (2, 1, 1)),
        (1000, {"season": 7}, (14, 7, 7)),
        (144, {"season": 12}, (24, 7, 12)),
        (1000, {"horizon": 20}, (40, 20, 1)),
        (1000, {"context": 5}, (5, 12, 1)),
    ],
)
def test_what_the_card_leaves_open_is_chosen_and_said(n_steps: int, options: Any, found: Any) -> None:
    data = formed(series(n_steps), time="day", options=options)
    context, horizon, season = found
    assert (data.inputs([0])[0].shape, data.y.shape[1]) == ((context, 1), horizon)
    assert data.gap == horizon - 1
    (note,) = data.notes
    for name, value in {"context": context, "horizon": horizon, "season": season}.items():
        assert (f"{name} {value}" in note) == (name not in options)
    assert note.endswith(f"chosen for {n_steps} values; 'options' sets them")


def test_a_season_that_cuts_no_other_windows_is_no_other_data() -> None:
    first, second = (
        formed(series(), time="day", options={"context": 4, "horizon": 2, "season": season})
        for season in (1, 7)
    )
    assert fingerprint(first) == fingerprint(second)


FULL = {"context": 4, "horizon": 2, "season": 1}


def test_windows_that_touch_a_missing_value_are_counted() -> None:
    frame = series()
    frame.loc[10, "value"] = None
    data = formed(frame, time="day", options=FULL)
    assert len(data) == 30 - 5 - 6
    assert data.notes == ("6 of 25 windows touch a missing value and are left out",)


def test_without_a_time_the_order_of_the_table_is_taken_and_said() -> None:
    data = formed(series(), ignore=("day",), options=FULL)
    assert data.notes == ("no 'time' column: rows are taken in the order of the table",)


@pytest.mark.parametrize(
    "days",
    [
        [f"1949-{month:02}" for month in range(1, 13)],
        [f"1949-01-{day:02}" for day in range(1, 13)],
        list(pd.date_range("1949-01-01", periods=12, freq="QS")),
        list(np.arange(12) / 4 - 1),
        [f"194{year}Q{quarter}" for year in range(3) for quarter in range(1, 5)],
    ],
)
def test_times_may_be_numbers_or_dates(days: list[Any]) -> None:
    frame = series(12).assign(day=days)
    assert len(formed(frame, time="day", options=FULL)) == 7
    twice = frame.assign(day=[*days[:5], days[4], *days[6:]])
    message = refusal(twice, time="day", options=FULL)
    assert f"time: column 'day' does not increase: row 6 ({frame['day'][4]}) is not after row 5" in message
    assert "does not increase: row 2" in refusal(frame.iloc[::-1], time="day", options=FULL)


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({"options": {"context": 29, "horizon": 2}}, "has 30 values, and one window needs 31"),
        ({"options": {"context": 0}}, "options.context: expected a whole number from 1, got 0"),
        ({"options": {"horizon": 2.5}}, "options.horizon: expected a whole number from 1, got 2.5"),
        ({"options": {"season": True}}, "options.season: expected a whole number from 1, got True"),
        ({"options": {"horizn": 3}}, "options: there is no option 'horizn'; did you mean 'horizon'?"),
        ({"target": "valeu"}, "has no column 'valeu'; did you mean 'value'?"),
        ({"target": ""}, "target: say which column"),
        ({"time": "dya"}, "time: 'mine.csv' has no column 'dya'; did you mean 'day'?"),
        ({"target": "word", "ignore": ()}, "target: column 'word' holds no numbers, .* choose another"),
        ({"ignore": ()}, "column 'word' holds no numbers, .* put it under 'ignore' or 'time'"),
        ({"groups": "day", "time": None}, "groups: a forecasting task is one series"),
        ({"test": "later.csv"}, "test: a forecasting task is one series"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(card: dict[str, Any], message: str) -> None:
    frame = series(word=["a", "b"] * 15)
    found = refusal(frame, **{"time": "day", "ignore": ("word",), "options": FULL, **card})
    assert re.search(message.replace("?", r"\?"), found)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (series(1), "has 1 values, and one window needs 3"),
        (series().assign(value=7.0), "target: column 'value' never changes"),
        (series().assign(value=np.nan), "target: column 'value' never changes"),
        (series().assign(value=[np.inf, *range(29)]), "target: column 'value' is infinite in 1 of 30 rows"),
        (
            series().assign(value=[1.0, 2.0, np.nan] * 10),
            "every window of 'mine.csv' touches a missing value",
        ),
        (series().assign(day=[None, *range(29)]), "time: column 'day' is missing in 1 of 30 rows"),
        (series().assign(day=["monday", "tuesday"] * 15), "does not sort by time"),
        (np.arange(30.0), "a series to forecast is a column of a table"),
    ],
)
def test_a_series_that_teaches_nothing_is_refused(frame: Any, message: str) -> None:
    assert message in refusal(frame, time="day")


@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "n_rows"), [("airline_passengers", 144), ("daily_min_temperatures", 3650)])
def test_series_of_files_load(shared: Path, name: str, n_rows: int) -> None:
    frame = pd.read_parquet(shared / "data" / "sequence" / name / f"{name}.parquet")
    data = formed(frame, time="time", options={"context": 24, "horizon": 12, "season": 12})
    assert len(data) == n_rows - 24 - 12 + 1
    assert np.array_equal(data.y[0], frame["value"][24:36])
    assert not data.notes
