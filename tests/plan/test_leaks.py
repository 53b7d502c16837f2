"""What test parts share with training: found, counted, and said in one line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.plan.leaks import Leak, leaks
from benchmark.plan.splits import splits
from benchmark.spec import Split, SplitBasis, Splitting, Task

Array = np.ndarray[Any, Any]


def basis_of(rows: Any, **known: Any) -> SplitBasis:
    digests = np.asarray(rows, np.uint64)
    return SplitBasis(classes=np.zeros(len(digests), np.int64), rows=digests, **known)


def drawn(basis: SplitBasis, splitting: Splitting) -> tuple[Split, ...]:
    task = Task("t", "t", "tabular", "regression", "rmse", len(basis.rows), 3, 0, "f" * 64)
    return splits(task, basis, splitting, 0)


def two_splits() -> list[Split]:
    return [
        Split(0, 0, np.array([0, 1]), np.array([2]), np.array([3, 4, 5, 6]), ""),
        Split(0, 1, np.array([3, 4]), np.array([5, 6]), np.array([0, 1]), ""),
    ]


def test_identical_rows_are_counted_against_training_and_validation() -> None:
    #                    train  val  test
    found = leaks(two_splits(), basis_of([7, 8, 9, 7, 9, 9, 1]))
    assert found == (Leak("identical", 3, 4, 4 / 6),)
    assert str(found[0]) == (
        "3 of 4 test rows of the worst split (66.7% over all splits) have the same inputs as a training or "
        "validation row"
    )


def test_groups_and_times_are_judged_where_they_are_known() -> None:
    basis = basis_of(range(7), groups=np.array([5, 5, 6, 6, 4, 4, 4]), time=np.array([0, 0, 1, 1, 2, 2, 2]))
    assert leaks(two_splits(), basis) == (Leak("group", 1, 4, 1 / 6), Leak("time", 2, 2, 3 / 6))


def test_the_worst_split_is_the_one_with_the_largest_share() -> None:
    first, second = two_splits()
    found = leaks([first, second], basis_of([7, 2, 3, 7, 7, 4, 5]))
    # Two of four test rows in the first split, one of two in the second; the first of equals is named.
    assert found == (Leak("identical", 2, 4, 3 / 6),)


@given(st.lists(st.integers(0, 30), min_size=12, max_size=60), st.integers(2, 4))
@settings(max_examples=100, deadline=None)
def test_counts_are_those_of_comparing_every_pair(rows: list[int], folds: int) -> None:
    basis = basis_of(rows, time=np.array(rows) // 2)
    digests, time = np.asarray(basis.rows), np.asarray(basis.time)
    found = {leak.kind: leak for leak in leaks(drawn(basis, Splitting("kfold", folds=folds)), basis)}
    same, early, tested = 0, 0, 0
    for split in drawn(basis, Splitting("kfold", folds=folds)):
        seen = np.concatenate([split.train, split.validation])
        same += sum(any(digests[row] == digests[other] for other in seen) for row in split.test)
        early += sum(any(time[row] <= time[other] for other in seen) for row in split.test)
        tested += len(split.test)
    assert (found["identical"].share if same else 0) == same / tested
    assert (found["time"].share if early else 0) == early / tested


@pytest.mark.parametrize(
    ("scheme", "left"),
    [("kfold", {"group", "time"}), ("group", {"time"}), ("temporal", {"group"})],
)
def test_a_scheme_keeps_apart_what_it_is_for(scheme: str, left: set[str]) -> None:
    basis = basis_of(range(60), groups=np.arange(60) * 7 % 10, time=np.arange(60) // 2)
    assert {leak.kind for leak in leaks(drawn(basis, Splitting(scheme)), basis)} == left


def test_without_leaks_nothing_is_said() -> None:
    basis = basis_of(range(60), groups=np.arange(60) // 2)
    assert leaks(drawn(basis, Splitting("group")), basis) == ()
