"""From mappings to dataclasses."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import RequestError
from benchmark.parse import check_keys, read
from benchmark.spec import Budget, Limits, Protocol, Splitting, Tuning


@dataclass(frozen=True)
class Every:
    """One field of every kind that the nouns use."""

    text: str
    number: float = 1.0
    count: int = 1
    flag: bool = False
    maybe: float | None = None
    names: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    inner: Limits = Limits()
    anything: tuple[Any, ...] = ()


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.builds(
        Protocol,
        splits=st.builds(Splitting, repeats=st.integers(), folds=st.integers(), validation=FINITE),
        seeds=st.integers(),
        aa=st.integers(),
        tuning=st.builds(Tuning, trials=st.integers(), sampler=st.text(), what=st.text()),
        budget=st.builds(Budget, unit=st.text(), amount=FINITE),
        limits=st.builds(Limits, seconds=st.none() | FINITE),
        rope=FINITE,
        level=FINITE,
        host_effects=st.text(),
    )
)
def test_what_is_read_back_is_what_was_written(protocol: Protocol) -> None:
    assert read(Protocol, dataclasses.asdict(protocol), "here") == protocol


def test_missing_keys_take_defaults_and_given_ones_are_set() -> None:
    assert read(Every, {}, "here", text="t") == Every("t")


def test_numbers_are_widened_and_never_narrowed() -> None:
    every = read(
        Every, {"text": 3, "number": "1e-3", "maybe": 2, "names": [1, "b"], "words": {"a": 1}}, "here"
    )
    assert every == Every("3", 1e-3, maybe=2.0, names=("1", "b"), words={"a": "1"})
    assert isinstance(every.maybe, float)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "here: the key 'text' is missing"),
        ({"txet": "a"}, "here: unknown key 'txet'; did you mean 'text'?"),
        ({3: "a"}, "here: unknown key '3'; choose from"),
        ([], "here: expected a mapping with the keys"),
        (None, "got None"),
        ({"text": True}, "here: text: expected text, got True"),
        ({"text": None}, "here: text: expected text, got None"),
        ({"text": ["a"]}, "here: text: expected text"),
        ({"text": "a", "number": "abc"}, "here: number: expected a number, got 'abc'"),
        ({"text": "a", "number": True}, "here: number: expected a number, got True"),
        ({"text": "a", "number": math.nan}, "here: number: expected a finite number, got nan"),
        ({"text": "a", "number": "inf"}, "here: number: expected a finite number, got inf"),
        ({"text": "a", "maybe": -math.inf}, "here: maybe: expected a finite number"),
        ({"text": "a", "count": 2.5}, "here: count: expected a whole number, got 2.5"),
        ({"text": "a", "count": "2"}, "here: count: expected a whole number, got '2'"),
        ({"text": "a", "count": True}, "here: count: expected a whole number"),
        ({"text": "a", "flag": 1}, "here: flag: expected true or false, got 1"),
        ({"text": "a", "names": "abc"}, "here: names: expected a list, got 'abc'"),
        ({"text": "a", "names": 3}, "here: names: expected a list"),
        ({"text": "a", "names": [[1]]}, "here: names: expected text"),
        ({"text": "a", "words": ["a"]}, "here: words: expected a mapping"),
        ({"text": "a", "words": {"k": []}}, "here: words.k: expected text"),
        ({"text": "a", "inner": 3}, "here: inner: expected a mapping with the keys seconds"),
        ({"text": "a", "inner": {"second": 3}}, "here: inner: unknown key 'second'; did you mean 'seconds'?"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(document: Any, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        read(Every, document, "here")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_given_fields_may_not_be_in_the_mapping() -> None:
    with pytest.raises(RequestError, match="unknown key 'text'"):
        read(Every, {"text": "a"}, "here", text="b")


def test_check_keys_accepts_a_part() -> None:
    check_keys({"a": 1}, ("a", "b"), "here")
