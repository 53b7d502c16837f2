"""Every scheme: what its test parts are, what is held back, what it refuses."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold, TimeSeriesSplit

from benchmark.errors import RequestError
from benchmark.plan.schemes import LEAVE_ONE_OUT_UP_TO
from benchmark.plan.splits import scheme_of, splits
from benchmark.spec import SCHEMES, OwnSplit, Split, SplitBasis, Splitting, Task

Array = np.ndarray[Any, Any]


def basis_of(y: Array, **known: Any) -> SplitBasis:
    return SplitBasis(classes=y, rows=np.arange(len(y), dtype=np.uint64), **known)


def drawn(basis: SplitBasis, splitting: Splitting, seed: int = 0, name: str = "t") -> tuple[Split, ...]:
    task = Task(name, name, "tabular", "multiclass", "log_loss", len(basis.classes), 3, 3, "f" * 64)
    return splits(task, basis, splitting, seed)


def parts(split: Split) -> list[Array]:
    return [np.asarray(part) for part in (split.train, split.validation, split.test)]


def assert_sound(split: Split, n_rows: int, *, whole: bool = True) -> None:
    for part in parts(split):
        assert part.dtype == np.int64 and len(part) and not part.flags.writeable
        assert (np.diff(part) > 0).all()
    every = np.concatenate(parts(split))
    assert len(np.unique(every)) == len(every) and every.min() >= 0 and every.max() < n_rows
    assert not whole or len(every) == n_rows


@st.composite
def grouped(draw: st.DrawFn) -> tuple[Array, Array, int]:
    """Class codes and group codes ``(n_rows,)`` in mixed order, groups of unequal size; a number of folds."""
    sizes = draw(st.lists(st.integers(1, 12), min_size=4, max_size=30))
    groups = np.repeat(np.arange(len(sizes)) * 7, sizes)
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    random.shuffle(groups)
    return random.integers(0, 3, len(groups)), groups, draw(st.integers(2, len(sizes) // 2))


@given(grouped(), st.integers(0, 2**62))
@settings(max_examples=150, deadline=None)
def test_groups_never_cross_and_each_is_tested_once(case: tuple[Array, Array, int], seed: int) -> None:
    y, groups, folds = case
    found = drawn(basis_of(y, groups=groups), Splitting("group", 2, folds), seed)
    assert [(s.repeat, s.fold) for s in found] == list(itertools.product(range(2), range(folds)))
    for split in found:
        assert_sound(split, len(y))
        for one, other in itertools.combinations(parts(split), 2):
            assert not np.intersect1d(groups[one], groups[other]).size
    for repeat in range(2):
        tested = np.concatenate([split.test for split in found if split.repeat == repeat])
        assert np.array_equal(np.sort(tested), np.arange(len(y)))


@given(grouped(), st.integers(0, 2**62))
@settings(max_examples=150, deadline=None)
def test_parts_of_whole_groups_are_off_by_no_more_than_a_group(
    case: tuple[Array, Array, int], seed: int
) -> None:
    y, groups, folds = case
    largest = np.bincount(groups).max()
    for split in drawn(basis_of(y, groups=groups), Splitting("group", folds=folds), seed):
        assert len(split.test) <= len(y) / folds + largest
        n_rest = len(split.train) + len(split.validation)
        assert abs(len(split.validation) - 0.2 * n_rest) <= largest


def imbalance(y: Array, tests: list[Array]) -> tuple[float, float]:
    """Root mean squares of what test parts lack or have too much, of rows and of every class."""
    by_class = np.array([np.bincount(y[test], minlength=3) for test in tests])
    rows = by_class.sum(axis=1)
    return float(rows.std()), float((by_class / np.bincount(y)).std(axis=0).mean())


def test_group_folds_are_as_level_as_scikit_learns() -> None:
    random = np.random.default_rng(0)
    ours, theirs = [], []
    for seed in range(20):
        groups = random.choice(40, 800, p=random.dirichlet(np.full(40, 3.0)))
        y = (random.random(800) < random.random(40)[groups] ** 3).astype(int) + (random.random(800) < 0.1)
        found = drawn(basis_of(y, groups=groups), Splitting("group"), seed)
        ours.append(imbalance(y, [np.asarray(split.test) for split in found]))
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(groups, y, groups)
        theirs.append(imbalance(y, [test for _, test in folds]))
    (our_rows, our_classes), (their_rows, their_classes) = np.mean(ours, axis=0), np.mean(theirs, axis=0)
    assert our_rows < 0.5 * their_rows  # rows come first here, classes there
    assert our_classes < 1.4 * their_classes


def test_groups_of_one_row_are_split_as_level_as_rows() -> None:
    y = np.repeat([0, 1, 2], [61, 30, 9])
    found = drawn(basis_of(y, groups=np.arange(100)[::-1]), Splitting("group", folds=4))
    per_fold = np.array([np.bincount(y[split.test], minlength=3) for split in found])
    assert (per_fold.sum(axis=1) == 25).all()
    assert (np.ptp(per_fold, axis=0) <= 1).all()


@pytest.mark.parametrize("scheme", ["kfold", "holdout", "leave_one_out", "own"])
def test_known_groups_never_cross_between_training_and_validation(scheme: str) -> None:
    y, groups = np.tile([0, 1], 15), np.arange(30) // 3
    own = (OwnSplit(0, 0, np.arange(20), np.arange(20, 30)),)
    for split in drawn(basis_of(y, groups=groups, own=own), Splitting(scheme)):
        assert_sound(split, 30)
        assert not np.intersect1d(groups[split.train], groups[split.validation]).size


@given(
    times=st.lists(st.integers(0, 40), min_size=14, max_size=80),
    folds=st.integers(2, 4),
    gap=st.integers(0, 2),
    share=st.floats(0.05, 0.6),
)
@settings(max_examples=200, deadline=None)
def test_temporal_order_is_kept_with_its_gaps(times: list[int], folds: int, gap: int, share: float) -> None:
    time = np.array(times)
    known = np.unique(time)
    basis = basis_of(np.zeros(len(time), np.int64), time=time, gap=gap)
    splitting = Splitting("temporal", 3, folds, validation=share)
    if len(known) < 2 * gap + 2 + folds:
        with pytest.raises(RequestError, match=rf"protocol\.splits\.folds={folds}: the {len(known)} "):
            drawn(basis, splitting)
        return
    found = drawn(basis, splitting)
    assert [(split.repeat, split.fold) for split in found] == [(0, fold) for fold in range(folds)]
    for split in found:
        assert_sound(split, len(time), whole=False)
        places = [np.searchsorted(known, np.unique(time[part])) for part in parts(split)]
        for before, after in itertools.pairwise(places):
            assert after.min() - before.max() == gap + 1
        assert places[0].min() == 0
        for part, place in zip(parts(split), places, strict=True):
            assert np.array_equal(part, np.flatnonzero(np.isin(time, known[place])))
    for earlier, later in itertools.pairwise(found):
        assert time[later.test].min() > time[earlier.test].max()
    tested = np.concatenate([split.test for split in found])
    assert np.array_equal(np.sort(tested), np.flatnonzero(time >= time[found[0].test].min()))


@given(n_rows=st.integers(30, 200), folds=st.integers(2, 6))
@settings(max_examples=50, deadline=None)
def test_blocks_of_different_times_are_level(n_rows: int, folds: int) -> None:
    time = np.random.default_rng(n_rows).permutation(n_rows)
    found = drawn(basis_of(np.zeros(n_rows, np.int64), time=time), Splitting("temporal", folds=folds))
    first = len(found[0].train) + len(found[0].validation)
    assert np.ptp([first, *(len(split.test) for split in found)]) <= 1
    for split in found:
        n_rest = len(split.train) + len(split.validation)
        assert len(split.validation) == math.ceil(0.2 * n_rest)


def test_the_expanding_window_is_scikit_learns() -> None:
    basis = basis_of(np.zeros(60, np.int64), time=np.arange(60), gap=3)
    for ours, (before, test) in zip(
        drawn(basis, Splitting("temporal")),
        TimeSeriesSplit(5, gap=3).split(np.zeros(60)),
        strict=True,
    ):
        assert np.array_equal(ours.test, test)
        assert ours.train[0] == before[0] and ours.validation[-1] == before[-1]


@given(
    y=st.lists(st.integers(0, 3), min_size=8, max_size=120),
    share=st.floats(0.05, 0.6),
    seed=st.integers(0, 2**62),
)
@settings(max_examples=100, deadline=None)
def test_a_holdout_has_its_share_of_every_class(y: list[int], share: float, seed: int) -> None:
    classes = np.array(y)
    for split in drawn(basis_of(classes), Splitting("holdout", 3, test=share), seed):
        assert split.fold == 0
        assert_sound(split, len(y))
        assert len(split.test) == math.ceil(share * len(y))
        counts = np.bincount(classes, minlength=4)
        tested = np.bincount(classes[split.test], minlength=4)
        assert (np.abs(tested - share * counts) <= 1 + 1e-9).all()


def test_holdouts_differ_from_repeat_to_repeat() -> None:
    found = drawn(basis_of(np.tile([0, 1], 30)), Splitting("holdout", 4))
    assert len({split.digest for split in found}) == 4


@given(n_rows=st.integers(3, 40), repeats=st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_leave_one_out_tests_each_row_once(n_rows: int, repeats: int) -> None:
    found = drawn(basis_of(np.arange(n_rows) % 2), Splitting("leave_one_out", repeats))
    assert [(split.repeat, split.fold, *split.test) for split in found] == [
        (0, row, row) for row in range(n_rows)
    ]
    for split in found:
        assert_sound(split, n_rows)


def own_splits(n_rows: int = 40, repeats: int = 3, folds: int = 4) -> tuple[OwnSplit, ...]:
    random = np.random.default_rng(0)
    found = []
    for repeat in range(repeats):
        fold_of = random.permutation(n_rows) % folds
        found += [
            OwnSplit(repeat, fold, np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold))
            for fold in range(folds)
        ]
    return tuple(found)


@given(repeats=st.integers(1, 4), folds=st.integers(2, 6), seed=st.integers(0, 2**62))
@settings(max_examples=50, deadline=None)
def test_own_test_parts_are_kept_exactly(repeats: int, folds: int, seed: int) -> None:
    y, own = np.tile([0, 1], 20), own_splits()
    found = drawn(basis_of(y, own=own[::-1]), Splitting("own", repeats, folds), seed)
    wanted = [split for split in own if split.repeat < repeats and split.fold < folds]
    assert [(s.repeat, s.fold) for s in found] == [(s.repeat, s.fold) for s in wanted]
    for ours, given_ in zip(found, wanted, strict=True):
        assert np.array_equal(ours.test, given_.test)
        assert np.array_equal(np.union1d(ours.train, ours.validation), given_.train)
        assert len(ours.validation) == math.ceil(0.2 * len(given_.train))
        classes = [y[part].mean() for part in (given_.train, ours.validation)]
        assert abs(classes[0] - classes[1]) * len(ours.validation) <= 1
        assert_sound(ours, 40)


def test_an_own_validation_part_is_kept_even_where_groups_leak() -> None:
    rows = np.arange(30)
    own = (OwnSplit(0, 0, rows[:15], rows[22:], rows[15:22]),)
    (split,) = drawn(basis_of(rows % 2, own=own, groups=rows % 3), Splitting("own"))
    assert [list(part) for part in parts(split)] == [list(rows[:15]), list(rows[15:22]), list(rows[22:])]


def test_own_splits_by_time_validate_on_the_latest_training_rows() -> None:
    time = np.arange(30)[::-1]
    own = (OwnSplit(0, 0, np.arange(10, 30), np.arange(10)),)
    (split,) = drawn(basis_of(time % 2, own=own, time=time, gap=2), Splitting())
    assert list(split.test) == list(range(10))
    assert list(split.validation) == [10, 11, 12, 13]
    assert list(split.train) == list(range(16, 30))


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (OwnSplit(0, 1, [0, 1, 2, 3], []), "repeat 0, fold 1 has no test rows"),
        (OwnSplit(0, 0, [], [1, 2]), "repeat 0, fold 0 has no training rows"),
        (OwnSplit(2, 0, [0, 1, 2], [2, 3]), "repeat 2, fold 0 names row 2 twice; a row is in one part"),
        (OwnSplit(0, 0, [0, 1, 2], [4], [2]), "names row 2 twice"),
        (OwnSplit(0, 0, [0, 1, 1], [4]), "names row 1 twice"),
        (OwnSplit(0, 0, [0, 1, 2], [10]), "names row 10; the data has rows 0 to 9"),
        (OwnSplit(0, 0, [-1, 1, 2], [5]), "names row -1; the data has rows 0 to 9"),
        (OwnSplit(0, 0, [3], [5]), "has too few rows outside its test part to train and to validate"),
    ],
)
def test_own_splits_that_contradict_themselves_are_refused(own: OwnSplit, message: str) -> None:
    with pytest.raises(RequestError, match=r"^task 't'.*" + message) as raised:
        drawn(basis_of(np.arange(10) % 2, own=(own,)), Splitting("own"))
    assert "\n" not in str(raised.value)


def test_auto_takes_what_the_data_brings() -> None:
    y = np.zeros(4, np.int64)
    bare = basis_of(y)
    timed = dataclasses.replace(bare, time=y)
    grouped = dataclasses.replace(timed, groups=y)
    owned = dataclasses.replace(grouped, own=own_splits())
    found = [scheme_of(basis, Splitting()) for basis in (bare, timed, grouped, owned)]
    assert found == ["kfold", "temporal", "group", "own"]
    assert scheme_of(owned, Splitting("holdout")) == "holdout"


@pytest.mark.parametrize(
    ("splitting", "known", "message"),
    [
        (Splitting("grup"), {}, r"protocol\.splits\.scheme: there is no 'grup'; did you mean 'group'\?"),
        (Splitting("own"), {}, r"protocol\.splits\.scheme=own: task 't' has no splits of its own"),
        (Splitting("group"), {}, r"protocol\.splits\.scheme=group: task 't' has no groups"),
        (Splitting("temporal"), {}, r"protocol\.splits\.scheme=temporal: task 't' has no time"),
        (Splitting("holdout", test=1.0), {}, r"protocol\.splits\.test=1\.0: choose a share"),
        (Splitting("holdout", test=0.99), {}, r"protocol\.splits\.test=0\.99: too few of the 10 rows"),
        (
            Splitting("group"),
            {"groups": np.arange(10) % 3},
            r"protocol\.splits\.folds=5: choose from 2 to the 3 groups of 't'",
        ),
        (
            Splitting("group", folds=2),
            {"groups": np.arange(10) % 2},
            r"protocol\.splits\.folds=2: the 2 groups of 't' are fewer than 4",
        ),
        (
            Splitting("kfold"),
            {"groups": np.zeros(10)},
            r"^task 't': repeat 0, fold 0 has too few groups outside its test part",
        ),
        (
            Splitting("temporal"),
            {"time": np.arange(10) // 2},
            r"protocol\.splits\.folds=5: the 5 different times of 't' allow 3 at most",
        ),
        (
            Splitting("temporal"),
            {"time": np.arange(10), "gap": 2},
            r"folds=5: the 10 different times of 't' with gaps of 2 allow 4 at most",
        ),
    ],
)
def test_a_scheme_that_the_task_does_not_allow_is_refused_in_one_line(
    splitting: Splitting, known: dict[str, Any], message: str
) -> None:
    with pytest.raises(RequestError, match=message) as raised:
        drawn(basis_of(np.arange(10) % 2, **known), splitting)
    assert "\n" not in str(raised.value)


def test_leaving_out_each_of_many_rows_is_refused() -> None:
    y = np.arange(LEAVE_ONE_OUT_UP_TO + 1) % 2
    with pytest.raises(RequestError, match=r"scheme=leave_one_out: the 2001 rows .* choose kfold"):
        drawn(basis_of(y), Splitting("leave_one_out"))


def everything() -> SplitBasis:
    """Rows with classes, groups, ties in time, a gap and splits of their own."""
    rows = np.arange(40)
    return basis_of(rows % 3, groups=rows * 7 % 11, time=rows * 17 % 23, gap=1, own=own_splits())


@pytest.mark.parametrize("scheme", SCHEMES)
def test_names_and_global_random_state_change_nothing(scheme: str) -> None:
    splitting = Splitting(scheme, 2, 3)
    np.random.seed(1)
    first = drawn(everything(), splitting)
    np.random.seed(2)
    again = drawn(everything(), splitting, name="renamed")
    assert [split.digest for split in again] == [split.digest for split in first]
    other_names = dataclasses.replace(everything(), groups=(np.asarray(everything().groups) * 5 + 3) % 11)
    assert [split.digest for split in drawn(other_names, splitting)] == [split.digest for split in first]


@pytest.mark.parametrize("scheme", ["kfold", "holdout", "group"])
def test_the_seed_changes_the_test_parts(scheme: str) -> None:
    first, second = (drawn(everything(), Splitting(scheme), seed) for seed in (0, 1))
    assert not {split.digest for split in first} & {split.digest for split in second}


GOLDEN = {
    "own": ([1, 3, 6, 17, 18, 21, 23, 24, 32, 33], "41ce0a6f60ad2fc0"),
    "kfold": ([1, 6, 10, 12, 17, 18, 19, 20, 22, 31, 32, 33, 38], "b93cd9897a75a3f9"),
    "holdout": ([1, 2, 9, 22, 24, 29, 31, 33], "e51dbee6dcc63dad"),
    "group": ([3, 4, 5, 14, 15, 16, 25, 26, 27, 36, 37, 38], "ee07e2a030c8394f"),
    "temporal": ([1, 4, 8, 12, 16, 20, 24, 27, 31, 35, 39], "0bb91b1d16445aec"),
    "leave_one_out": ([39], "35f4d1f80478086c"),
}


@pytest.mark.parametrize("scheme", [scheme for scheme in SCHEMES if scheme != "auto"])
def test_known_splits_stay_what_they_are(scheme: str) -> None:
    # Every machine draws the same rows, and records of other machines are found again by these digests.
    last = drawn(everything(), Splitting(scheme, 2, 3, validation=0.25), seed=5)[-1]
    assert (last.test.tolist(), last.digest[:16]) == GOLDEN[scheme]
