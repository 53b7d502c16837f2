"""What every executor does alike when a run cannot go on, and what only worker processes can meet."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import os
from collections.abc import Callable, Iterator

import psutil
import pytest

from benchmark.errors import RequestError
from benchmark.execute.cell import Done, Outcome, run_job
from benchmark.execute.engine import EXECUTORS, Context
from benchmark.execute.executors.processes import Processes
from benchmark.execute.workers.guard import Guarded
from benchmark.plan.grid import Job, PlannedCell
from benchmark.spec import Budget, Protocol, Record, Seeds, Splitting
from components.estimator.by_task_type import ByTaskType

Execute = Callable[[Job], list[Outcome]]
SEEDS = Seeds(1, 2, 3)


@pytest.fixture
def job(job_of: Callable[..., Job]) -> Job:
    """One cell of a bundled task."""
    return job_of("default", protocol=Protocol(Splitting(), budget=Budget("steps", 5)))


@pytest.fixture(params=["processes", "serial"])
def execute(request: pytest.FixtureRequest) -> Execute:
    """Runs one job to its end, on this machine."""
    module, _, name = EXECUTORS[request.param].partition(":")
    made = getattr(importlib.import_module(module), name)

    def run(job: Job) -> list[Outcome]:
        with made(Context(1, (), ())) as workers:
            return [outcome for some in workers.run(iter([(job, {})])) for outcome in some]

    return run


def workers_of(driver: int) -> list[psutil.Process]:
    """The worker processes of a driver; their parents are guards, and the guards' parent forks them."""
    server = [
        child for child in psutil.Process(driver).children() if "forkserver" in "".join(child.cmdline())
    ]
    guards = [guard for one in server for guard in one.children()]
    return [worker for guard in guards for worker in guard.children()]


@pytest.fixture
def own_workers() -> Callable[[], list[psutil.Process]]:
    """The worker processes that a test has here: outposts of other tests keep theirs."""
    before = workers_of(os.getpid())
    return lambda: [worker for worker in workers_of(os.getpid()) if worker not in before]


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
    with Processes(Context(1, ("nowhere",), ())) as workers, pytest.raises(RequestError, match="nowhere"):
        list(workers.run(iter([(job, {})])))


def test_what_came_before_an_error_is_given_before_it(job: Job) -> None:
    broken = dataclasses.replace(job.task, fingerprint="another")
    jobs = [job, dataclasses.replace(job, key="broken", task=broken)]
    given: list[Outcome] = []
    with Processes(Context(1, (), ())) as workers, pytest.raises(RequestError, match="has changed") as said:
        for some in workers.run((one, {}) for one in jobs):
            given += some
    assert [outcome.row.status for outcome in given] == ["ok"]
    assert "In a worker process" in "".join(said.value.__notes__)


def test_a_worker_that_dies_between_two_runs_is_replaced(
    job: Job, own_workers: Callable[[], list[psutil.Process]]
) -> None:
    with Processes(Context(1, (), ())) as workers:
        for _ in range(2):
            (outcome,) = itertools.chain(*workers.run(iter([(job, {})])))
            assert outcome.row.status == "ok"
            (worker,) = own_workers()
            worker.kill()
            worker.wait()


def test_the_same_job_may_come_again(job: Job) -> None:
    with Processes(Context(1, (), ())) as workers:
        for _ in range(2):
            (outcome,) = itertools.chain(*workers.run(iter([(job, {})])))
            assert outcome.row.status == "ok"


def test_a_run_that_is_left_early_ends_what_runs(
    job: Job, own_workers: Callable[[], list[psutil.Process]]
) -> None:
    jobs = (dataclasses.replace(job, key=str(n), cells=cells(n, 50)) for n in itertools.count())
    with Processes(Context(1, (), ())) as workers:
        run = workers.run((one, {}) for one in jobs)
        next(filter(None, run))
        run.close()  # type: ignore[attr-defined]
        few = dataclasses.replace(job, key="few", cells=cells(-1, 3))
        given = [outcome.row.key for some in workers.run(iter([(few, {})])) for outcome in some]
        assert sorted(given) == [cell.key for cell in few.cells]
    assert not own_workers()


def test_an_interrupt_while_a_worker_is_ended_leaves_nothing(
    job: Job, own_workers: Callable[[], list[psutil.Process]], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupts, end = [KeyboardInterrupt], Guarded.end

    def interrupted(guarded: Guarded) -> None:
        end(guarded)
        if interrupts:
            raise interrupts.pop()

    monkeypatch.setattr(Guarded, "end", interrupted)
    with pytest.raises(KeyboardInterrupt), Processes(Context(1, (), ())) as workers:
        run = workers.run(iter([(dataclasses.replace(job, cells=cells(0, 200)), {})]))
        next(filter(None, run))
        run.close()  # type: ignore[attr-defined]
    assert not own_workers()


def test_jobs_are_pulled_as_they_are_needed(job: Job) -> None:
    pulled, given = 0, 0

    def jobs() -> Iterator[tuple[Job, Done]]:
        nonlocal pulled
        for number in range(40):
            pulled += 1
            # Two assignments a worker; as many may have come in, and are given after the next are pulled.
            assert pulled - given // 4 <= 2 * (2 * 2) + 1
            yield dataclasses.replace(job, key=str(number), cells=cells(number, 4)), {}

    with Processes(Context(2, (), ())) as workers:
        keys = []
        for some in workers.run(jobs()):
            given += len(some)
            keys += [outcome.row.key for outcome in some]
    assert len(keys) == len(set(keys)) == 160


def cells(job: int, count: int) -> tuple[PlannedCell, ...]:
    """Cells of a job, each with a seed of its own."""
    return tuple(PlannedCell(n, "default", f"{job} {n:03}", Seeds(n, 2, 3)) for n in range(count))


def test_a_test_prediction_of_the_wrong_shape_is_a_failed_record(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ByTaskType.predict_proba
    monkeypatch.setattr(
        ByTaskType, "predict_proba", lambda self, X: whole(self, X)[: 29 if len(X) == 30 else None]
    )
    ((outcome,),) = run_job(job, {})
    assert isinstance(outcome.row, Record)
    assert outcome.row.n_test == 0
    assert (outcome.row.status, "ValueError" in outcome.row.reason) == ("failed", True)
