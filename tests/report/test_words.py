"""Numbers and names as people read them."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.judge.verdict import MIRROR
from benchmark.report.words import (
    VERDICTS,
    bounds,
    chance,
    interval,
    label,
    p_value,
    percent,
    ratio,
    share,
    slugs,
    wrapped,
)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (0.0321, "+3.2 %"),
        (-0.0321, "−3.2 %"),
        (0.0, "0.0 %"),
        (-0.0001, "0.0 %"),
        (None, "–"),
        (math.nan, "–"),
    ],
)
def test_percent_has_a_sign_unless_it_reads_zero(value: float | None, says: str) -> None:
    assert percent(value) == says


def test_other_numbers() -> None:
    assert share(0.0321) == "3.2 %"
    assert interval((-0.012, 0.034)) == "−1.2 to +3.4 %"
    assert interval(None) == interval((0.1, None)) == interval((0.1, math.inf)) == "–"
    assert bounds((0.1, 0.2)) == (0.1, 0.2)
    assert (p_value(0.0001), p_value(0.0234), p_value(1.0), p_value(None)) == ("< .001", ".023", "1.000", "–")
    assert (ratio(1.0), ratio(0.667), ratio(123.4), ratio(None)) == ("1.00×", "0.67×", "123×", "–")


def test_every_verdict_has_words() -> None:
    assert set(VERDICTS) == set(MIRROR)


@given(st.text(max_size=200), st.integers(5, 60))
def test_a_label_is_one_short_printable_line(name: str, width: int) -> None:
    assert len(label(name, width)) <= width
    assert label(name, width).isprintable()


@given(st.lists(st.text(max_size=80), max_size=8))
def test_slugs_are_safe_and_different(names: list[str]) -> None:
    found = slugs(names)
    assert set(found) == set(names)
    assert len(set(found.values())) == len(found)
    assert all(re.fullmatch(r"[a-z0-9_-]{1,70}", slug) for slug in found.values())


def test_names_that_only_differ_in_case_get_files_of_their_own() -> None:
    assert slugs(["Adam", "adam", "../../x", ""]) == {
        "Adam": "adam",
        "adam": "adam-2",
        "../../x": "x",
        "": "unnamed",
    }


def test_a_chance_is_certain_only_where_it_is() -> None:
    assert [chance(value) for value in (0.0, 1e-9, 0.5, 0.9991, 1.0)] == [
        "0 %",
        "< 1 %",
        "50 %",
        "> 99 %",
        "100 %",
    ]


def test_a_number_and_its_unit_stay_on_one_line() -> None:
    assert wrapped("it took 5.0 x as long", 11, "") == ["it took", "5.0 x as", "long"]
    assert wrapped("it lost 3.2 % of them", 11, "") == ["it lost", "3.2 % of", "them"]
