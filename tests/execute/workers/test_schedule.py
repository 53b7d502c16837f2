"""Which groups of units are given out next: nothing twice, nothing lost, the costliest job first."""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.catalog import open_catalog
from benchmark.execute.cell import Group, Outcome, unfinished
from benchmark.execute.workers.schedule import OpenJob, Schedule
from benchmark.execute.workers.watch import Death
from benchmark.plan.grid import Job, PlannedCell, PlannedTrial, PlannedTuning
from benchmark.spec import Limits, Pipeline, Protocol, Record, Seeds, Trial

SEEDS = Seeds(1, 2, 3)
DIED = Death("crashed", "it died", final=False, group="", said="last words")


@pytest.fixture(scope="module")
def make_job(pipeline: Callable[..., Pipeline], real_task: Callable[[str], Any]) -> Callable[..., Job]:
    """Makes a job of some trials, and of two cells by their setting and the default one for each seed."""

    def make(name: str, n_trials: int = 2, n_seeds: int = 2, retries: int = 2) -> Job:
        trials = tuple(PlannedTrial(n, f"{name} trial {n}") for n in range(n_trials))
        cells = (
            PlannedCell(seed, setting, f"{name} {setting} {seed}", SEEDS)
            for seed in range(n_seeds)
            for setting in ("default", "tuned")
        )
        return Job(
            key=name,
            pipeline=pipeline("linear"),
            dataset=open_catalog().dataset("iris"),
            task=real_task("iris")[1],
            repeat=0,
            fold=0,
            root_seed=0,
            protocol=Protocol(limits=Limits(retries=retries)),
            device="cpu",
            space={},
            tunings=(PlannedTuning(0, SEEDS, trials),),
            cells=tuple(cells),
        )

    return make


def run(found: OpenJob, group: Group) -> list[Outcome]:
    """Outcomes as a worker would send them."""
    (key,) = group
    if "trial" in key:
        return [Outcome(Trial(key, int(key[-1]), {}, "ok", "", 0.1, 0.1, 1.0))]
    return [Outcome(Record(key=key, status="ok", metric=found.job.task.metric))]


def test_a_worker_stays_at_its_job_and_then_gets_the_next(make_job: Callable[..., Job]) -> None:
    schedule = Schedule(((make_job(name), {}) for name in "ab"), 0.1)
    given = []
    at = ""
    while (taken := schedule.take(at)) is not None:
        found, groups = taken
        at = found.job.key
        given += [at]
        schedule.enter(found, groups, run(found, groups[0]), seconds=1.0)
    assert given == ["a"] * 6 + ["b"] * 6
    assert schedule.is_finished()


def test_what_was_counted_before_comes_before_what_is_new(make_job: Callable[..., Job]) -> None:
    schedule = Schedule(((make_job(name), {}) for name in "abc"), 0.1)
    assert schedule.has_free(5)  # two trials and two default cells of a, and some of b
    first, second, third = (schedule.take() for _ in range(3))
    assert first and second and third
    assert [found.job.key for found, _ in (first, second, third)] == ["a", "b", "c"]


def test_nobody_waits_for_the_last_job(make_job: Callable[..., Job]) -> None:
    schedule = Schedule(iter([(make_job("a"), {})]), 0.1)
    taken = [schedule.take(at) for at in ("a", "", "elsewhere", "")]
    keys = [groups for each in taken if each for groups in each[1]]
    assert keys == [("a trial 0",), ("a trial 1",), ("a default 0",), ("a default 1",)]
    assert schedule.take() is None


def test_what_is_short_is_given_out_together(make_job: Callable[..., Job]) -> None:
    schedule = Schedule(iter([(make_job("a", 9), {}), (make_job("b", 9), {})]), 0.1)
    found, groups = schedule.take() or pytest.fail()
    assert len(groups) == 1, "nobody knows how long it takes"
    schedule.enter(found, groups, run(found, groups[0]), seconds=0.025)
    assert len((schedule.take("a") or pytest.fail())[1]) == 4
    assert len((schedule.take("") or pytest.fail())[1]) == 4, "like what was heard of last"
    found.seconds = math.inf
    assert len((schedule.take("a") or pytest.fail())[1]) == 1


