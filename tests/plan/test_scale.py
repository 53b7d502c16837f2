"""Planning stays linear: sixteen times the cells take sixteen times as long, and not 256 times."""

from __future__ import annotations

import copy
import dataclasses
import sys
from collections.abc import Callable
from typing import Any

import pytest

from benchmark.plan.cost import job_seconds
from benchmark.spec import SplitFacts, Tuning

Seconds = Callable[[Callable[[], object]], float]


def calls(work: Callable[[], object]) -> int:
    """How many functions ``work`` calls, those of C too: the same number every time."""
    count = 0

    def called(_: object, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def sized(
    world: Any, *, tasks: int = 1, folds: int = 2, arms: int = 1, seeds: int = 2, trials: int = 3
) -> Any:
    """The world with so many of each."""
    made = copy.deepcopy(world)
    names = [f"t{n}" for n in range(tasks)]
    made.tasks = {name: dataclasses.replace(world.tasks["t"], name=name) for name in names}
    made.splits = {
        name: [SplitFacts(0, fold, f"{name}{fold}", 1, 1, 1) for fold in range(folds)] for name in names
    }
    candidates = [f"new{n}" for n in range(arms)]
    made.components |= {name: world.components["new"] for name in candidates}
    made.study = dataclasses.replace(world.study, tasks=tuple(names), candidates=tuple(candidates))
    made.protocol(seeds=seeds, tuning=Tuning(trials))
    return made


@pytest.mark.parametrize("axis", ["tasks", "folds", "arms", "seeds", "trials"])
def test_planning_is_linear_in_every_axis(world: Any, axis: str, seconds: Seconds) -> None:
    small, large = (seconds(sized(world, **{axis: size}).plan) for size in (20, 320))
    assert large < 64 * small


def test_estimating_is_linear(world: Any, seconds: Seconds) -> None:
    few, many = (sized(world, tasks=size).plan() for size in (20, 320))
    assert seconds(lambda: job_seconds(many, {})) < 64 * seconds(lambda: job_seconds(few, {}))


def test_a_cell_costs_few_calls(world: Any) -> None:
    few, many = (sized(world, seeds=seeds, arms=30) for seeds in (2, 12))
    fits = [sum(row.job.fits for row in made.plan().rows) for made in (few, many)]
    assert (calls(many.plan) - calls(few.plan)) / (fits[1] - fits[0]) < 14  # ten for its key and itself
