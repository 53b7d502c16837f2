"""Which units of a job can start."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from benchmark.execute.cell import ready
from benchmark.plan.grid import Job, PlannedCell, PlannedTrial, PlannedTuning
from benchmark.spec import Record, Seeds, Trial

SEEDS = Seeds(1, 2, 3)


@pytest.fixture
def planned(job_of: Callable[..., Job]) -> Job:
    """Three trials, and one cell in either setting."""
    return job_of(
        tunings=(PlannedTuning(0, SEEDS, tuple(PlannedTrial(n, f"t{n}") for n in range(3))),),
        cells=(PlannedCell(0, "default", "default", SEEDS), PlannedCell(0, "tuned", "tuned", SEEDS)),
    )


@pytest.mark.parametrize("sampler, first", [("sobol", 3), ("tpe", 1)])
def test_a_unit_is_ready_when_what_it_rests_on_is_done(planned: Job, sampler: str, first: int) -> None:
    tuning = dataclasses.replace(planned.protocol.tuning, sampler=sampler)
    job = dataclasses.replace(planned, protocol=dataclasses.replace(planned.protocol, tuning=tuning))
    trials, cells = [t.key for t in job.trials], [c.key for c in job.cells]
    assert ready(job, {}) == [*((key,) for key in trials[:first]), ("default",)]
    done: dict[str, Any] = {key: Trial(key, n, {}, "ok") for n, key in enumerate(trials)}
    assert ready(job, done) == [("default",)]  # its twin in default comes before the tuned cell
    assert ready(job, {**done, "default": Record("default", "ok")}) == [("tuned",)]
    assert ready(job, {key: Record(key, "ok") for key in cells}) == []


def test_a_stack_is_ready_as_a_whole_with_the_members_that_are_done(planned: Job) -> None:
    job = dataclasses.replace(planned, stacks=(("t0", "t1", "t2", "default"),))
    assert ready(job, {"t1": Trial("t1", 1, {}, "ok")}) == [("t0", "t1", "t2", "default")]