def test_a_short_job_is_given_out_as_a_whole_and_in_order(make_job: Callable[..., Job]) -> None:
    schedule = Schedule(iter([(make_job("a"), {}), (make_job("b", 1, 1), {})]), 0.1)
    found, groups = schedule.take() or pytest.fail()
    schedule.enter(found, groups, run(found, groups[0]), seconds=0.001)
    found, groups = schedule.take("a") or pytest.fail()
    assert [key for (key,) in groups] == ["a trial 1", "a default 0", "a default 1", "a tuned 0", "a tuned 1"]
    _, whole = schedule.take("") or pytest.fail()
    assert [key for (key,) in whole] == ["b trial 0", "b default 0", "b tuned 0"]
    schedule.enter(found, groups, run(found, groups[0]), seconds=1.0)  # its slice of time was over
    again = [schedule.take("a") or pytest.fail() for _ in range(2)]
    assert [keys for _, keys in again] == [(("a default 0",),), (("a default 1",),)]
    assert schedule.take("a") is None, "tuned cells rest on what is running"


def test_a_group_that_dies_is_tried_again_and_then_recorded(make_job: Callable[..., Job]) -> None:
    schedule = Schedule(iter([(make_job("a", retries=2), {})]), 0.1)
    for _ in range(2):
        found, (group,) = schedule.take() or pytest.fail()
        assert group == ("a trial 0",)
        schedule.give_back(found, [group])
        assert schedule.bury(found, group, DIED) == ()
    found, (group,) = schedule.take() or pytest.fail()
    schedule.give_back(found, [group])
    (outcome,) = schedule.bury(found, group, DIED)
    assert (outcome.row.status, outcome.row.reason) == ("crashed", "it died, the last of 3 tries")
    _, (group,) = schedule.take() or pytest.fail()
    assert group == ("a trial 1",)


def test_a_limit_is_not_tried_again(make_job: Callable[..., Job]) -> None:
    schedule = Schedule(iter([(make_job("a", retries=2), {})]), 0.1)
    found, (group,) = schedule.take() or pytest.fail()
    schedule.give_back(found, [group])
    (outcome,) = schedule.bury(found, group, dataclasses.replace(DIED, status="timeout", final=True))
    assert (outcome.row.status, outcome.row.reason) == ("timeout", "it died")


def test_what_can_never_start_is_an_error(make_job: Callable[..., Job]) -> None:
    job = make_job("a")
    stuck = dataclasses.replace(job, stacks=(("a trial 0", "a tuned 0"),))
    done = {key: run(OpenJob(job, {}, set()), (key,))[0].row for key in ("a trial 1", "a default 0")}
    schedule = Schedule(iter([(stuck, done)]), 0.1)
    found, groups = schedule.take() or pytest.fail()
    schedule.enter(found, groups, run(found, groups[0]), seconds=1.0)
    with pytest.raises(RuntimeError, match="can never start"):
        schedule.is_finished()


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32))
def test_every_unit_is_given_out_until_it_is_done(seed: int, make_job: Callable[..., Job]) -> None:
    chance = random.Random(seed)
    jobs = [make_job(str(n), chance.randint(1, 4), chance.randint(1, 3)) for n in range(3)]
    schedule = Schedule(((job, {}) for job in jobs), 0.1)
    out: list[tuple[OpenJob, tuple[Group, ...]]] = []
    ended: list[str] = []
    while out or not schedule.is_finished():
        if (not out or chance.random() < 0.6) and (taken := schedule.take(chance.choice("012 "))):
            out.append(taken)
            running = [group for _, groups in out for group in groups]
            assert len(running) == len(set(running)), "nothing runs twice at a time"
        elif out:
            found, groups = out.pop(chance.randrange(len(out)))
            outcomes = [outcome for group in groups[: chance.randint(0, 9)] for outcome in run(found, group)]
            schedule.enter(found, groups, outcomes, seconds=chance.random())
            ended += [outcome.row.key for outcome in outcomes]
    keys = [key for job in jobs for key in unfinished(job, {})]
    assert sorted(ended) == sorted(keys)
