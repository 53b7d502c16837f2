from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from benchmark.errors import RequestError
from benchmark.judge.field.improvement import WithInterval, interquartile_mean, probability_of_improvement

RUNS = arrays(float, (3, 4), elements=st.integers(0, 5).map(float))


def normal(seed: int, shape: tuple[int, int], mean: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 1, shape)


def ends(found: WithInterval) -> tuple[float, float]:
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


def test_probability_of_improvement_is_mann_whitneys() -> None:
    x, y = normal(0, (6, 5)).round(1), normal(1, (9, 5), 0.2).round(1)
    per_task = [
        stats.mannwhitneyu(theirs, ours).statistic / (6 * 9) for ours, theirs in zip(x.T, y.T, strict=True)
    ]
    assert probability_of_improvement(x, y).value == pytest.approx(np.mean(per_task))
    weights = np.array([1.0, 2, 3, 4, 5])
    weighted = probability_of_improvement(x, y, weights=weights, draws=None).value
    assert weighted == pytest.approx(np.average(per_task, weights=weights))


def test_the_closed_form_is_the_bootstraps_limit() -> None:
    x, y = normal(0, (5, 40)), normal(1, (7, 40), 0.3)
    sampled, limit = (probability_of_improvement(x, y, draws=draws) for draws in (4000, None))
    assert ends(limit) == pytest.approx(ends(sampled), abs=0.004)
    sampled, limit = (interquartile_mean(x, draws=draws) for draws in (4000, None))
    assert ends(limit) == pytest.approx(ends(sampled), abs=0.03)


def test_the_closed_variance_is_exact_over_all_resamples() -> None:
    """Three runs against two: all 27 × 4 equally likely resamples are listed."""
    x, y = np.array([0.1, 0.4, 0.6]), np.array([0.3, 0.6])
    wins = (x[:, None] < y) + 0.5 * (x[:, None] == y)
    ours, theirs = np.indices((3, 3, 3)).reshape(3, -1).T, np.indices((2, 2)).reshape(2, -1).T
    values = [wins[np.ix_(i, j)].mean() for i in ours for j in theirs]
    weights = np.full(25, 1.0)
    found = probability_of_improvement(
        np.repeat(x[:, None], 25, axis=1), np.repeat(y[:, None], 25, axis=1), weights=weights, draws=None
    )
    low, high = ends(found)
    assert (high - low) / 2 == pytest.approx(stats.norm.ppf(0.975) * np.std(values) / 5)


def test_interquartile_mean_is_scipys() -> None:
    for shape in ((1, 1), (2, 1), (3, 3), (7, 5), (10, 10)):
        x = normal(shape[0], shape)
        assert interquartile_mean(x, draws=50).value == pytest.approx(stats.trim_mean(x.ravel(), 0.25))


def test_stratified_bootstrap_is_the_one_by_hand() -> None:
    x = normal(5, (4, 6))
    rng = np.random.default_rng(9)
    by_hand = [stats.trim_mean([rng.choice(task, 4) for task in x.T], 0.25, axis=None) for _ in range(2000)]
    assert ends(interquartile_mean(x)) == pytest.approx(np.quantile(by_hand, [0.025, 0.975]), abs=0.04)


def test_tasks_are_fixed_and_only_runs_are_drawn() -> None:
    """However much tasks differ, the interval has no width where the runs of each agree."""
    x = np.repeat([[0.1, 0.5, 0.9, 0.2]], 5, axis=0)
    for draws in (200, None):
        assert len(set(interquartile_mean(x, draws=draws))) == 1
        assert probability_of_improvement(x, x + 0.05, draws=draws) == (1, 1, 1)


def test_ragged_runs_as_lists_and_as_gaps_are_the_same() -> None:
    ours = [np.array([0.1, 0.3, 0.2]), np.array([0.4, 0.5]), np.array([0.2, 0.2, 0.1])]
    theirs = [np.array([0.2, 0.3]), np.array([0.4, 0.1, 0.6]), np.array([0.3, 0.2])]
    gaps = np.array([[0.1, 0.4, 0.2], [0.3, np.nan, 0.2], [0.2, 0.5, 0.1]])
    for draws in (300, None):
        found = probability_of_improvement(ours, theirs, draws=draws)
        assert found == probability_of_improvement(gaps, theirs, draws=draws)
        assert interquartile_mean(ours, draws=draws) == interquartile_mean(gaps, draws=draws)
    pairs = zip(ours, theirs, strict=True)
    by_hand = [np.mean([(x < y) + (x == y) / 2 for x in a for y in b]) for a, b in pairs]
    assert found.value == pytest.approx(np.mean(by_hand))


def test_one_run_shows_no_noise() -> None:
    assert probability_of_improvement(np.zeros((1, 3)), np.ones((4, 3))) == (1.0, None, None)
    assert interquartile_mean([np.array([0.1, 0.2]), np.array([0.3])])[1:] == (None, None)


@given(RUNS, RUNS)
@settings(max_examples=50, deadline=None)
def test_closed_form_mirrors_and_stays_in_range(x: np.ndarray, y: np.ndarray) -> None:
    found, mirrored = (probability_of_improvement(a, b, draws=None) for a, b in ((x, y), (y, x)))
    assert 0 <= ends(found)[0] <= found.value <= ends(found)[1] <= 1
    assert mirrored == pytest.approx((1 - found.value, 1 - ends(found)[1], 1 - ends(found)[0]))
    shuffled = probability_of_improvement(x[::-1, ::-1], y[:, ::-1], draws=None)
    assert shuffled == pytest.approx(found)


@given(RUNS)
@settings(max_examples=50, deadline=None)
def test_interquartile_mean_lies_in_its_interval_and_in_the_data(x: np.ndarray) -> None:
    for draws in (100, None):
        low, high = ends(interquartile_mean(x, draws=draws))
        assert x.min() <= low <= high <= x.max()
    assert low <= interquartile_mean(x, draws=None).value <= high


def test_large_and_small_numbers() -> None:
    x = normal(0, (5, 8)) ** 2
    plain = interquartile_mean(x, draws=None)
    for scale in (1e-300, 1e300):
        assert np.array(interquartile_mean(x * scale, draws=None)) / scale == pytest.approx(plain)


def test_intervals_cover_what_other_seeds_would_give() -> None:
    """Tasks fixed, ten seeds each: the interval holds the true value about 95 % of the time."""
    rng = np.random.default_rng(0)
    shift = rng.normal(0, 1, 15)
    truth = float(stats.norm.cdf(shift / np.sqrt(2)).mean())
    hits = []
    for _ in range(2000):
        x, y = rng.normal(0, 1, (10, 15)), rng.normal(shift, 1, (10, 15))
        low, high = ends(probability_of_improvement(x, y, draws=None))
        hits.append(low <= truth <= high)
    assert np.mean(hits) == pytest.approx(0.95, abs=0.025)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(RequestError, match="task 1 has none"):
        interquartile_mean([np.array([0.1]), np.array([])])
    with pytest.raises(RequestError, match="no tasks"):
        interquartile_mean(np.empty((3, 0)))
    with pytest.raises(RequestError, match="same tasks"):
        probability_of_improvement(np.zeros((2, 3)), np.zeros((2, 4)))
