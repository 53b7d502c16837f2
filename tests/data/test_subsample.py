"""Subsamples are nested, stratified, and a function of the data alone."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.data import subsample
from benchmark.data.taskdata import Ragged, TaskData
from benchmark.errors import RequestError
from benchmark.spec import OwnSplit

Array = np.ndarray[Any, Any]


def task_data(y: Array, task_type: str = "multiclass", fingerprint: str = "f" * 64, **known: Any) -> TaskData:
    """A task whose one feature is the row's number, so that a sample says which rows it holds."""
    X = pd.DataFrame({"row": np.arange(len(y), dtype=float)})
    classes = () if task_type == "regression" else tuple(str(code) for code in range(y.max() + 1))
    return TaskData(X, y, task_type, classes, fingerprint=fingerprint, **known)


def rows_of(data: TaskData, n_rows: int) -> Array:
    taken = subsample.of(data, n_rows, "card")
    assert isinstance(taken.X, pd.DataFrame)
    return np.asarray(taken.X["row"], np.int64)


@st.composite
def labelled(draw: st.DrawFn) -> Array:
    """Class codes, some of them rare, in mixed order; at least 12 rows."""
    counts = draw(st.lists(st.integers(1, 60), min_size=1, max_size=6).filter(lambda found: sum(found) >= 12))
    codes: Array = np.repeat(np.arange(len(counts)), counts)
    np.random.default_rng(draw(st.integers(0, 999))).shuffle(codes)
    return codes


def due(counts: Sequence[int], n_rows: int) -> list[Fraction]:
    """Rows of every class: two where it has them, and the rest in proportion to the classes."""
    floor = [min(2, count) for count in counts]

    def at(rate: Fraction) -> list[Fraction]:
        return [max(Fraction(kept), rate * count) for kept, count in zip(floor, counts, strict=True)]

    steps = sorted({Fraction(kept, count) for kept, count in zip(floor, counts, strict=True)} | {Fraction(1)})
    below = max(rate for rate in steps if sum(at(rate)) <= n_rows)
    growing = sum(c for c, kept in zip(counts, floor, strict=True) if below * c >= kept and c > kept)
    return at(below + Fraction(n_rows - sum(at(below)), growing) if growing else below)


@given(labelled(), st.data())
@settings(max_examples=150, deadline=None)
def test_classes_are_within_a_row_of_their_due(y: Array, data: st.DataObject) -> None:
    n_rows = data.draw(st.integers(10, len(y) - 1))
    counts = np.bincount(y)
    found = np.bincount(y[rows_of(task_data(y), n_rows)], minlength=len(counts))
    assert found.sum() == n_rows
    if n_rows >= np.minimum(counts, 2).sum():
        assert (found >= np.minimum(counts, 2)).all()
        assert all(
            abs(n - wanted) < 1
            for n, wanted in zip(found.tolist(), due(counts.tolist(), n_rows), strict=True)
        )
    else:
        assert found.max() <= 2


def test_without_rare_classes_that_is_in_proportion() -> None:
    y = np.repeat([0, 1, 2], [700, 250, 50])
    for n_rows in (100, 137, 300, 999):
        found = np.bincount(y[rows_of(task_data(y), n_rows)])
        assert (np.abs(found - n_rows * np.array([0.7, 0.25, 0.05])) < 1).all()


@given(labelled(), st.sampled_from(["multiclass", "regression"]), st.data())
@settings(max_examples=100, deadline=None)
def test_samples_are_nested_and_in_the_order_of_the_data(
    y: Array, task_type: str, data: st.DataObject
) -> None:
    whole = task_data(y.astype(float) if task_type == "regression" else y, task_type)
    sizes = sorted(data.draw(st.lists(st.integers(10, len(y)), min_size=2, max_size=4)))
    samples = [rows_of(whole, size) for size in sizes]
    for size, rows in zip(sizes, samples, strict=True):
        assert len(rows) == size and (np.diff(rows) > 0).all()
    for small, large in itertools.pairwise(samples):
        assert np.isin(small, large).all()


@given(labelled(), st.data())
@settings(max_examples=50, deadline=None)
def test_a_sample_depends_on_the_fingerprint_alone(y: Array, data: st.DataObject) -> None:
    n_rows = data.draw(st.integers(10, len(y)))
    first = rows_of(task_data(y, origin="one"), n_rows)
    np.random.seed(data.draw(st.integers(0, 9)))
    assert np.array_equal(rows_of(task_data(y, origin="other", notes=("x",)), n_rows), first)


def test_another_fingerprint_gives_other_rows() -> None:
    y = np.tile([0, 1], 100)
    first, other = (rows_of(task_data(y, fingerprint=name * 64), 50) for name in "ab")
    assert not np.array_equal(first, other)


