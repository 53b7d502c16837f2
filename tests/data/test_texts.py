"""Texts with labels and running texts: what is kept to the last character, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmark.data import TaskData
from benchmark.data.fingerprint import fingerprint, row_digests
from benchmark.data.raw import Raw
from benchmark.data.texts import to_task_data
from benchmark.errors import RequestError
from benchmark.spec import Dataset

TEXTS = ["a b", "grüße", "日本", "🙂 ok"]
LABELS = ["ham", "spam", "ham", "spam"]
ANY_CHARACTER = st.characters(exclude_categories=())
"""Lone surrogates among them."""


def formed(inputs: Any, labels: Any = None, classes: tuple[str, ...] = (), **card: Any) -> TaskData:
    raw = Raw(inputs, labels, classes=classes)
    return to_task_data(raw, Dataset("mine", "file", "mine.csv", modality="text", **card), "mine.yaml")


def refusal(inputs: Any, labels: Any = None, classes: tuple[str, ...] = (), **card: Any) -> str:
    with pytest.raises(RequestError) as caught:
        formed(inputs, labels, classes, **card)
    message = str(caught.value)
    assert message.startswith("mine.yaml: ") and "\n" not in message
    return message


def table(**more: Any) -> pd.DataFrame:
    return pd.DataFrame({"label": LABELS, "text": TEXTS, **more})


def test_texts_of_a_table_keep_every_character() -> None:
    data = formed(table(), target="label")
    assert (data.modality, data.task_type, data.classes) == ("text", "binary", ("ham", "spam"))
    assert data.inputs([3, 1]) == ["🙂 ok", "grüße"]
    assert data.y.tolist() == [0, 1, 0, 1]
    assert fingerprint(data) == fingerprint(formed(TEXTS, LABELS))
    assert fingerprint(data) == fingerprint(formed(table().astype({"text": "category"}), target="label"))


@given(st.lists(st.text(ANY_CHARACTER, min_size=1), min_size=4, max_size=4))
def test_any_text_comes_back_as_it_was(texts: list[str]) -> None:
    data = formed(texts, LABELS)
    assert data.inputs(range(4)) == texts
    assert data.take(np.array([0, 2])).inputs([0, 1]) == [texts[0], texts[2]]
    assert len(set(row_digests(data).tolist())) == len(set(texts))
    assert len(fingerprint(data)) == 64


def test_other_columns_are_left_out_and_said_so() -> None:
    data = formed(table(age=[1, 2, 3, 4], who=list("xxyy")), target="label", groups="who")
    assert data.groups is not None and data.groups.tolist() == [0, 0, 1, 1]
    assert data.notes[-1] == "'age': no text, left out"
    assert data.inputs([0]) == ["a b"]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (table(title=list("abcd")), "'mine.csv' has texts in text, title; put all but one under 'ignore'"),
        (table()[["label"]], "'mine.csv' has no column of texts"),
        (table().assign(text=[1, 2, 3, 4]), "'mine.csv' has no column of texts"),
        (
            table().assign(text=["a", None, "b", None]),
            "column 'text' is missing in 2 of 4 rows; remove these",
        ),
        (table().assign(text=["a", "", "b", "c"]), "column 'text': row 2 is empty; a text has at least one"),
        (
            table().assign(text=pd.Series(["a", 7, "b", "c"], dtype=object)),
            "column 'text': row 2 is no text but 7",
        ),
        (table().assign(label="ham"), "target: column 'label' has fewer than two different values"),
        (table()[:1], "fewer than two different values"),
    ],
)
def test_a_table_that_is_no_set_of_texts_is_refused(frame: pd.DataFrame, message: str) -> None:
    assert message in refusal(frame, target="label")


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({}, "target: say which column"),
        ({"target": "lable"}, "no column 'lable'; did you mean 'label'?"),
        ({"target": "label", "task_type": "language"}, "a language task is made of one running text (.txt)"),
        ({"target": "label", "task_type": "forecasting"}, "no task type 'forecasting' for labelled rows"),
        ({"target": "label", "options": {"length": 8}}, "no option 'length'; this task takes none"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(card: dict[str, Any], message: str) -> None:
    assert message in refusal(table(), **card)


@given(st.text(ANY_CHARACTER, min_size=3), st.integers(1, 5))
def test_blocks_ask_for_the_next_character_everywhere(text: str, length: int) -> None:
    assume(len(text) > 2 * length and len(set(text)) > 1)
    data = formed(text, options={"length": length})
    n_rows = (len(text) - 1) // length
    assert (data.task_type, data.classes) == ("language", tuple(sorted(set(text))))
    assert data.y.shape == (n_rows, length) and data.y.dtype == np.int64
    blocks = data.inputs(range(n_rows))
    assert all(len(block) == length for block in blocks)
    assert "".join(blocks) == text[: n_rows * length]
    assert "".join(data.classes[code] for code in data.y.ravel()) == text[1 : n_rows * length + 1]
    assert data.time is not None and data.time.tolist() == list(range(n_rows))
    assert data.gap == 0
    left_out = len(text) - n_rows * length - 1
    noted = f"the end, {left_out} of {len(text)} characters, too few for a block of {length}, is left out"
    assert data.notes == ((noted,) if left_out else ())
    assert len(fingerprint(data)) == 64


def test_blocks_are_64_characters_where_the_card_does_not_say() -> None:
    assert formed("ab" * 100, task_type="language").y.shape == (3, 64)


@pytest.mark.parametrize(
    ("text", "card", "message"),
    [
        ("ab" * 64, {}, "has 128 characters; two blocks of 64 need 129: lower options.length"),
        ("", {}, "has 0 characters"),
        ("a" * 500, {}, "is one character all along; there is nothing to predict"),
        ("ab" * 99, {"task_type": "binary"}, "the task type is 'language', not 'binary'"),
        ("ab" * 99, {"options": {"lenght": 9}}, "no option 'lenght'; did you mean 'length'?"),
        ("ab" * 99, {"options": {"length": 0}}, "options.length: expected a whole number from 1, got 0"),
        ("ab" * 99, {"time": "day"}, "time: 'mine.csv' is no table and has no columns"),
    ],
)
def test_a_running_text_that_teaches_nothing_is_refused(text: str, card: Any, message: str) -> None:
    assert message in refusal(text, **card)


def test_a_source_may_say_what_is_asked_and_where() -> None:
    codes = np.array([[-1, 1, 0], [-1, 1, -1]])
    data = formed(["ab?", "a?"], codes, ("x", "y"), task_type="language")
    assert (data.task_type, data.classes, data.time) == ("language", ("x", "y"), None)
    assert data.inputs([0, 1]) == ["ab?", "a?"]
    assert np.array_equal(data.y, codes)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([[-1, 1], [-1, 1]], "the codes have the shape (2, 2) for 2 texts, the longest of 3 characters"),
        ([[0, 0, 0]], "the codes have the shape (1, 3)"),
        ([0, 0], "the codes have the shape (2,)"),
        ([[-1, 1, 2], [-1, 1, -1]], "codes lie from -1, nothing asked, to 1"),
        ([[-2, 1, 0], [-1, 1, -1]], "codes lie from -1, nothing asked, to 1"),
        ([[-1, -1, -1], [-1, -1, -1]], "codes lie from -1, nothing asked, to 1"),
        ([[-1, 1, 0], [-1, 1, 0]], "something is asked behind the end of a text"),
    ],
)
def test_codes_that_do_not_fit_their_texts_are_refused(codes: Any, message: str) -> None:
    assert message in refusal(["ab?", "a?"], np.array(codes), ("x", "y"), task_type="language")


@pytest.mark.shared_data
def test_messages_and_shakespeare_load(shared: Path) -> None:
    folder = shared / "data" / "sequence"
    frame = pd.read_parquet(folder / "sms_spam" / "sms_spam.parquet")
    messages = formed(frame, target="label")
    assert np.bincount(messages.y).tolist() == [4827, 747]
    assert messages.inputs([17]) == [frame["text"][17]]
    text = (folder / "tinyshakespeare" / "tinyshakespeare.txt").read_text(encoding="utf-8")
    plays = formed(text, task_type="language")
    assert len(plays.classes) == 65
    assert plays.y.shape == ((len(text) - 1) // 64, 64)
    assert plays.inputs([0]) == [text[:64]]
