"""The error on training rows: of the same rows for every arm, in every family, of no effect on the rest."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from benchmark.execute.cell import run_job
from benchmark.execute.fitting import assemble
from benchmark.execute.fitting.fit import Fit, fit, fit_stacked
from benchmark.execute.fitting.request import SAMPLE, TEXTS, Request
from benchmark.execute.limits import FitTimeout
from benchmark.execute.profile import take
from benchmark.metrics import METRICS
from benchmark.plan.grid import Job
from benchmark.spec import Budget, Pipeline, Record, Seeds

ReadPipeline = Callable[..., Pipeline]
ReadTask = Callable[[str], Any]
SHORT, SEEDS = Budget("steps", 20, 32, evaluations=2, patience=9), Seeds(1, 2, 3)


def asked(pipeline: Pipeline, task: Any, **changed: Any) -> Request:
    data, facts, split = task
    made = assemble.makers(pipeline)
    metric = METRICS[facts.metric]
    whole = Request(pipeline, made, data, facts, split, metric, SHORT, SEEDS, "cpu", "float32", True)
    return dataclasses.replace(whole, **changed)


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("mlp", "iris"),
        ("mlp", "digits"),
        ("tabm", "diabetes"),
        ("lightgbm", "diabetes"),
        ("random_forest", "digits"),
        ("cnn", "digits_images"),
        ("gru", "co2"),
        ("gru", "dataset_descriptions"),
    ],
)
def test_it_is_that_of_the_kept_model_and_changes_nothing_else(
    name: str, task: str, pipeline: ReadPipeline, real_task: ReadTask
) -> None:
    data, facts, split = real_task(task)
    how: dict[str, Any] = {"metric": facts.metric, "budget": SHORT, "seeds": SEEDS}
    plain, sampled = (fit(pipeline(name), data, facts, split, sampled=on, **how) for on in (False, True))
    assert plain.train_error is None and sampled.train_error is not None
    assert np.array_equal(plain.prediction, sampled.prediction)
    assert (plain.validation_error, plain.steps) == (sampled.validation_error, sampled.steps)
    # What is said of training rows is what would be said of them as test rows.
    rows = split.train[asked(pipeline(name), (data, facts, split)).sample]
    other = dataclasses.replace(split, test=rows, digest="training rows to be tested on")
    as_tested = fit(pipeline(name), data, facts, other, **how)
    weights = None if data.weights is None else data.weights[rows]
    truth = METRICS[facts.metric].error(data.y[rows], as_tested.prediction, weights)
    assert sampled.train_error == pytest.approx(truth, rel=1e-6)


def test_every_arm_is_asked_about_the_same_rows(pipeline: ReadPipeline, real_task: ReadTask) -> None:
    task = real_task("digits")
    network, forest = (asked(pipeline(name), task).sample for name in ("mlp", "random_forest"))
    assert np.array_equal(network, forest) and len(network) == SAMPLE == len(np.unique(network))
    data, facts, split = task
    other = asked(pipeline("mlp"), (data, facts, dataclasses.replace(split, digest="another"))).sample
    assert len(other) == SAMPLE and not np.array_equal(network, other)
    few = asked(pipeline("mlp"), real_task("iris"))
    assert np.array_equal(few.sample, np.arange(len(few.split.train)))
    text = asked(pipeline("mlp"), (data, dataclasses.replace(facts, task_type="language"), split))
    assert len(text.sample) == TEXTS


def test_it_is_none_where_it_is_not_finite_or_not_defined(
    pipeline: ReadPipeline, real_task: ReadTask
) -> None:
    data, facts, split = real_task("breast_cancer")
    request = asked(pipeline("linear"), (data, facts, split), metric=METRICS["roc_auc"])
    prediction = np.full((len(request.sample), 2), 0.5, np.float32)
    y = np.resize([0, 1], len(prediction))
    rows = np.arange(len(y))
    assert request.train_error(rows, y, lambda: prediction) == 0.5
    assert request.train_error(rows, np.ones_like(y), lambda: prediction) is None
    prediction[3] = np.nan
    assert request.train_error(rows, y, lambda: prediction) is None


@pytest.mark.parametrize("raised", [MemoryError("too many rows"), ValueError("no"), FitTimeout("1 s")])
def test_a_fit_that_is_done_is_not_lost_to_its_training_rows(
    raised: BaseException, pipeline: ReadPipeline, real_task: ReadTask
) -> None:
    request = asked(pipeline("linear"), real_task("breast_cancer"))

    def predict() -> np.ndarray:
        raise raised

    assert request.train_error(request.sample, np.zeros(len(request.sample)), predict) is None


class Restless(torch.nn.Module):
    """Draws random numbers in evaluation too."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Any) -> torch.Tensor:
        output: torch.Tensor = self.network(*inputs)
        return output + 0.1 * torch.randn_like(output)


def test_members_of_a_stack_are_not_disturbed(
    pipeline: ReadPipeline, real_task: ReadTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = assemble.network
    monkeypatch.setattr(assemble, "network", lambda *args, **more: Restless(made(*args, **more)))
    data, facts, split = real_task("iris")

    def run(*sampled: int) -> list[Fit | BaseException]:
        seeds = [Seeds(place, 2, 3) for place in range(3)]
        how: dict[str, Any] = {"metric": "log_loss", "budget": SHORT, "seeds": seeds, "sampled": sampled}
        return fit_stacked([pipeline("mlp")] * 3, data, facts, split, **how)

    plain, some = run(), run(0, 2)
    for one, other in zip(plain, some, strict=True):
        assert isinstance(one, Fit) and isinstance(other, Fit)
        assert np.array_equal(one.prediction, other.prediction)
    assert [isinstance(one, Fit) and one.train_error is not None for one in some] == [True, False, True]


def test_records_have_it_and_trials_do_not_pay_for_it(
    job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    whole = Request.train_error

    def counted(request: Request, *what: Any) -> float | None:
        calls.append(request)
        return whole(request, *what)

    monkeypatch.setattr(Request, "train_error", counted)
    records = [outcome.row for group in run_job(job_of("a", "b"), {}) for outcome in group]
    assert len(records) == len(calls) == 2
    for record in records:
        assert isinstance(record, Record) and record.train_error is not None
        assert 0 < record.train_error < 0.5


def test_its_seconds_are_those_of_an_evaluation(
    pipeline: ReadPipeline, real_task: ReadTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a learner that takes its time to predict so many rows."""
    import time

    from sklearn.ensemble import RandomForestClassifier

    predict = RandomForestClassifier.predict_proba

    def slowly(forest: RandomForestClassifier, X: Any) -> Any:
        time.sleep(0.3 if len(X) == SAMPLE else 0.0)
        return predict(forest, X)

    monkeypatch.setattr(RandomForestClassifier, "predict_proba", slowly)
    data, facts, split = real_task("digits")
    take()
    how: dict[str, Any] = {"metric": "log_loss", "budget": SHORT, "seeds": SEEDS}
    found = fit(pipeline("random_forest"), data, facts, split, sampled=True, **how)
    spent = take()
    assert found.predict_seconds < 0.3 <= spent["evaluate"]
    assert spent["fit"] < found.fit_seconds + 0.1
