"""The Pareto front against its definition."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmark.judge.field.pareto import pareto_front

POINTS = st.integers(1, 12).flatmap(
    lambda n: arrays(float, (2, n), elements=st.sampled_from([0.0, 1.0, 2.0, 3.0, 1e300, np.nan, np.inf]))
)


def test_ties_stay_and_the_beaten_leave() -> None:
    cost = np.array([1.0, 1.0, 2.0, 3.0, 3.0, 1.0])
    error = np.array([5.0, 5.0, 3.0, 3.0, 1.0, 6.0])
    assert pareto_front(cost, error).tolist() == [True, True, True, False, True, False]


def test_what_is_not_known_is_off_the_front_and_beats_nobody() -> None:
    found = pareto_front(np.array([np.nan, 1.0, 0.5]), np.array([0.0, 1.0, np.inf]))
    assert found.tolist() == [False, True, False]


@given(POINTS)
def test_the_front_is_what_nobody_beats(points: np.ndarray) -> None:
    cost, error = points
    found = pareto_front(cost, error)
    finite = [i for i in range(len(cost)) if np.isfinite(cost[i]) and np.isfinite(error[i])]
    for i in range(len(cost)):
        beaten = any(
            cost[j] <= cost[i] and error[j] <= error[i] and (cost[j] < cost[i] or error[j] < error[i])
            for j in finite
        )
        assert found[i] == (i in finite and not beaten)
    assert found.any() == bool(finite)


@given(POINTS, st.integers(0, 2**32 - 1))
def test_order_and_swapped_axes_do_not_matter(points: np.ndarray, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(points.shape[1])
    found = pareto_front(*points)
    np.testing.assert_array_equal(pareto_front(*points[:, order]), found[order])
    np.testing.assert_array_equal(pareto_front(points[1], points[0]), found)