def test_a_known_sample_stays_what_it_is() -> None:
    # Every machine takes the same rows.
    y = np.repeat([0, 1, 2], [30, 8, 2])
    assert rows_of(task_data(y), 12).tolist() == [7, 13, 14, 16, 20, 24, 25, 27, 30, 35, 38, 39]
    values = task_data(y.astype(float), "regression")
    assert rows_of(values, 10).tolist() == [13, 14, 16, 20, 24, 25, 27, 30, 32, 35]


def test_every_row_has_the_same_chance() -> None:
    y = np.repeat([0, 1], [20, 40])
    taken = np.zeros(60)
    for name in range(400):
        taken[rows_of(task_data(y, fingerprint=str(name)), 20)] += 1
    for of_class in (taken[:20] / 400, taken[20:] / 400):
        assert np.abs(of_class - of_class.mean()).max() < 0.1


def test_all_rows_are_the_task_itself() -> None:
    data = task_data(np.tile([0, 1], 10))
    assert subsample.of(data, 20, "card") is data


@pytest.mark.parametrize("n_rows", [-1, 0, 9, 41])
def test_too_few_or_too_many_rows_are_refused(n_rows: int) -> None:
    with pytest.raises(RequestError) as raised:
        subsample.of(task_data(np.tile([0, 1], 20)), n_rows, "adult.yaml")
    assert str(raised.value) == f"adult.yaml: rows: choose from 10 to the 40 there are, got {n_rows}"


def test_what_belongs_to_the_rows_goes_with_them() -> None:
    y, weights = np.tile([0, 1], 30), np.linspace(0.5, 1.5, 60)
    data = task_data(y, groups=np.arange(60) // 2, time=np.arange(60)[::-1] // 3, weights=weights, gap=2)
    taken = subsample.of(data, 25, "card")
    rows = rows_of(data, 25)
    assert taken.groups is not None and taken.time is not None and taken.weights is not None
    assert np.array_equal(taken.y, y[rows])
    assert np.array_equal(taken.groups, rows // 2) and np.array_equal(taken.time, (59 - rows) // 3)
    assert taken.weights.mean() == pytest.approx(1.0)
    assert np.allclose(taken.weights / taken.weights[0], weights[rows] / weights[rows[0]])
    assert (taken.gap, taken.classes, taken.fingerprint) == (2, data.classes, "")


def test_texts_and_steps_to_come_are_drawn_plainly() -> None:
    texts = Ragged.of_texts([f"text {row}" for row in range(40)])
    y = np.arange(80, dtype=float).reshape(40, 2)
    data = TaskData(texts, y, "forecasting", modality="text", fingerprint="f" * 64)
    taken = subsample.of(data, 15, "card")
    rows = (taken.y[:, 0] / 2).astype(int)
    assert taken.inputs(range(15)) == [f"text {row}" for row in rows]


def own_folds(n_rows: int, folds: int) -> tuple[Array, tuple[OwnSplit, ...]]:
    fold_of = np.random.default_rng(0).permutation(n_rows) % folds
    return fold_of, tuple(
        OwnSplit(0, fold, np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold))
        for fold in range(folds)
    )


@given(folds=st.integers(2, 5), n_rows=st.integers(40, 89))
@settings(max_examples=60, deadline=None)
def test_own_test_parts_keep_their_share_of_every_class(folds: int, n_rows: int) -> None:
    y = np.random.default_rng(1).permutation(np.repeat([0, 1], [60, 30]))
    fold_of, own = own_folds(len(y), folds)
    data = task_data(y, own=own)
    rows = rows_of(data, n_rows)
    for code in (0, 1):
        of_class, kept = fold_of[y == code], fold_of[rows[y[rows] == code]]
        wanted = np.bincount(of_class, minlength=folds) * len(kept) / len(of_class)
        assert (np.abs(np.bincount(kept, minlength=folds) - wanted) < 1).all()
    for split in subsample.of(data, n_rows, "card").own:
        assert np.array_equal(fold_of[rows[split.test]], np.full(len(split.test), split.fold))
        assert len(split.train) + len(split.test) == n_rows


def test_own_splits_that_lose_a_part_are_refused() -> None:
    y = np.tile([0, 1], 200)
    own = (OwnSplit(0, 0, np.arange(3, 400), np.arange(3)),)
    with pytest.raises(RequestError) as raised:
        subsample.of(task_data(y, own=own), 20, "adult.yaml")
    assert str(raised.value) == (
        "adult.yaml: rows: 20 leave no test rows to repeat 0, fold 0 of the data's own splits; take more"
    )


@pytest.mark.parametrize("n_classes", [2, 30])
def test_a_tenth_of_a_task_with_own_folds_can_be_split(n_classes: int) -> None:
    y = np.random.default_rng(0).integers(0, n_classes, 2000)
    fold_of, own = own_folds(2000, 10)
    rows = rows_of(task_data(y, own=own), 200)
    assert np.bincount(fold_of[rows], minlength=10).min() > 5
