"""The learners of characters and of series, against their formulas."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.catalog import open_catalog
from benchmark.data import TaskData, describe
from benchmark.data.fingerprint import fingerprint, row_digests
from benchmark.data.raw import Raw
from benchmark.data.texts import to_task_data
from benchmark.execute.fitting.fit import fit
from benchmark.execute.fitting.outputs import predict
from benchmark.execute.fitting.rows import to_rows
from benchmark.metrics import METRICS
from benchmark.plan.splits import splits
from benchmark.resolve.components import read_pipeline
from benchmark.spec import Budget, Component, Dataset, Seeds, Split, Splitting, Task
from components.estimator.featureless import Featureless
from components.estimator.ngram import NGram
from components.estimator.seasonal_naive import SeasonalNaive

Make = Callable[[str, str], Callable[..., Any]]
ReadComponent = Callable[[str, str], Component]
Rows = list[np.ndarray]
NETWORKS = ["gru", "lstm", "transformer", "ssm", "tcn", "spiking"]
CYCLE = "abc" * 400
MEMORY = "abac" * 300
"""What comes after an a depends on what came before it."""
RANDOM = "".join(np.random.default_rng(7).choice(list("abcd"), 1200))


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


def running(text: str) -> tuple[TaskData, Task, Split]:
    """A text as a language task with the first of its splits."""
    card = Dataset("mine", "file", "mine.txt", modality="text", options={"length": 12})
    data = to_task_data(Raw(text), card, "mine.yaml")
    data = dataclasses.replace(data, fingerprint=fingerprint(data), row_digests=row_digests(data))
    task = describe(card, data)
    return data, task, splits(task, data.basis(), Splitting(), seed=0)[0]


def bits(name: str, text: str, component: ReadComponent) -> float:
    """Bits per character of the test rows after a short training at a large learning rate."""
    catalog = open_catalog()
    file = str(catalog.path("pipeline", name))
    whole = read_pipeline(name, catalog.document("pipeline", name), file, component)
    optimizer = component("optimizer", "adamw")
    whole = whole.swap(dataclasses.replace(optimizer, make={**optimizer.make, "lr": 1e-2}))
    data, task, split = running(text)
    budget = Budget("steps", 100, batch_size=32, evaluations=4)
    seeds = Seeds(1, 2, 3)
    found = fit(whole, data, task, split, metric="bits_per_character", budget=budget, seeds=seeds)
    return METRICS["bits_per_character"].error(data.y[split.test], found.prediction)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_learn_what_comes_next_and_nothing_where_that_is_open(
    name: str, component: ReadComponent
) -> None:
    """Were the target the character itself, or the next one within reach, the second would go to 0 too."""
    assert bits(name, MEMORY, component) < 0.05
    assert bits(name, RANDOM, component) > 1.9


class Says(torch.nn.Module):
    """Is sure that the next character is the present one, moved on by some places in the alphabet."""

    def __init__(self, places: int, n_classes: int) -> None:
        super().__init__()
        self.places, self.n_classes = places, n_classes

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:  # noqa: ARG002 - the slot's
        said = (x - 2 + self.places) % self.n_classes
        return 20 * torch.nn.functional.one_hot(said, self.n_classes).float()


def test_copying_the_present_character_gains_nothing(make: Make) -> None:
    data, _, _ = running(CYCLE)
    texts = data.inputs(np.arange(len(data)))
    rows = to_rows(make("preprocessor", "native")().fit_transform(texts, data.y), "cpu")
    asked = torch.tensor(data.y)
    copied, moved_on = (predict(Says(places, 3), rows, "language", 3, asked=asked) for places in (0, 1))
    assert copied.shape == data.y.shape
    assert (copied < 1e-6).all() and (moved_on > 1 - 1e-6).all()
