"""How long a plan should take."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from benchmark.plan.cost import job_seconds, total
from benchmark.spec import Budget


def test_nothing_known_is_all_assumed(world: Any) -> None:
    cost = total(world.plan(), {})
    assert cost.measured == 0 and cost.seconds > 0
    assert cost.fits == sum(len(job.trials) + len(job.cells) for job in world.plan().jobs())


def test_history_takes_the_place_of_assumptions(world: Any) -> None:
    plan = world.plan()
    history = {(row.arm.component, row.host, row.job.task.name): 2.0 for row in plan.rows}
    cost = total(plan, history)
    assert (cost.measured, cost.seconds) == (1.0, 2.0 * cost.fits)
    seconds = job_seconds(plan, history)
    assert seconds == {job.key: 2.0 * (len(job.trials) + len(job.cells)) for job in plan.jobs()}


def test_what_is_known_of_one_arm_is_known_of_its_twin(world: Any) -> None:
    world.components["twin"] = (dataclasses.replace(world.components["new"][0], name="twin"),)
    world.study = dataclasses.replace(world.study, candidates=("new", "twin"))
    history = {("new", host, task): 5.0 for host in ("mlp", "net") for task in ("t", "u")}
    first = total(world.plan(), history)
    world.study = dataclasses.replace(world.study, candidates=("twin", "new"))
    assert total(world.plan(), history) == first
    assert first.measured > 0


@pytest.mark.parametrize("unit", ["epochs", "steps", "seconds"])
def test_more_budget_costs_more(world: Any, unit: str) -> None:
    costs = []
    for amount in (10.0, 20.0):
        world.protocol(budget=Budget(unit, amount))
        costs.append(total(world.plan(), {}).seconds)
    assert costs[0] < costs[1]


def test_a_budget_in_seconds_is_the_estimate(world: Any) -> None:
    world.protocol(budget=Budget("seconds", 3.0))
    neural = {job.key: len(job.trials) + len(job.cells) for job in world.plan().jobs() if job.space}
    seconds = job_seconds(world.plan(), {})
    assert all(seconds[key] == 3.0 * fits for key, fits in neural.items())


def test_an_empty_plan_costs_nothing(world: Any) -> None:
    world.study = dataclasses.replace(world.study, tasks=())
    cost = total(world.plan(), {})
    assert (cost.fits, cost.seconds, cost.measured) == (0, 0, 0.0)
