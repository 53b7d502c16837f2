"""Whole pipelines fitted on small tasks of every modality and task type."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.data import TaskData, describe
from benchmark.data.fingerprint import fingerprint, row_digests
from benchmark.data.taskdata import Ragged
from benchmark.execute.fitting.fit import Fit, fit
from benchmark.metrics import METRICS
from benchmark.plan.compatibility import incompatibility
from benchmark.plan.splits import splits
from benchmark.spec import Budget, Dataset, Pipeline, Seeds, Split, Splitting, Task

SEEDS = Seeds(5, 6, 7)
BUDGET = Budget("steps", 120, batch_size=32, evaluations=4)
HALF = Budget("steps", 60, batch_size=32, evaluations=2)
SHORT = Budget("steps", 16, batch_size=32, evaluations=2)
ReadPipeline = Callable[..., Pipeline]
N = 240


def images() -> TaskData:
    """Which quarter of a noisy image is bright."""
    random = np.random.default_rng(0)
    y = random.integers(0, 4, N)
    X = random.integers(0, 120, (N, 3, 8, 8))
    for row, (down, right) in enumerate(np.column_stack(np.divmod(y, 2))):
        X[row, :, 4 * down : 4 * down + 4, 4 * right : 4 * right + 4] += 60
    return TaskData(X.astype(np.uint8), y, "multiclass", ("a", "b", "c", "d"), "image")


def brightness() -> TaskData:
    """The brightness of one channel, far from 0."""
    random = np.random.default_rng(1)
    y = random.uniform(100, 200, N)
    X = (y[:, None, None, None] * [[[1.0]], [[0.3]]] + random.normal(0, 30, (N, 2, 6, 6))).astype(np.float32)
    return TaskData(X, y, "regression", (), "image")


def sequences() -> TaskData:
    """Whether a noisy channel of unequal length lies above its mean."""
    random = np.random.default_rng(2)
    y = random.integers(0, 2, N)
    rows = [random.normal(0, 1, (random.integers(3, 12), 2)) + [0.0, 2.0 * label] for label in y]
    return TaskData(Ragged.of_arrays(rows), y, "binary", ("no", "yes"), "sequence")


def forecasts() -> TaskData:
    """The next three values of a wave whose season is eight steps."""
    random = np.random.default_rng(3)
    series = 50 + 10 * np.sin(np.arange(N + 20) * np.pi / 4) + random.normal(0, 1, N + 20)
    rows = [series[start : start + 16, None] for start in range(N)]
    y = np.array([series[start + 16 : start + 19] for start in range(N)])
    return TaskData(Ragged.of_arrays(rows), y, "forecasting", (), "sequence")


def language() -> TaskData:
    """Two words in random order: letters inside a word are certain; a fifth of the positions is not asked."""
    random = np.random.default_rng(4)
    text = "".join(random.choice(["abc ", "bda "], 12 * N))[: 12 * N + 1]
    classes = tuple(sorted(set(text)))
    codes = np.array([classes.index(character) for character in text])
    y = codes[1:].reshape(N, 12)
    y = np.where(random.random(y.shape) < 0.2, -1, y)
    blocks = [text[start : start + 12] for start in range(0, 12 * N, 12)]
    return TaskData(Ragged.of_texts(blocks), y, "language", classes, "text")


def texts() -> TaskData:
    """Which of two alphabets a text prefers; unequal lengths."""
    random = np.random.default_rng(5)
    y = random.integers(0, 2, N)
    letters = [list("abcdé"), list("bcdéf")]
    rows = ["".join(random.choice(letters[label], random.integers(4, 15))) for label in y]
    return TaskData(Ragged.of_texts(rows), y, "binary", ("first", "second"), "text")


TASKS = {task.__name__: task for task in (images, brightness, sequences, forecasts, language, texts)}
PIPELINES = {
    "images": ["cnn", "mlp", "tabm", "lightgbm", "random_forest", "linear"],
    "brightness": ["cnn", "resnet", "lightgbm"],
    "sequences": ["gru", "mlp", "lightgbm", "linear"],
    "forecasts": ["gru", "mlp", "tabm", "lightgbm", "random_forest", "linear", "seasonal_naive"],
    "language": ["gru", "ngram"],
    "texts": ["gru", "mlp", "lightgbm", "linear"],
}
PAIRS = [(task, name) for task, names in PIPELINES.items() for name in names]


def ready(data: TaskData) -> tuple[TaskData, Task, Split]:
    """A task as loading leaves it, with the first of its folds."""
    data = dataclasses.replace(data, fingerprint=fingerprint(data), row_digests=row_digests(data))
    task = describe(Dataset("made", "generated", "here", modality=data.modality), data)
    return data, task, splits(task, data.basis(), Splitting(scheme="kfold"), seed=0)[0]


@pytest.fixture(scope="module")
def fitted(pipeline: ReadPipeline) -> Callable[..., Fit]:
    def run(name: str | Pipeline, data: TaskData, task: Task, split: Split, **changed: Any) -> Fit:
        whole = pipeline(name) if isinstance(name, str) else name
        assert incompatibility(whole, task, "cpu") is None
        known = {"metric": task.metric, "budget": BUDGET, "seeds": SEEDS, **changed}
        return fit(whole, data, task, split, **known)

    return run


@pytest.mark.parametrize(("name", "learner"), PAIRS)
def test_learns_what_the_featureless_predictor_does_not(
    name: str, learner: str, fitted: Callable[..., Fit]
) -> None:
    data, task, split = ready(TASKS[name]())
    result, floor = (fitted(which, data, task, split) for which in (learner, "featureless"))
    y, metric = data.y[split.test], METRICS[task.metric]
    assert metric.error(y, result.prediction) < 0.7 * metric.error(y, floor.prediction)
    assert result.validation_error < 0.7 * floor.validation_error
    shape = (len(y), task.n_classes) if metric.needs == "probabilities" else y.shape
    assert result.prediction.shape == floor.prediction.shape == shape
    assert result.prediction.dtype == floor.prediction.dtype == np.float32
    again = fitted(learner, data, task, split)
    assert again.prediction.tobytes() == result.prediction.tobytes()
    assert again.validation_error == result.validation_error


def test_an_ngram_knows_what_words_leave_open(fitted: Callable[..., Fit]) -> None:
    """One bit where a word begins, at a quarter of the positions; a little more as blocks begin."""
    data, task, split = ready(language())
    bits = fitted("ngram", data, task, split).validation_error
    assert 0.25 < bits < 0.5


def test_a_language_record_is_one_number_for_each_position(fitted: Callable[..., Fit]) -> None:
    data, task, split = ready(language())
    asked = data.y[split.test] >= 0
    for name in ("gru", "ngram", "featureless"):
        likelihood = fitted(name, data, task, split).prediction
        assert ((likelihood > 0) & (likelihood <= 1)).all()
        assert (likelihood[~asked] == 1).all() and likelihood[asked].mean() < 0.95


@pytest.mark.parametrize("optimizer", ["muon", "schedule_free", "lookahead"])
@pytest.mark.parametrize(("name", "learner"), [("images", "cnn"), ("forecasts", "gru"), ("language", "gru")])
def test_optimizers_that_ask_for_more_train_every_form(
    name: str, learner: str, optimizer: str, pipeline: ReadPipeline, fitted: Callable[..., Fit]
) -> None:
    data, task, split = ready(TASKS[name]())
    result = fitted(pipeline(learner, optimizer=optimizer), data, task, split, budget=HALF)
    assert result.validation_error < fitted("featureless", data, task, split).validation_error


def with_two_truths(n_rows: int = 300) -> tuple[TaskData, np.ndarray]:
    """Rows that say opposite things of the same input; half of them weigh twenty times the others."""
    random = np.random.default_rng(6)
    x = random.normal(size=n_rows)
    heavy = np.arange(n_rows) % 2 == 0
    weights = np.where(heavy, 20.0, 1.0)
    y = np.where(heavy, 3 * x + 4, -3 * x - 4) + random.normal(0, 0.1, n_rows)
    X = pd.DataFrame({"x": x, "other": random.normal(size=n_rows)})
    return TaskData(X, y, "regression", weights=weights / weights.mean()), heavy


@pytest.mark.parametrize("learner", ["mlp", "resnet", "tabm", "lightgbm", "random_forest", "linear"])
def test_weights_count_in_training_and_in_the_validation_error(
    learner: str, fitted: Callable[..., Fit]
) -> None:
    made, heavy = with_two_truths()
    data, task, split = ready(made)
    plain = dataclasses.replace(data, weights=None)
    errors = {}
    for name, some in (("weighted", data), ("plain", plain)):
        result = fitted(learner, some, task, split)
        truth, of_heavy = data.y[split.test], heavy[split.test]
        errors[name] = np.abs(result.prediction - truth)[of_heavy].mean(), result.validation_error
    assert errors["weighted"][0] < 0.5 * errors["plain"][0]
    assert errors["weighted"][1] < errors["plain"][1]


def test_rows_of_any_form_carry_weights(fitted: Callable[..., Fit]) -> None:
    for name in TASKS:
        data, task, split = ready(TASKS[name]())
        weighted = dataclasses.replace(data, weights=np.linspace(0.5, 1.5, len(data)))
        for learner in (PIPELINES[name][0], PIPELINES[name][-1]):
            first, second = (fitted(learner, some, task, split, budget=SHORT) for some in (data, weighted))
            same = np.array_equal(second.prediction, first.prediction)
            assert not same or second.validation_error != first.validation_error
