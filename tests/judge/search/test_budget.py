"""The budget curve against brute force over every subset."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.judge.search.budget import expected_best, first_best

ERRORS = st.floats(0, 1e6)
TRIALS = st.lists(st.tuples(ERRORS, ERRORS), min_size=1, max_size=7, unique_by=lambda trial: trial[0])


def brute_force(validation: list[float], test: list[float]) -> list[float]:
    """Mean over all subsets of size k of the test error at the smallest validation error."""
    numbers = range(len(test))
    return [
        float(np.mean([test[min(chosen, key=validation.__getitem__)] for chosen in combinations(numbers, k)]))
        for k in range(1, len(test) + 1)
    ]


@given(TRIALS)
def test_it_is_the_mean_over_every_subset_of_k_trials(trials: list[tuple[float, float]]) -> None:
    validation, test = map(list, zip(*trials, strict=True))
    np.testing.assert_allclose(expected_best(validation, test), brute_force(validation, test), rtol=1e-9)


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, np.nan]), ERRORS), min_size=1, max_size=7), st.randoms())
def test_the_order_of_the_trials_does_not_matter(trials: list[tuple[float, float]], random: object) -> None:
    shuffled = sorted(trials, key=lambda _: random.random())  # type: ignore[attr-defined]
    one, other = (
        expected_best(*map(list, zip(*rows, strict=True)), failed_error=9.0) for rows in (trials, shuffled)
    )
    np.testing.assert_allclose(one, other, rtol=1e-9)


def test_one_trial_is_the_mean_and_all_trials_the_chosen_one() -> None:
    curve = expected_best([0.3, 0.1, 0.2], [0.5, 0.2, 0.1])
    np.testing.assert_allclose(curve, [0.8 / 3, (0.2 + 0.2 + 0.1) / 3, 0.2])


def test_a_failed_trial_is_chosen_only_where_all_failed() -> None:
    curve = expected_best([0.1, np.nan, np.nan], [0.2, np.nan, 0.7], failed_error=1.0)
    np.testing.assert_allclose(curve, [2.2 / 3, (2 * 0.2 + 1.0) / 3, 0.2])


def test_the_first_k_trials_know_nothing_of_the_later_ones() -> None:
    """A guided search: the default is poor, what comes late is good, and no start was ever that lucky."""
    validation, test = [0.4, 0.5, 0.3, 0.1, 0.1], [0.365, 0.5, 0.3, 0.1, 0.05]
    np.testing.assert_array_equal(first_best(validation, test), [0.365, 0.365, 0.3, 0.1, 0.1])
    assert expected_best(validation, test)[0] == pytest.approx(np.mean(test))


@given(TRIALS)
def test_all_trials_are_the_same_trials_either_way(trials: list[tuple[float, float]]) -> None:
    validation, test = map(list, zip(*trials, strict=True))
    best = first_best(validation, test)
    assert best[0] == test[0]
    assert best[-1] == pytest.approx(expected_best(validation, test)[-1], rel=1e-9)


def test_a_failed_first_trial_counts_until_one_succeeds() -> None:
    curve = first_best([np.nan, np.nan, 0.3, 0.2], [np.nan, 0.1, 0.4, 0.5], failed_error=1.0)
    np.testing.assert_array_equal(curve, [1.0, 1.0, 0.4, 0.5])


@pytest.mark.parametrize("curve", [expected_best, first_best])
@pytest.mark.parametrize(
    ("validation", "test"),
    [([], []), ([0.1], [0.1, 0.2]), ([np.nan], [0.1]), ([0.1], [np.nan])],
)
def test_what_cannot_be_meant_is_refused(
    validation: list[float], test: list[float], curve: Callable[..., np.ndarray]
) -> None:
    with pytest.raises(ValueError, match="trials|test error"):
        curve(validation, test)
