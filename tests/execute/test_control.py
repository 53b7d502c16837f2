"""Labels that are wrong on purpose: which rows, how many, and what stays as it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.data import TaskData
from benchmark.execute.control import HANDICAP, mislabelled
from benchmark.spec import Split

N = 100
SPLIT = Split(0, 0, np.arange(0, 60), np.arange(60, 80), np.arange(80, N), "digest")


def values(y: np.ndarray, task_type: str = "regression") -> TaskData:
    """A task whose labels are told apart by their value."""
    return TaskData(pd.DataFrame({"x": np.arange(len(y), dtype=float)}), y, task_type)


@given(st.integers(0, 2**63 - 1))
def test_permuted_labels_stay_in_their_part_and_test_labels_where_they_are(seed: int) -> None:
    data = values(np.arange(N, dtype=float))
    found = mislabelled(data, SPLIT, "permuted", seed)
    for rows in (SPLIT.train, SPLIT.validation):
        assert sorted(found.y[rows]) == sorted(data.y[rows])
        assert (found.y[rows] == data.y[rows]).mean() < 0.5
    assert np.array_equal(found.y[SPLIT.test], data.y[SPLIT.test])
    assert found.X is data.X and np.array_equal(data.y, np.arange(N))
    assert np.array_equal(mislabelled(data, SPLIT, "permuted", seed).y, found.y)


def test_another_seed_is_another_permutation() -> None:
    data = values(np.arange(N, dtype=float))
    first, second = (mislabelled(data, SPLIT, "permuted", seed).y for seed in (0, 1))
    assert not np.array_equal(first, second)


@given(st.integers(0, 2**63 - 1))
def test_a_handicap_is_a_share_of_the_training_labels(seed: int) -> None:
    data = values(np.arange(N, dtype=float))
    found = mislabelled(data, SPLIT, "handicapped", seed).y
    moved = np.flatnonzero(found != data.y)
    assert set(moved) <= set(SPLIT.train) and HANDICAP * 60 - 6 <= len(moved) <= HANDICAP * 60
    assert sorted(found) == sorted(data.y)


def test_a_forecast_moves_as_a_whole() -> None:
    y = np.arange(N, dtype=float)[:, None] + np.array([0.0, 0.5])
    found = mislabelled(values(y, "forecasting"), SPLIT, "handicapped", 3).y
    assert (found[:, 1] - found[:, 0] == 0.5).all() and not np.array_equal(found, y)


@pytest.mark.parametrize("control", ["permuted", "handicapped"])
def test_of_a_text_the_tokens_that_are_asked_for_change_places(control: str) -> None:
    y = np.random.default_rng(0).integers(0, 50, (N, 7))
    y[:, ::3] = -1
    found = mislabelled(values(y, "language"), SPLIT, control, 1).y
    assert np.array_equal(found < 0, y < 0) and np.array_equal(found[80:], y[80:])
    assert sorted(found[:60].ravel()) == sorted(y[:60].ravel())
    moved = (found != y)[:60][y[:60] >= 0].mean()
    assert 0.9 < moved if control == "permuted" else 0.3 < moved < 0.4
    together = (found[:60, 1] != y[:60, 1]) & (found[:60, 2] == y[:60, 2])
    assert control == "permuted" or together.any()
