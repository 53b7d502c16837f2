"""Sequences with labels: of arrays and of tables, of unequal length, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.data import Ragged, TaskData
from benchmark.data.fingerprint import fingerprint
from benchmark.data.raw import Raw
from benchmark.data.sequences import to_task_data
from benchmark.errors import RequestError
from benchmark.spec import Dataset

Array = npt.NDArray[Any]
LABELS = ["up", "down", "up", "down"]
LENGTHS = (3, 1, 4, 2)


def formed(inputs: Any, labels: Any = None, **card: Any) -> TaskData:
    raw = Raw(inputs, labels)
    dataset = Dataset("mine", "file", "mine.parquet", modality="sequence", **card)
    return to_task_data(raw, dataset, "mine.yaml")


def refusal(inputs: Any, labels: Any = None, **card: Any) -> str:
    with pytest.raises(RequestError) as caught:
        formed(inputs, labels, **card)
    message = str(caught.value)
    assert message.startswith("mine.yaml: ") and "\n" not in message
    return message


def ragged(data: TaskData) -> Ragged:
    assert isinstance(data.X, Ragged)
    return data.X


def rows(channels: int = 2) -> list[Array]:
    """Four sequences of unequal length."""
    return [np.arange(length * channels, dtype=np.float64).reshape(length, channels) for length in LENGTHS]


def table(**more: Any) -> pd.DataFrame:
    """The sequences of ``rows`` as a table of lists."""
    columns = {f"dim_{channel}": [row[:, channel].tolist() for row in rows()] for channel in range(2)}
    return pd.DataFrame({"label": LABELS, **columns, **more})


def test_rows_of_unequal_length_keep_their_steps_and_channels() -> None:
    data = formed(rows(), LABELS)
    assert (data.modality, data.task_type, data.classes) == ("sequence", "binary", ("down", "up"))
    assert ragged(data).values.dtype == np.float32
    for found, given_row in zip(data.inputs(range(4)), rows(), strict=True):
        assert np.array_equal(found, given_row)
    assert data.inputs([2])[0].shape == (4, 2)


def test_a_table_of_lists_is_the_same_task() -> None:
    assert fingerprint(formed(table(), target="label")) == fingerprint(formed(rows(), LABELS))
    arrays = table().map(lambda cell: np.array(cell) if isinstance(cell, list) else cell)
    assert fingerprint(formed(arrays, target="label")) == fingerprint(formed(rows(), LABELS))


def test_a_flat_sequence_has_one_channel() -> None:
    flat = formed([row[:, 0] for row in rows(1)], LABELS)
    assert fingerprint(flat) == fingerprint(formed(rows(1), LABELS))
    block = formed(np.arange(24).reshape(4, 6), LABELS)
    assert ragged(block).values.shape == (24, 1)
    assert ragged(formed(np.arange(24).reshape(4, 3, 2), LABELS)).values.shape == (12, 2)


def test_quantities_are_predicted_too() -> None:
    data = formed(rows(), [0.5, 1.5, 2.0, 9.0], task_type="regression")
    assert (data.task_type, data.y.tolist()) == ("regression", [0.5, 1.5, 2.0, 9.0])


def test_other_columns_are_left_out_and_said_so() -> None:
    data = formed(table(age=[1, 2, 3, 4], id=list("abcd")), target="label", ignore=("id",))
    assert fingerprint(data) == fingerprint(formed(rows(), LABELS))
    assert data.notes[-1] == "'age': one value a row and no sequence, left out"


def test_columns_with_a_role_are_no_channels() -> None:
    data = formed(
        table(
            split=["train", "test", "train", "validation"],
            who=["x", "x", "y", "y"],
            day=["2020-01-02", "2020-01-01", "2020-01-02", "2020-01-03"],
            weight=[1, 1, 2, 4],
        ),
        target="label",
        split="split",
        groups="who",
        time="day",
        weights="weight",
    )
    assert data.groups is not None and data.groups.tolist() == [0, 0, 1, 1]
    assert data.time is not None and data.time.tolist() == [1, 0, 1, 2]
    assert data.weights is not None and data.weights.tolist() == [0.5, 0.5, 1.0, 2.0]
    (own,) = data.own
    assert (own.train.tolist(), own.validation.tolist(), own.test.tolist()) == ([0, 2], [3], [1])
    assert np.array_equal(data.inputs([3])[0], rows()[3])


def test_the_order_of_the_channels_is_the_order_of_the_columns() -> None:
    swapped = formed(table()[["dim_1", "label", "dim_0"]], target="label")
    assert np.array_equal(swapped.inputs([0])[0], rows()[0][:, ::-1])


@given(st.permutations(range(4)))
def test_permuting_rows_permutes_the_task(order: list[int]) -> None:
    data = formed(table().iloc[order], target="label")
    straight = formed(table(), target="label")
    assert data.y.tolist() == straight.y[order].tolist()
    for found, row in zip(data.inputs(range(4)), order, strict=True):
        assert np.array_equal(found, rows()[row])


def without(row: int, channel: str, value: Any) -> pd.DataFrame:
    frame = table()
    frame[channel] = frame[channel].astype(object)
    frame.at[row, channel] = value
    return frame


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            without(1, "dim_1", [1.0, 2.0]),
            "channels of row 2 are of unequal length: 'dim_0' 1, 'dim_1' 2 steps",
        ),
        (without(2, "dim_0", None), "column 'dim_0': row 3 holds no list"),
        (without(2, "dim_0", 3.5), "column 'dim_0': row 3 holds no list"),
        (without(0, "dim_0", [[1.0], [2.0], [3.0]]), "column 'dim_0': row 1 holds lists of lists"),
        (without(0, "dim_0", ["a", "b", "c"]), "column 'dim_0': row 1 holds what is no number"),
        (without(0, "dim_0", [1.0, [2.0], 3.0]), "column 'dim_0': row 1 holds what is no number"),
        (without(3, "dim_0", [1.0, None]), "a value is missing or infinite in 1 steps, first in row 4"),
        (without(2, "dim_0", [0.0, np.inf, 1e300, 1.0]), "missing or infinite in 2 steps, first in row 3"),
        (table()[["label"]], "has no column of lists; a channel is a column with a list in every row"),
        (pd.DataFrame({"label": LABELS, "d": [[1.0], [], [2.0], [3.0]]}), "row 2 is empty"),
    ],
)
def test_lists_that_are_no_sequences_are_refused(frame: pd.DataFrame, message: str) -> None:
    assert message in refusal(frame, target="label")


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({}, "target: say which column"),
        ({"target": "lable"}, "no column 'lable'; did you mean 'label'?"),
        ({"target": "label", "split": "splits"}, "split: 'mine.parquet' has no column 'splits'"),
        ({"target": "label", "task_type": "language"}, "no task type 'language' for labelled rows"),
        ({"target": "label", "options": {"context": 3}}, "no option 'context'; this task takes none"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(card: dict[str, Any], message: str) -> None:
    assert message in refusal(table(), **card)


@pytest.mark.parametrize(
    ("inputs", "labels", "message"),
    [
        (rows(), LABELS[:3], "holds 4 rows, but 3 labels"),
        (rows(), None, "holds no labels"),
        ([*rows()[:3], np.zeros((2, 3))], LABELS, "row 4 has 3 channels, and row 1 has 2"),
        ([*rows()[:3], np.zeros((2, 3, 1))], LABELS, "row 4 is 2 x 3 x 1; a sequence is time x channels"),
        ([1.0, 2.0, 3.0, 4.0], LABELS, "row 1 is one number; a sequence is time x channels"),
        ([*rows()[:3], np.zeros((0, 2))], LABELS, "row 4 is empty; a sequence has at least one step"),
        ([*rows()[:3], np.zeros((2, 0))], LABELS, "row 4 is empty"),
        (rows()[:1], LABELS[:1], "fewer than two different values"),
        ("a text", LABELS, "is one running text; say 'modality: text'"),
    ],
)
def test_arrays_that_are_no_sequences_are_refused(inputs: Any, labels: Any, message: str) -> None:
    assert message in refusal(inputs, labels)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "n_rows", "n_train", "channels", "length"),
    [("BasicMotions", 80, 40, 6, 100), ("GunPoint", 200, 50, 1, 150), ("ItalyPowerDemand", 1096, 67, 1, 24)],
)
def test_sets_of_the_archive_keep_their_splits(
    shared: Path, name: str, n_rows: int, n_train: int, channels: int, length: int
) -> None:
    frame = pd.read_parquet(shared / "data" / "sequence" / name / f"{name}.parquet")
    data = formed(frame, target="label", split="split")
    assert (len(data), ragged(data).values.shape) == (n_rows, (n_rows * length, channels))
    (own,) = data.own
    assert (len(own.train), len(own.test)) == (n_train, n_rows - n_train)
    assert np.allclose(data.inputs([7])[0][:, 0], frame["dim_0"][7])
