"""The learners of characters and of series, against their formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.estimator.featureless import Featureless
from components.estimator.ngram import NGram
from components.estimator.seasonal_naive import SeasonalNaive

Make = Callable[[str, str], Callable[..., Any]]
Rows = list[np.ndarray]


def texts(seed: int, n_rows: int, n_tokens: int = 4, time: int = 6) -> tuple[Rows, np.ndarray]:
    """Tokens from 2, the class of the next one at every position, -1 here and there."""
    random = np.random.default_rng(seed)
    tokens = random.integers(2, 2 + n_tokens, (n_rows, time + 1))
    y = tokens[:, 1:] - 2
    return list(tokens[:, :-1]), np.where(random.random(y.shape) < 0.2, -1, y)


def by_the_formula(X: Rows, y: np.ndarray, context: tuple[int, ...], order: int) -> np.ndarray:
    """Witten and Bell's interpolated probabilities of all classes after one context, by recursion."""
    n_classes = y.max() + 1
    lower = np.full(n_classes, 1 / n_classes)
    for length in range(order):
        if length > len(context):
            break
        counts = np.zeros(n_classes)
        for row, targets in zip(X, y, strict=True):
            for position in np.flatnonzero(targets >= 0):
                before = tuple(row[max(0, position + 1 - length) : position + 1])
                counts[targets[position]] += before == context[len(context) - length :]
        n, t = counts.sum(), np.count_nonzero(counts)
        lower = (counts + t * lower) / (n + t) if t else lower
    return lower


@pytest.mark.parametrize("order", [1, 2, 4])
@given(seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_ngram_follows_the_formula(order: int, seed: int) -> None:
    X, y = texts(seed, 8)
    other, _ = texts(seed + 1, 3, n_tokens=5)
    probabilities = NGram("language", 0, order).fit(X, y).predict_proba(other)
    assert probabilities.shape == (3, 6, y.max() + 1)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1)
    for row in range(3):
        for position in range(6):
            context = tuple(other[row][: position + 1])
            expected = by_the_formula(X, y, context, order)
            np.testing.assert_allclose(probabilities[row, position], expected, atol=1e-12)


def test_ngram_learns_a_cycle_and_does_not_look_ahead() -> None:
    cycle = np.resize(np.arange(2, 7), 41)
    X, y = [cycle[:-1]] * 3, np.tile(cycle[1:] - 2, (3, 1))
    learner = NGram("language", 0).fit(X, y)
    probabilities = learner.predict_proba(X)
    assert (probabilities.argmax(-1)[:, 1:] == y[:, 1:]).all()
    changed = [np.concatenate([cycle[:20], np.full(20, 3)])]
    np.testing.assert_array_equal(learner.predict_proba(changed)[0, :20], probabilities[0, :20])
    np.testing.assert_array_equal(learner.predict(X), probabilities.argmax(-1))


@pytest.mark.parametrize("kind", [NGram, Featureless])
def test_a_row_of_weight_two_is_two_rows(kind: Callable[..., Any]) -> None:
    X, y = texts(1, 6)
    weighted = kind("language", 0).fit(X, y, sample_weight=np.array([1.0, 2, 1, 1, 3, 1]))
    repeated = kind("language", 0).fit(
        [X[row] for row in (0, 1, 1, 2, 3, 4, 4, 4, 5)], y[[0, 1, 1, 2, 3, 4, 4, 4, 5]]
    )
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X))


def test_featureless_counts_tokens_and_one_more() -> None:
    y = np.array([[0, 0, 3], [-1, 0, 2]])
    learner = Featureless("language", 0).fit([np.array([2, 3, 4])] * 2, y)
    expected = np.array([4, 1, 2, 2]) / 9
    np.testing.assert_allclose(learner.predict_proba([np.array([5, 5])]), [[expected, expected]])
    assert list(learner.classes_) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "X", [np.zeros((4, 1, 2, 2), np.float32), [np.zeros((3, 1))] * 4], ids=["image", "sequence"]
)
def test_featureless_needs_no_table(X: Any) -> None:
    learner = Featureless("multiclass", 0).fit(X, np.array([0, 2, 2, 2]))
    np.testing.assert_allclose(learner.predict_proba(X), [[0.25, 0.75]] * 4)
    values = Featureless("regression", 0).fit(X, np.array([1.0, 2, 3, 6]))
    np.testing.assert_allclose(values.predict(X), [3.0] * 4)


def windows(series: np.ndarray, context: int, horizon: int) -> tuple[Rows, np.ndarray]:
    starts = range(len(series) - context - horizon + 1)
    X = [series[start : start + context, None] for start in starts]
    return X, np.array([series[start + context : start + context + horizon] for start in starts])


@pytest.mark.parametrize(("season", "horizon"), [(1, 3), (4, 2), (4, 9), (12, 5)])
def test_seasonal_naive_finds_the_season(season: int, horizon: int) -> None:
    random = np.random.default_rng(0)
    series = np.resize(10 * random.random(season), 120) + random.normal(0, 0.01, 120)
    X, y = windows(series, 24, horizon)
    learner = SeasonalNaive("forecasting", 0).fit(X[:50], y[:50])
    assert learner.lag_ % season == 0
    prediction = learner.predict(X[50:])
    assert prediction.shape == y[50:].shape
    assert np.abs(prediction - y[50:]).mean() < 0.05


def test_seasonal_naive_without_a_season_repeats_the_last_value() -> None:
    walk = np.cumsum(np.random.default_rng(1).normal(size=300))
    X, y = windows(walk, 12, 2)
    learner = SeasonalNaive("forecasting", 0).fit(X, y)
    assert learner.lag_ == 1
    np.testing.assert_array_equal(learner.predict(X), np.repeat(walk[11:-2, None], 2, axis=1))


def test_seasonal_naive_weighs_its_rows() -> None:
    X = [np.array([[1.0], [5.0]])] * 2
    y = np.array([[1.0], [5.0]])
    lags = [
        SeasonalNaive("forecasting", 0).fit(X, y, sample_weight=np.array(weights)).lag_
        for weights in ([3.0, 1.0], [1.0, 3.0])
    ]
    assert lags == [2, 1]
