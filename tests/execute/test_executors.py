"""What every executor does alike when a run cannot go on, and what only worker processes can meet."""

from __future__ import annotations

import dataclasses
import importlib
import multiprocessing
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from benchmark.catalog import open_catalog
from benchmark.errors import RequestError
from benchmark.execute.cell import Outcome, run_job
from benchmark.execute.engine import EXECUTORS, Context
from benchmark.plan.grid import Job, PlannedCell
from benchmark.spec import Budget, Pipeline, Protocol, Record, Seeds, Splitting
from components.estimator.by_task_type import ByTaskType

Execute = Callable[[Job], list[Outcome]]
SEEDS = Seeds(1, 2, 3)


@pytest.fixture
def job(pipeline: Callable[..., Pipeline], real_task: Callable[[str], Any]) -> Job:
    """One cell of a bundled task."""
    return Job(
        key="job",
        pipeline=pipeline("linear"),
        dataset=open_catalog().dataset("iris"),
        task=real_task("iris")[1],
        repeat=0,
        fold=0,
        root_seed=0,
        protocol=Protocol(Splitting(), budget=Budget("steps", 5)),
        device="cpu",
        space={},
        tunings=(),
        cells=(PlannedCell(0, "default", "default", SEEDS),),
    )


@pytest.fixture(params=EXECUTORS)
def execute(request: pytest.FixtureRequest) -> Execute:
    """Runs one job to its end."""
    run = importlib.import_module(EXECUTORS[request.param]).execute
    return lambda job: list(run([[(job, {})]], Context(1, (), ())))


def test_a_job_gives_its_cells(execute: Execute, job: Job) -> None:
    assert [outcome.row.status for outcome in execute(job)] == ["ok"]


def test_what_is_wrong_with_data_stops_the_run(execute: Execute, job: Job) -> None:
    planned = dataclasses.replace(job, task=dataclasses.replace(job.task, fingerprint="another"))
    with pytest.raises(RequestError, match="the data has changed since the study was planned"):
        execute(planned)


def test_a_broken_harness_stops_the_run(execute: Execute, job: Job) -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        execute(dataclasses.replace(job, fold=99))


def test_a_worker_that_cannot_begin_stops_the_run(job: Job) -> None:
    run = importlib.import_module(EXECUTORS["processes"]).execute
    with pytest.raises(RequestError, match="nowhere"):
        list(run([[(job, {})]], Context(1, ("nowhere",), ())))


def test_a_worker_that_dies_between_two_batches_is_replaced(job: Job) -> None:
    def batches() -> Iterator[list[tuple[Job, Any]]]:
        yield [(job, {})]
        for worker in multiprocessing.active_children():
            worker.kill()
            worker.join()
        yield [(dataclasses.replace(job, key="next"), {})]

    run = importlib.import_module(EXECUTORS["processes"]).execute
    assert [outcome.row.status for outcome in run(batches(), Context(1, (), ()))] == ["ok", "ok"]


def test_a_test_prediction_of_the_wrong_shape_is_a_failed_record(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ByTaskType.predict_proba
    monkeypatch.setattr(
        ByTaskType, "predict_proba", lambda self, X: whole(self, X)[: 29 if len(X) == 30 else None]
    )
    (outcome,) = run_job(job, {})
    assert isinstance(outcome.row, Record)
    assert outcome.row.n_test == 0
    assert (outcome.row.status, "ValueError" in outcome.row.reason) == ("failed", True)
