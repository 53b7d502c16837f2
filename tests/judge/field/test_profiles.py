"""Performance profiles: small tables by hand, edges, and properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmark.judge.field.profiles import (
    UP_TO,
    performance_profile,
    profile_area,
    ratios,
    time_to_target,
)

TAUS = np.geomspace(1.0, UP_TO, 41)
ERRORS = arrays(
    float,
    st.tuples(st.integers(1, 6), st.integers(1, 5)),
    elements=st.sampled_from([0.0, 1e-300, 0.1, 0.2, 0.4, 3.0, 1e300, np.inf, np.nan]),
)


def test_a_table_by_hand() -> None:
    errors = np.array([[1.0, 2.0, 4.0], [3.0, 1.0, 1.0], [np.nan, 5.0, 10.0], [2.0, 2.0, 2.2]])
    found = performance_profile(errors, np.array([1.0, 1.1, 2.0, 4.0]))
    wanted = [[0.5, 0.75, 0.25], [0.5, 0.75, 0.5], [0.5, 1.0, 0.75], [0.75, 1.0, 1.0]]
    np.testing.assert_allclose(found, wanted)


def test_zeros_are_the_best_and_nothing_else_comes_near_them() -> None:
    np.testing.assert_array_equal(ratios(np.array([[0.0, 0.0, 1e-300]])), [[1.0, 1.0, np.inf]])


def test_where_all_fail_nobody_is_near_the_best() -> None:
    errors = np.array([[np.nan, np.inf], [1.0, 1.0]])
    np.testing.assert_array_equal(ratios(errors)[0], [np.inf, np.inf])
    np.testing.assert_array_equal(performance_profile(errors, np.array([1e9])), [[0.5, 0.5]])


@settings(max_examples=60, deadline=None)
@given(ERRORS)
def test_a_profile_rises_and_someone_is_first_wherever_anyone_came_through(errors: np.ndarray) -> None:
    found = performance_profile(errors, TAUS)
    assert ((found >= 0) & (found <= 1 + 1e-12)).all()
    assert (np.diff(found, axis=0) >= 0).all()
    came = np.isfinite(errors).any(axis=1)
    assert (ratios(errors)[came].min(axis=1) == 1).all()
    assert (ratios(errors) >= 1).all()


@settings(max_examples=60, deadline=None)
@given(ERRORS, st.floats(1.5, 20.0))
def test_the_area_is_the_mean_height(errors: np.ndarray, up_to: float) -> None:
    grid = np.geomspace(1.0, up_to, 4001)
    heights = performance_profile(errors, grid)
    np.testing.assert_allclose(profile_area(errors, up_to), heights.mean(axis=0), atol=2e-3)


@settings(max_examples=30, deadline=None)
@given(ERRORS, st.sampled_from([1e-3, 7.0]))
def test_the_unit_of_the_errors_does_not_matter(errors: np.ndarray, scale: float) -> None:
    errors = np.where(errors > 10, np.nan, np.where(errors < 1e-200, 0.0, errors))
    np.testing.assert_allclose(ratios(errors * scale), ratios(errors), rtol=1e-12)


def test_weights_count_units() -> None:
    errors = np.array([[1.0, 2.0], [2.0, 1.0]])
    found = performance_profile(errors, np.array([1.0, 3.0]), weights=np.array([0.75, 0.25]))
    np.testing.assert_allclose(found, [[0.75, 0.25], [1.0, 1.0]])
    doubled = np.repeat(errors, [3, 1], axis=0)
    np.testing.assert_allclose(
        profile_area(doubled, 4.0), profile_area(errors, 4.0, weights=np.array([0.75, 0.25]))
    )


def test_one_more_entrant_may_lower_all_others() -> None:
    errors = np.array([[1.0, 1.2], [1.0, 1.1]])
    alone = performance_profile(errors, TAUS)
    joined = performance_profile(np.column_stack([errors, [0.4, 0.4]]), TAUS)
    assert (joined[:, :2] <= alone).all() and (joined[0, :2] < alone[0]).any()


def test_time_to_target() -> None:
    errors = np.array([[0.1, 0.2, np.nan], [0.3, 0.2, 0.1]])
    seconds = np.array([[5.0, 1.0, 2.0], [np.nan, 3.0, np.nan]])
    found = time_to_target(errors, seconds, np.array([0.15, 0.25]))
    np.testing.assert_array_equal(found, [[5.0, np.inf, np.inf], [np.inf, 3.0, np.nan]])
    anything = time_to_target(errors, seconds, np.array([np.inf, np.inf]))
    np.testing.assert_array_equal(anything, [[5.0, 1.0, np.inf], [np.nan, 3.0, np.nan]])


def test_the_area_of_the_only_one_is_one() -> None:
    assert profile_area(np.array([[3.0], [0.0]]), 4.0) == pytest.approx([1.0])
