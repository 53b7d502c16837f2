"""Of any table: both formats are one task, the order of rows is theirs alone, the card has the last word."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.data import TaskData, files
from benchmark.data.fingerprint import fingerprint
from benchmark.data.raw import Raw
from benchmark.data.table import to_task_data
from benchmark.spec import Dataset


def formed(frame: pd.DataFrame, **card: Any) -> TaskData:
    return to_task_data(
        Raw(frame), Dataset("mine", "file", "t.csv", "y", task_type="binary", **card), "mine.yaml"
    )


def features(data: TaskData) -> pd.DataFrame:
    """The table that a task sees."""
    assert isinstance(data.X, pd.DataFrame)
    return data.X


VALUES = st.lists(
    st.tuples(
        st.floats(allow_infinity=False) | st.none(),
        st.integers(-(2**53), 2**53),
        st.sampled_from(["u", "v", 'ü, "q"\n', None]),
        st.booleans(),
        st.dates().map(lambda day: day.isoformat()),
        st.sampled_from(["a", "b"]),
    ),
    min_size=4,
    max_size=40,
)


def table_of(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """A table with two classes of at least two rows each."""
    frame = pd.DataFrame(rows, columns=["number", "count", "text", "flag", "day", "y"])
    frame["number"] = frame["number"].astype(float)
    frame.loc[frame.index[:4], "y"] = ["a", "b", "a", "b"]
    # Whatever is drawn, one feature is left.
    return frame.assign(kept=np.arange(len(frame)) % 2 + 0.5)


@given(VALUES)
@settings(deadline=None, max_examples=50)
def test_csv_and_parquet_are_one_task(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, ...]]
) -> None:

    folder, frame = tmp_path_factory.mktemp("pair"), table_of(rows)
    frame.to_csv(folder / "t.csv", index=False)
    frame.to_parquet(folder / "t.parquet")
    found = []
    for name in ("t.csv", "t.parquet"):
        card = Dataset("mine", "file", name, "y", file=str(folder / "mine.yaml"))
        found.append(to_task_data(files.read(card), card, "mine.yaml"))
    assert fingerprint(found[0]) == fingerprint(found[1])
    assert found[0].notes == found[1].notes


@given(VALUES, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=50)
def test_rows_in_another_order_are_the_same_rows(rows: list[tuple[Any, ...]], random: Any) -> None:
    frame = table_of(rows)
    order = np.array(random.sample(range(len(frame)), len(frame)))
    # Names of rows are found by their order; all else does not look at it.
    card: dict[str, Any] = {"numeric": ("count",), "groups": "day", "time": "day"}
    data, other = formed(frame, **card), formed(frame.iloc[order], **card)
    pd.testing.assert_frame_equal(features(data).iloc[order].reset_index(drop=True), features(other))
    assert np.array_equal(data.y[order], other.y)
    assert data.time is not None and other.time is not None
    assert np.array_equal(data.time[order], other.time)
    assert data.notes == other.notes


@given(VALUES, st.data())
@settings(deadline=None, max_examples=50)
def test_the_card_has_the_last_word(rows: list[tuple[Any, ...]], data: st.DataObject) -> None:
    frame = table_of(rows)
    words = {
        name: data.draw(
            st.sampled_from(["categorical", "numeric", "ignore"] if name != "text" else ["categorical"])
        )
        for name in ("number", "count", "text", "flag", "day")
    }
    card: dict[str, Any] = {
        word: tuple(name for name in words if words[name] == word) for word in set(words.values())
    }
    found = formed(frame, **card)
    assert list(features(found)) == [
        name for name in frame if words.get(name, "") != "ignore" and name != "y"
    ]
    for name, word in words.items():
        if word != "ignore":
            assert (features(found)[name].dtype == np.float64) == (word == "numeric")
    assert not found.notes
