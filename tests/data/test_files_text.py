"""Tables as text: encodings, separators, what is missing, and every fault with its line."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmark.data import files
from benchmark.data.raw import Raw
from benchmark.errors import RequestError
from benchmark.spec import Dataset

CardOf = Callable[..., Dataset]

PLAIN = "x,y\n1.5,a\n2,b\n"


def table_in(raw: Raw) -> pd.DataFrame:
    assert isinstance(raw.inputs, pd.DataFrame)
    return raw.inputs


def table_of(card: Dataset) -> pd.DataFrame:
    return table_in(files.read(card))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", PLAIN.encode()),
        ("t.csv", codecs.BOM_UTF8 + PLAIN.replace("\n", "\r\n").encode()),
        ("t.csv", PLAIN.replace("\n", "\r").encode()),
        ("t.csv", PLAIN.replace("\n", "\n\n").encode()),
        ("t.csv", PLAIN.rstrip().replace(",y", ", y").encode()),
        ("t.csv", PLAIN.encode("utf-16")),
        ("t.csv", codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be")),
        ("t.csv", PLAIN.encode("utf-32")),
        ("t.csv.gz", gzip.compress(PLAIN.encode(), mtime=0)),
        ("t.CSV", PLAIN.encode()),
        ("t.tsv", PLAIN.replace(",", "\t").encode()),
        ("t.tab.gz", gzip.compress(PLAIN.replace(",", "\t").encode(), mtime=0)),
    ],
)
def test_one_table_in_many_encodings(card_over: CardOf, name: str, content: bytes) -> None:
    raw = files.read(card_over(content, name))
    pd.testing.assert_frame_equal(raw.inputs, pd.DataFrame({"x": [1.5, 2.0], "y": ["a", "b"]}))
    assert not raw.notes


def test_western_european_text_is_read_and_noted(card_over: CardOf) -> None:
    raw = files.read(card_over("x,y\n1,a\n2,é€\n".encode("cp1252")))
    assert list(table_in(raw)["y"]) == ["a", "é€"]
    assert raw.notes == (
        "'t.csv' is not UTF-8 (byte 0xe9 in line 3); read as Windows-1252 (western European)",
    )


def test_a_character_may_lie_across_two_chunks(card_over: CardOf) -> None:
    long = "x,y\n1," + "k" * ((1 << 20) - 7) + "é\n2,b\n"
    card = card_over(long)
    assert table_of(card)["y"][0].endswith("ké")
    card_over(long.encode("cp1252"))
    (note,) = files.read(card).notes
    assert "byte 0xe9 in line 2" in note


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"the file is empty"),
        (b"\n\n", r"no line with the names of columns"),
        (b"x,y", r"names of columns and no rows"),
        (b"x,y\n\n", r"names of columns and no rows"),
        (b"x,y\n1,2\n1,2,3\n", r"line 3 has 3 values, but there are 2 columns"),
        (b'x,y\n1,"a\nb"\n1\n', r"line 4 has 1 values, but there are 2 columns"),
        (b"x,y\n1,2,3\n4,5,6\n", r"line 2 has 3 values, but there are 2 columns"),
        (b"x,y,x\n1,2,3\n", r"the column 'x' is there twice"),
        (b"x, x\n1,2\n", r"the column 'x' is there twice"),
        (b"x,y\n1,\x81\n", r"neither UTF-8 nor Windows-1252: byte 0x81 in line 2; save it as UTF-8"),
        (b"\xff\xfex", r"begins like UTF-16, but is not: byte 0x78 in line 1"),
        (b"x,y\n1,\0\n", r"byte 6 is zero: this is no text, or UTF-16 without its mark"),
        (PLAIN.encode("utf-16-le"), r"byte 1 is zero: .* UTF-16 without its mark"),
        (b'x,y\n"1,2\n3,4\n', r"a quotation mark in line 2 is never closed"),
        (b'x,y\n1,2\n3,"4\n', r"a quotation mark in line 3 is never closed"),
        (b'{"a": [1,2],\n "b": 3}\n', r"line 2 has 1 values, but there are 3 columns"),
    ],
)
def test_every_fault_is_one_line_that_says_where(card_over: CardOf, content: bytes, message: str) -> None:
    card = card_over(content)
    with pytest.raises(RequestError, match=message) as raised:
        files.read(card)
    assert str(raised.value).startswith(f"{card.file}: location: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"abc", r"Not a gzipped file"),
        (gzip.compress(PLAIN.encode() * 99, mtime=0)[:-12], r"ended before"),
        (gzip.compress(PLAIN.encode(), mtime=0)[:-8] + bytes(8), r"CRC check failed"),
    ],
)
def test_a_damaged_packed_file_is_refused(card_over: CardOf, content: bytes, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        files.read(card_over(content, "t.csv.gz"))


@pytest.mark.parametrize(
    ("content", "values", "note"),
    [
        ("x;y\n1,5;a\n-,25;b\n", [1.5, -0.25], "';' between values and decimal commas"),
        ("x;y\n1.5;a,c\n2;b\n", [1.5, 2.0], "';' between values"),
        ("x\ty\n1\ta;c\n2\tb\n", [1, 2], "'\\t' between values"),
        ("x|y\n1|a\n2|b\n", [1, 2], "'|' between values"),
        ('x,y\n1,"a;b"\n2,"c;d"\n', [1, 2], ""),
        ("x,y;z\n1,a;b\n2,c;d\n", [1, 2], ""),
    ],
)
def test_the_separator_is_found_and_said(
    card_over: CardOf, content: str, values: list[float], note: str
) -> None:
    raw = files.read(card_over(content))
    assert list(table_in(raw)["x"]) == values
    assert raw.notes == ((f"'t.csv' is read with {note}",) if note else ())


def test_numbers_are_whole_where_they_are_written_so(card_over: CardOf) -> None:
    frame = table_of(card_over("i,f,m,b,y\n1,1.0,1,9007199254740993,a\n-2,2,,9007199254740992,b\n"))
    assert [str(dtype) for dtype in frame.dtypes] == ["int64", "float64", "float64", "int64", "str"]
    assert list(frame["b"]) == [9007199254740993, 9007199254740992]


@pytest.mark.parametrize("values", [["01234", "98765", ""], ["0x10", "1", "2"], ["007", "1.5", ""]])
def test_numbers_that_would_lose_a_zero_are_text(card_over: CardOf, values: list[str]) -> None:
    frame = table_of(card_over("x,y\n" + "".join(f"{value},a\n" for value in values)))
    assert list(frame["x"].dropna()) == [value for value in values if value]


def test_what_begins_with_a_zero_and_is_a_number(card_over: CardOf) -> None:
    frame = table_of(card_over("x,y\n0,a\n0.5,b\n0e1,b\n0E1,b\n-0.25,b\n"))
    assert list(frame["x"]) == [0, 0.5, 0, 0, -0.25]


def test_words_for_missing_values(card_over: CardOf) -> None:
    raw = files.read(
        card_over('text,number,y\nNA,NA,a\n"NA","NA",b\nDE, 1 ,a\n,?,b\nNone,None,a\n ?,-,b\n"",7,a\n')
    )
    assert list(table_in(raw)["text"].fillna("missing")) == [
        "missing",
        "NA",
        "DE",
        "missing",
        "None",
        "missing",
        "missing",
    ]
    assert list(table_in(raw)["number"].fillna(-1)) == [-1, -1, 1, -1, -1, -1, 7]
    (note,) = raw.notes
    assert note.endswith("quoted, they are kept): 2 in 'text'")


@pytest.mark.parametrize("late", ["stone", "7"])
def test_words_far_above_are_words_unless_numbers_follow(card_over: CardOf, late: str) -> None:
    n_rows = 200_000
    frame = table_of(card_over("x,y\n" + "None,a\n,b\n" * n_rows + f"{late},a\n"))
    found = {value for value in frame["x"].unique() if not pd.isna(value)}
    assert found == ({"None", "stone"} if late == "stone" else {7})


def test_words_without_any_number_are_words(card_over: CardOf) -> None:
    frame = table_of(card_over("x,e,y\nNone,,a\n,,b\n-,NA,a\n"))
    assert list(frame["x"].fillna("missing")) == ["None", "missing", "-"]
    assert frame["e"].isna().all()


def test_the_separator_of_a_wide_table(card_over: CardOf) -> None:
    names = [f"a column of a long name {number}" for number in range(4000)]
    frame = table_of(card_over(";".join(names) + "\n" + ";".join(["1,5"] * 4000) + "\n"))
    assert list(frame) == names


def test_text_far_below_numbers_keeps_the_numbers_as_they_are_written(card_over: CardOf) -> None:
    n_rows = 200_000
    card = card_over("x,z,w,y\n" + "1.50,,5,a\n2,,6,b\n" * n_rows + "no,late,7.5,a\n")
    frame = table_of(card)
    assert set(frame["x"]) == {"1.50", "2", "no"}
    assert list(frame["z"].dropna()) == ["late"]
    assert len(frame) == 2 * n_rows + 1
    assert frame["w"].sum() == 11 * n_rows + 7.5


def test_a_row_may_be_longer_than_what_is_parsed_at_once(card_over: CardOf) -> None:
    text = "k" * 3_000_000
    assert list(table_of(card_over(f'x,y\n{text},a\n"\n",b\n'))["x"]) == [text, "\n"]


def test_columns_without_a_name_are_called_by_their_place(card_over: CardOf) -> None:
    assert list(table_of(card_over(",x,,y\n1,2,3,a\n"))) == ["Unnamed: 0", "x", "Unnamed: 2", "y"]


NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)


@given(
    rows=st.lists(st.tuples(NUMBERS, TEXTS), min_size=1, max_size=20),
    encoding=st.sampled_from(["utf-8", "utf-16"]),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_what_is_read(
    card_over: CardOf, rows: list[tuple[Any, str]], encoding: str
) -> None:
    # A letter in front makes text of all of it: neither a number, nor missing.
    frame = pd.DataFrame({"n": [float(number) for number, _ in rows], "t": [f"t{text}" for _, text in rows]})
    content = frame.to_csv(index=False, lineterminator="\n", quoting=2).encode(encoding)
    found = table_of(card_over(content))
    assert np.array_equal(found["n"], frame["n"])
    assert list(found["t"]) == list(frame["t"])
