"""The hint at the end of every message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import RequestError, nearest

NAMES = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=8)


def test_a_near_name_is_suggested() -> None:
    assert nearest("radm", ["radam", "lion"]) == "did you mean 'radam'?"


@pytest.mark.parametrize("typed", ["RADAM", "Radam", "rAdAm"])
def test_case_does_not_matter(typed: str) -> None:
    assert nearest(typed, ["radam", "lion"]) == "did you mean 'radam'?"


def test_of_two_names_that_differ_in_case_the_one_typed_wins() -> None:
    assert nearest("RAdamm", ["RAdam", "radam"]) == "did you mean 'RAdam'?"
    assert nearest("radamm", ["RAdam", "radam"]) == "did you mean 'radam'?"


def test_far_names_are_listed_shortly() -> None:
    assert nearest("zzz", ["radam", "lion"]) == "choose from lion, radam"
    assert nearest("zzz", [f"name{n}" for n in range(40)]).endswith("and 28 more")


def test_nothing_to_choose_from() -> None:
    assert nearest("x", []) == "there is nothing to choose from"


@given(NAMES, st.sets(NAMES, max_size=6))
def test_the_order_of_the_choices_changes_nothing(name: str, choices: set[str]) -> None:
    assert nearest(name, sorted(choices)) == nearest(name, sorted(choices, reverse=True))


@given(st.sets(NAMES, min_size=1, max_size=6))
def test_a_name_that_exists_is_its_own_nearest(choices: set[str]) -> None:
    for name in choices:
        assert nearest(name, choices) == f"did you mean '{name}'?"


def test_a_request_error_is_a_value_error() -> None:
    assert issubclass(RequestError, ValueError)


@given(st.text())
def test_a_request_is_refused_in_one_line(text: str) -> None:
    assert len(str(RequestError(f"'{text}' is no number")).splitlines()) == 1
