"""Bradley-Terry strengths against an independent optimiser, and what Elo ratings must keep to."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from benchmark.judge.field.ratings import PRIOR, bradley_terry, elo, percentiles, resampled


def tables(units: int = 12) -> st.SearchStrategy[np.ndarray]:
    """Wins by unit ``(n_units, n, n)`` of 2 to 6 methods: each pair's wins and losses sum to 1."""

    def build(numbers: tuple[int, int]) -> np.ndarray:
        n, seed = numbers
        random = np.random.default_rng(seed)
        errors = random.integers(0, 4, (units, n)) + random.integers(0, 3, n)
        found: np.ndarray = (np.sign(errors[:, None, :] - errors[:, :, None]) + 1) / 2
        return found

    return st.tuples(st.integers(2, 6), st.integers(0, 2**32 - 1)).map(build)


@settings(max_examples=40, deadline=None)
@given(tables())
def test_the_strengths_are_the_maximum_of_the_likelihood(wins: np.ndarray) -> None:
    total = wins.sum(axis=0) + PRIOR
    np.fill_diagonal(total, 0.0)

    def loss(strengths: np.ndarray) -> float:
        return float((total * np.logaddexp(0.0, strengths[None, :] - strengths[:, None])).sum())

    found = optimize.minimize(loss, np.zeros(len(total)), method="BFGS", options={"gtol": 1e-9}).x
    np.testing.assert_allclose(bradley_terry(wins.sum(axis=0)), found - found.mean(), atol=2e-5)


def test_two_methods_have_the_odds_of_their_wins() -> None:
    wins = np.array([[0.0, 9.5], [2.5, 0.0]])
    first, second = bradley_terry(wins)
    assert first - second == pytest.approx(np.log(10 / 3))


def test_ten_to_one_is_400_points_and_the_mean_or_the_anchor_is_1000() -> None:
    wins = np.zeros((21, 2, 2))
    wins[:, 0, 1] = 1.0
    wins[0] = [[0.0, 0.5], [0.5, 0.0]]
    wins = wins[:10]  # 9.5 to 0.5, and half a win each: 10 to 1
    found = elo(wins)
    assert found.elo[0] - found.elo[1] == pytest.approx(400.0)
    assert found.elo.mean() == pytest.approx(1000.0)
    anchored = elo(wins, anchor=1)
    assert anchored.elo == pytest.approx([1400.0, 1000.0])
    assert anchored.low[1] == anchored.high[1] == pytest.approx(1000.0)


def test_an_undefeated_method_stays_finite_and_first() -> None:
    n = 35
    wins = np.tile(np.triu(np.ones((n, n)), 1), (500, 1, 1))
    strengths = bradley_terry(wins.sum(axis=0))
    assert np.isfinite(strengths).all()
    assert (np.diff(strengths) < 0).all()


@settings(max_examples=20, deadline=None)
@given(tables(), st.integers(0, 2**32 - 1))
def test_permuting_methods_permutes_ratings(wins: np.ndarray, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(wins.shape[1])
    plain, moved = elo(wins, draws=50), elo(wins[:, order][:, :, order], draws=50)
    for one, other in zip(plain, moved, strict=True):
        np.testing.assert_allclose(one[order], other, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(tables())
def test_swapping_wins_and_losses_mirrors_the_strengths(wins: np.ndarray) -> None:
    total = wins.sum(axis=0)
    np.testing.assert_allclose(bradley_terry(total), -bradley_terry(total.T), atol=1e-9)


def test_a_batch_gives_what_each_gives_alone() -> None:
    random = np.random.default_rng(0)
    batch = random.integers(0, 20, (4, 3, 5, 5)).astype(float)
    together = bradley_terry(batch)
    for place in np.ndindex(4, 3):
        np.testing.assert_allclose(together[place], bradley_terry(batch[place]), atol=1e-9)


def test_wins_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(ArithmeticError, match="finite"):
        bradley_terry(np.full((3, 3), np.nan))


def test_the_interval_covers_the_rating_of_the_population() -> None:
    """Nominal .95, over 300 samples of 30 units."""
    strengths = np.array([0.8, 0.2, -0.2, -0.8])
    beats = 1 / (1 + np.exp(strengths[None, :] - strengths[:, None]))
    many = 400.0  # so many units that the prior's half win is nothing
    truth = elo(np.tile(beats * many, (1, 1, 1))).elo
    random = np.random.default_rng(1)
    covered = []
    for _ in range(300):
        upper = np.triu(random.random((30, 4, 4)) < beats, 1)
        wins = upper + np.tril(1.0 - np.swapaxes(upper, 1, 2), -1)
        found = elo(wins)
        covered.append((found.low <= truth) & (truth <= found.high))
    assert 0.92 < np.mean(covered) < 0.97


def test_fewer_than_five_units_have_no_interval() -> None:
    found = elo(np.tile([[0.5, 1.0], [0.0, 0.5]], (4, 1, 1)))
    assert np.isfinite(found.elo).all()
    assert np.isnan(found.low).all() and np.isnan(found.high).all()


def test_the_same_numbers_give_the_same_draws() -> None:
    np.testing.assert_array_equal(resampled(7), resampled(7))
    assert (resampled(7).sum(axis=1) == 7).all()


def test_percentiles_of_values_that_may_be_infinite() -> None:
    values = np.append(np.arange(990.0), np.full(10, np.inf))[:, None]
    low, high = percentiles(values, units=10, alpha=0.05)
    assert (low.item(), high.item()) == (8.0, np.inf)  # 0.85 % at either end instead of 2.5 %
    low, high = percentiles(values, units=100_000, alpha=0.05)
    assert (low.item(), high.item()) == (24.0, 975.0)


def test_35_methods_on_120_data_sets_take_about_a_second() -> None:
    random = np.random.default_rng(0)
    errors = random.random((120, 35)) + random.random(35)
    wins = (np.sign(errors[:, None, :] - errors[:, :, None]) + 1) / 2
    start = time.process_time()
    elo(wins)
    assert time.process_time() - start < 2.0
