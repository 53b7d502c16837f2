"""Copies are no evidence of their own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from benchmark.plan.origins import with_shared_origins
from benchmark.spec import Task


def tasks_of(pairs: list[tuple[str, str]]) -> dict[str, Task]:
    """Tasks by number, each with an origin and a fingerprint."""
    return {
        str(number): Task(str(number), origin, "tabular", "binary", "roc_auc", 10, 2, 2, fingerprint)
        for number, (origin, fingerprint) in enumerate(pairs)
    }


def test_copies_take_the_first_origin_and_say_so() -> None:
    found = with_shared_origins(tasks_of([("a", "1"), ("b", "1"), ("c", "2"), ("b", "3")]))
    assert [task.origin for task in found.values()] == ["a", "a", "c", "a"]
    assert [len(task.notes) for task in found.values()] == [0, 1, 0, 1]
    assert "'a'" in found["1"].notes[0]


def test_origins_are_joined_through_others() -> None:
    found = with_shared_origins(tasks_of([("c", "2"), ("a", "1"), ("b", "1"), ("b", "2")]))
    assert {task.origin for task in found.values()} == {"c"}
    found = with_shared_origins(tasks_of([("a", "1"), ("b", "1"), ("c", "2"), ("b", "2")]))
    assert {task.origin for task in found.values()} == {"a"}


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("123456")), max_size=12))
def test_no_two_origins_share_data_and_none_is_split(pairs: list[tuple[str, str]]) -> None:
    tasks = tasks_of(pairs)
    found = with_shared_origins(tasks)
    for one in tasks:
        for other in tasks:
            joined = found[one].origin == found[other].origin
            if tasks[one].origin == tasks[other].origin or tasks[one].fingerprint == tasks[other].fingerprint:
                assert joined
    assert with_shared_origins(found) == found
