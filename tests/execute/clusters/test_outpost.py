"""A worker away from its driver, here in this process: what it tells, keeps, refuses and gives up."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmark.errors import RequestError
from benchmark.execute.clusters.outpost import Outpost, Report
from benchmark.execute.engine import Context
from benchmark.plan.grid import Job
from benchmark.records.provenance import machine


@pytest.fixture
def job(job_of: Callable[..., Job]) -> Job:
    """Two cells of a bundled task."""
    return job_of("cell 0", "cell 1")


@pytest.fixture(scope="module")
def outpost() -> Outpost:
    """One that nobody ends before the tests do."""
    return Outpost(Context(1, (), ()), Path.cwd(), linger=600, end=lambda: None)


def reports(outpost: Outpost, confirmed: int) -> Iterator[Report]:
    """What it says, everything confirmed, until it has no job."""
    while True:
        report = outpost.take(confirmed)
        confirmed = report.count
        yield report
        if not report.job:
            return


def keys(report: Report) -> list[str]:
    return [outcome.row.key for outcomes in report.outcomes for outcome in outcomes]


def test_it_keeps_what_is_not_confirmed(outpost: Outpost, job: Job) -> None:
    before = outpost.take(0, patience=0).count
    outpost.give(job, {})
    while outpost.take(before).job:
        time.sleep(0.01)
    first, again = outpost.take(before), outpost.take(before, patience=0)
    assert keys(first) == keys(again) == ["cell 0", "cell 1"]
    assert keys(outpost.take(first.count, patience=0)) == []


def test_it_says_on_which_machine_it_computes(outpost: Outpost, job: Job) -> None:
    confirmed = outpost.take(0, patience=0).count
    outpost.give(job, {})
    told = [outcome for report in reports(outpost, confirmed) for some in report.outcomes for outcome in some]
    assert [outcome.machine for outcome in told] == [machine("cpu")] * 2


def test_it_works_off_every_job_and_says_which_it_is_at(outpost: Outpost, job: Job) -> None:
    confirmed = outpost.take(0, patience=0).count
    for name in "ab":
        cells = tuple(cell._replace(key=f"{name} {cell.seed}") for cell in job.cells)
        outpost.give(dataclasses.replace(job, key=name, cells=cells), {})
    assert outpost.take(confirmed, patience=0).job == "a"
    told = list(reports(outpost, confirmed))
    assert [key for report in told for key in keys(report)] == ["a 0", "a 1", "b 0", "b 1"]
    assert [report.error for report in told] == [None] * len(told)


def test_it_answers_at_once_when_there_is_news_and_in_time_when_there_is_none(
    outpost: Outpost, job: Job
) -> None:
    confirmed = outpost.take(0, patience=0).count
    start = time.monotonic()
    assert outpost.take(confirmed, patience=0.2).outcomes == ()
    assert 0.2 <= time.monotonic() - start < 5
    threading.Timer(0.1, outpost.give, (job, {})).start()
    assert outpost.take(confirmed, patience=60).outcomes
    assert time.monotonic() - start < 30
    assert not list(reports(outpost, confirmed))[-1].job


@pytest.mark.parametrize(
    ("part", "reason"),
    [("code", "the code of estimator 'linear' is not what the study was planned with"), ("file", "not what")],
)
def test_it_does_not_run_other_code_than_was_planned(job: Job, part: str, reason: str) -> None:
    estimator = job.pipeline.components["estimator"]
    absent = {"make": {"_target_": "/nowhere/mine.py:Mine"}} if part == "file" else {"code": "another"}
    other = job.pipeline.swap(dataclasses.replace(estimator, **absent))
    outpost = Outpost(Context(1, (), ()), Path.cwd(), linger=600, end=lambda: None)
    outpost.give(dataclasses.replace(job, pipeline=other), {})
    error = outpost.take(0, patience=60).error
    assert isinstance(error, RequestError)
    assert reason in str(error) and "\n" not in str(error)


def test_it_says_why_it_cannot_begin() -> None:
    error = (
        Outpost(Context(1, ("nowhere",), ()), Path.cwd(), linger=600, end=lambda: None)
        .take(0, patience=60)
        .error
    )
    assert isinstance(error, RequestError)
    assert "nowhere" in str(error)


def test_it_ends_when_no_driver_asks_any_more() -> None:
    ended = threading.Event()
    outpost = Outpost(Context(1, (), ()), Path.cwd(), linger=0.6, end=ended.set)
    for _ in range(6):
        time.sleep(0.2)
        outpost.take(0, patience=0)
    assert not ended.is_set()
    assert ended.wait(30)
