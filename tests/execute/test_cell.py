"""What a cell leaves: records of every task type, and where the test rows do not define the metric."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.data import TaskData, describe
from benchmark.data.fingerprint import fingerprint, row_digests
from benchmark.execute import material
from benchmark.execute.cell import Outcome, run_job
from benchmark.metrics import METRICS
from benchmark.plan.grid import Job, PlannedCell, PlannedTrial, PlannedTuning
from benchmark.spec import (
    Budget,
    Dataset,
    OwnSplit,
    Pipeline,
    Protocol,
    Record,
    Seeds,
    Splitting,
    Trial,
)

SEEDS = Seeds(1, 2, 3)
Run = Callable[..., list[Outcome]]


@pytest.fixture
def run(pipeline: Callable[..., Pipeline], monkeypatch: pytest.MonkeyPatch) -> Run:
    """One trial and one cell of a pipeline on a task made of arrays, with a split of its own."""

    def outcomes(name: str, made: TaskData, train: Any, validation: Any, test: Any) -> list[Outcome]:
        own = (OwnSplit(0, 0, np.asarray(train), np.asarray(test), np.asarray(validation)),)
        data = dataclasses.replace(
            made, own=own, fingerprint=fingerprint(made), row_digests=row_digests(made)
        )
        dataset = Dataset("made", "generated", "here", modality=data.modality)
        monkeypatch.setattr(material, "_tables", {(data.fingerprint, repr(dataset)): data})
        monkeypatch.setattr(material, "_split_lists", {})
        job = Job(
            key="job",
            pipeline=pipeline(name),
            dataset=dataset,
            task=describe(dataset, data),
            repeat=0,
            fold=0,
            root_seed=0,
            protocol=Protocol(Splitting("own", 1, 1), budget=Budget("steps", 5, batch_size=16)),
            device="cpu",
            space={},
            tunings=(PlannedTuning(0, SEEDS, (PlannedTrial(0, "trial"),)),),
            cells=(PlannedCell(0, "default", "default", SEEDS), PlannedCell(0, "tuned", "tuned", SEEDS)),
        )
        return [*chain.from_iterable(run_job(job, {}))]

    return outcomes


def two_classes(weights: bool = False) -> TaskData:
    random = np.random.default_rng(0)
    X = pd.DataFrame({"x": random.normal(size=60), "z": random.normal(size=60)})
    y = (np.arange(60) % 2).astype(np.int64)
    of_rows = random.uniform(0.2, 3, 60) if weights else None
    return TaskData(X, y, "binary", ("a", "b"), weights=of_rows)


@pytest.mark.parametrize("name", ["linear", "mlp"])
def test_one_class_among_the_test_rows_leaves_the_metric_open(name: str, run: Run) -> None:
    trial, default, tuned = run(name, two_classes(), range(40), range(40, 56), [56, 58])
    said = "roc_auc is not defined where only one class is present; pooled over the folds"
    assert isinstance(trial.row, Trial) and isinstance(default.row, Record)
    assert (trial.row.status, trial.row.error, trial.row.reason) == ("ok", None, said)
    assert trial.row.validation_error is not None
    record = default.row
    assert (record.status, record.error, record.score, record.reason) == ("ok", None, None, said)
    assert "roc_auc" not in record.scores and "log_loss" in record.scores
    assert record.validation_error is not None and record.test_errors is not None
    assert default.prediction is not None and default.prediction.shape == (2, 2)
    assert isinstance(tuned.row, Record) and tuned.row.status == "ok" and tuned.prediction_of == "default"


def test_one_class_among_the_validation_rows_is_a_failure(run: Run) -> None:
    for outcome in run("linear", two_classes(), range(40), [41, 43], range(44, 60)):
        assert outcome.row.status == "failed"
        assert outcome.row.reason == (
            "roc_auc is not defined where only one class is present, and these are the validation rows"
        )


def test_weights_count_in_every_score(run: Run) -> None:
    data = two_classes(weights=True)
    assert data.weights is not None
    _, outcome, _ = run("linear", data, range(30), range(30, 45), range(45, 60))
    record, test = outcome.row, np.arange(45, 60)
    assert isinstance(record, Record) and outcome.prediction is not None
    for name, score in {**record.scores, "roc_auc": record.score}.items():
        weighted, plain = (
            METRICS[name].score(data.y[test], outcome.prediction, weights)
            for weights in (data.weights[test], None)
        )
        assert score == weighted != plain
    assert record.error == 1 - record.scores["roc_auc"]


def test_a_forecast_has_no_misclassified_rows(run: Run) -> None:
    y = np.random.default_rng(0).normal(size=(60, 3))
    X = pd.DataFrame({"x": y[:, 0]})
    _, outcome, _ = run("linear", TaskData(X, y, "forecasting"), range(30), range(30, 45), range(45, 60))
    record = outcome.row
    assert isinstance(record, Record) and outcome.prediction is not None
    assert record.test_errors is None and set(record.scores) == {"mae", "rmse"}
    assert outcome.prediction.shape == (15, 3)
    assert record.error == METRICS["mae"].error(y[45:], outcome.prediction)
