"""Splits are partitions, balanced by class, and a function of the data and the root seed alone."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold

from benchmark.errors import RequestError
from benchmark.plan.splits import splits
from benchmark.spec import Split, SplitBasis, Splitting, Task

Array = np.ndarray[Any, Any]


def task_of(y: Array, task_type: str = "multiclass", fingerprint: str = "f" * 64, name: str = "t") -> Task:
    n_classes = 0 if task_type == "regression" else len(np.unique(y))
    return Task(name, name, "tabular", task_type, "rmse", len(y), 3, n_classes, fingerprint)


def basis_of(y: Any) -> SplitBasis:
    return SplitBasis(classes=y, rows=np.arange(len(y), dtype=np.uint64))


@st.composite
def labelled(draw: st.DrawFn) -> tuple[Array, Splitting, int]:
    """Class codes with rare classes among them, a splitting that fits, and a seed."""
    counts = draw(st.lists(st.integers(1, 25), min_size=2, max_size=6))
    y = np.repeat(np.arange(len(counts)), counts)
    np.random.default_rng(draw(st.integers(0, 1000))).shuffle(y)
    folds = draw(st.integers(2, 6).filter(lambda k: len(y) >= k and len(y) - math.ceil(len(y) / k) >= 2))
    share = draw(st.floats(0.05, 0.6))
    return (
        y,
        Splitting("kfold", draw(st.integers(1, 3)), folds, validation=share),
        draw(st.integers(0, 2**62)),
    )


def assert_partition(split: Split, n_rows: int) -> None:
    parts = [np.asarray(split.train), np.asarray(split.validation), np.asarray(split.test)]
    assert all(part.dtype == np.int64 and len(part) and (np.diff(part) > 0).all() for part in parts)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(n_rows))


@given(labelled())
@settings(max_examples=150, deadline=None)
def test_every_row_is_in_one_part_and_tested_once_per_repeat(case: tuple[Array, Splitting, int]) -> None:
    y, splitting, seed = case
    found = splits(task_of(y), basis_of(y), splitting, seed)
    assert [(split.repeat, split.fold) for split in found] == [
        (repeat, fold) for repeat in range(splitting.repeats) for fold in range(splitting.folds)
    ]
    for split in found:
        assert_partition(split, len(y))
    for repeat in range(splitting.repeats):
        tested = np.concatenate([split.test for split in found if split.repeat == repeat])
        assert np.array_equal(np.sort(tested), np.arange(len(y)))


@given(labelled())
@settings(max_examples=150, deadline=None)
def test_test_parts_are_level_within_one_row(case: tuple[Array, Splitting, int]) -> None:
    y, splitting, seed = case
    found = [split for split in splits(task_of(y), basis_of(y), splitting, seed) if split.repeat == 0]
    per_fold = np.array([np.bincount(y[split.test], minlength=y.max() + 1) for split in found])
    assert (np.ptp(per_fold, axis=0) <= 1).all()
    assert np.ptp(per_fold.sum(axis=1)) <= 1


@given(labelled())
@settings(max_examples=150, deadline=None)
def test_validation_has_its_share_of_every_class(case: tuple[Array, Splitting, int]) -> None:
    y, splitting, seed = case
    for split in splits(task_of(y), basis_of(y), splitting, seed):
        n_rest = len(split.train) + len(split.validation)
        assert len(split.validation) == min(math.ceil(splitting.validation * n_rest), n_rest - 1)
        trained = np.bincount(y[split.train], minlength=y.max() + 1)
        held = np.bincount(y[split.validation], minlength=y.max() + 1)
        assert (np.abs(held - splitting.validation * (trained + held)) <= 1 + 1e-9).all()


@given(labelled())
@settings(max_examples=150, deadline=None)
def test_no_class_is_held_back_whole_while_another_could_spare_a_row(
    case: tuple[Array, Splitting, int],
) -> None:
    y, splitting, seed = case
    for split in splits(task_of(y), basis_of(y), splitting, seed):
        trained = np.bincount(y[split.train], minlength=y.max() + 1)
        held = np.bincount(y[split.validation], minlength=y.max() + 1)
        lost = (trained == 0) & (held > 0)
        spare = (trained > 1) & (held < splitting.validation * (trained + held))
        assert not (lost.any() and spare.any())


@given(n_rare=st.integers(2, 9), n_common=st.integers(20, 200), seed=st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_a_rare_positive_class_is_validated_where_two_rows_are_left(
    n_rare: int, n_common: int, seed: int
) -> None:
    y = np.repeat([1, 0], [n_rare, n_common])
    for split in splits(task_of(y, "binary"), basis_of(y), Splitting(), seed):
        assert y[split.train].sum() >= 1
        if y[split.train].sum() + y[split.validation].sum() >= 2:
            assert y[split.validation].sum() >= 1


@given(n_rows=st.integers(5, 120), seed=st.integers(0, 2**62))
@settings(max_examples=60, deadline=None)
def test_without_strata_rows_are_split_plainly(n_rows: int, seed: int) -> None:
    values = basis_of(np.zeros(n_rows, np.int64))
    found = splits(task_of(np.linspace(0, 1, n_rows), "regression"), values, Splitting(), seed)
    for split in found:
        assert_partition(split, n_rows)
    assert np.ptp([len(split.test) for split in found]) <= 1
    y = np.arange(n_rows) % 3
    unstratified = splits(task_of(y), basis_of(y), Splitting(stratify=False), seed)
    assert [split.digest for split in unstratified] == [split.digest for split in found]


@given(labelled())
@settings(max_examples=60, deadline=None)
def test_the_same_data_and_seed_give_the_same_rows(case: tuple[Array, Splitting, int]) -> None:
    y, splitting, seed = case
    np.random.seed(1)
    first = splits(task_of(y), basis_of(y), splitting, seed)
    np.random.seed(2)
    labelled_rows = pd.Series(y, index=pd.Index([f"row {row}" for row in range(len(y))][::-1]))
    again = splits(task_of(y, name="renamed"), basis_of(labelled_rows), splitting, seed)
    assert [split.digest for split in first] == [split.digest for split in again]
    assert all(np.array_equal(a.train, b.train) for a, b in zip(first, again, strict=True))


def test_seed_data_and_repeat_each_change_the_rows() -> None:
    y = np.repeat([0, 1], 50)
    splitting = Splitting(repeats=2)
    base = splits(task_of(y), basis_of(y), splitting, 0)
    digests = {split.digest for split in base}
    digests |= {split.digest for split in splits(task_of(y), basis_of(y), splitting, 1)}
    digests |= {split.digest for split in splits(task_of(y, fingerprint="0" * 64), basis_of(y), splitting, 0)}
    assert len(digests) == 3 * len(base)


def test_the_number_of_repeats_leaves_the_first_ones_alone() -> None:
    y = np.repeat([0, 1, 2], 20)
    once = splits(task_of(y), basis_of(y), Splitting(repeats=1), 3)
    twice = splits(task_of(y), basis_of(y), Splitting(repeats=2), 3)
    assert [split.digest for split in twice[:5]] == [split.digest for split in once]


def test_a_known_split_stays_what_it_is() -> None:
    # Records of other machines are found again by these digests.
    y = np.repeat([0, 1, 1], 10)
    first = splits(task_of(y), basis_of(y), Splitting(folds=3), 0)[0]
    assert list(first.test) == [0, 7, 8, 9, 11, 13, 16, 19, 21, 25]
    assert first.digest == "ae6d1c8898d717cfdb06b8bb0e70c91523ba7e1339b9dd27e04cbe9e77483e6c"


def test_rows_are_read_only() -> None:
    y = np.repeat([0, 1], 10)
    rows = np.asarray(splits(task_of(y), basis_of(y), Splitting(), 0)[0].train)
    with pytest.raises(ValueError, match="read-only"):
        rows[0] = 1


def test_test_parts_are_as_level_as_scikit_learns() -> None:
    y = np.random.default_rng(0).choice(4, 203, p=[0.6, 0.3, 0.08, 0.02])
    ours = [
        np.bincount(y[s.test], minlength=4) for s in splits(task_of(y), basis_of(y), Splitting(folds=5), 0)
    ]
    folds = StratifiedKFold(5, shuffle=True, random_state=0).split(np.zeros(len(y)), y)
    theirs = [np.bincount(y[test], minlength=4) for _, test in folds]
    assert np.array_equal(np.sort(ours, axis=0), np.sort(theirs, axis=0))


def test_membership_is_uniform_over_seeds() -> None:
    # Over 400 seeds a row is tested in fold 0 in one fifth of them, validated there in a fifth of the rest.
    y = np.repeat([0, 1], [13, 17])
    tested, held = np.zeros(30), np.zeros(30)
    for seed in range(400):
        first = splits(task_of(y), basis_of(y), Splitting(), seed)[0]
        tested[first.test] += 1
        held[first.validation] += 1
    assert np.abs(tested / 400 - 0.2).max() < 0.09
    assert np.abs(held / 400 - 0.8 * 0.2).max() < 0.09


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"folds": 1}, r"folds=1: choose from 2 to the 10 rows"),
        ({"folds": 11}, r"folds=11: choose from 2 to the 10 rows"),
        ({"repeats": 0}, r"repeats=0"),
        ({"validation": 0.0}, r"validation=0.0"),
        ({"validation": 1.0}, r"validation=1.0"),
    ],
)
def test_a_splitting_that_does_not_fit_is_refused_in_one_line(change: dict[str, Any], message: str) -> None:
    y = np.repeat([0, 1], 5)
    with pytest.raises(RequestError, match=r"protocol\.splits\." + message) as raised:
        splits(task_of(y), basis_of(y), dataclasses.replace(Splitting(), **change), 0)
    assert "\n" not in str(raised.value)


def test_two_rows_are_too_few() -> None:
    y = np.array([0, 1])
    with pytest.raises(RequestError, match="2 rows are too few"):
        splits(task_of(y), basis_of(y), Splitting(folds=2), 0)
