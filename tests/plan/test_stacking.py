"""Which units train together: decided by sizes and declarations, whole, and part of every key."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.plan.grid import Job
from benchmark.plan.stacking import Bounds, bounds_of, refusal, stacked
from benchmark.spec import Budget, Component, Pipeline, Protocol, Range, Task, Tuning


@pytest.fixture
def job(world: Any) -> Callable[..., Job]:
    """The first job of a study whose protocol is changed; three trials and two seeds unless it says more."""

    def planned(bounds: Bounds | None = None, space: Any = None, **protocol: Any) -> Job:
        world.protocol(**{"stacking": "off", **protocol})
        found: Job = world.plan().rows[0].job
        if space is not None:
            found = dataclasses.replace(found, space=space)
        return found if bounds is None else stacked(found, bounds)

    return planned


def labels(job: Job, keys: tuple[str, ...]) -> list[str]:
    names = {trial.key: f"t{trial.number}" for trial in job.trials}
    names |= {cell.key: f"{cell.setting[0]}{cell.seed}" for cell in job.cells}
    return [names[key] for key in keys]


def shown(job: Job) -> list[list[str]]:
    return [labels(job, stack) for stack in job.stacks]


def test_trials_start_with_the_default_cells_and_the_tuned_cells_follow(job: Callable[..., Job]) -> None:
    assert shown(job(Bounds(2, 99))) == [["t0", "t1", "t2", "d0", "d1"], ["t0", "t1"]]


def test_only_the_same_setting_stacks_where_the_search_changes_more(job: Callable[..., Job]) -> None:
    wide = {"optimizer.lr": Range(0, 1), "architecture.width": Range(8, 64, integer=True)}
    assert shown(job(Bounds(2, 99), wide)) == [["t0", "d0", "d1"], ["t0", "t1"]]
    tunings = Tuning(3, repeats=2)
    assert shown(job(Bounds(2, 99), wide, tuning=tunings, seeds=4)) == [
        ["t0", "t0", "d0", "d1", "d2", "d3"],
        ["t0", "t2"],
        ["t1", "t3"],
    ]


def test_trials_that_look_at_results_run_alone(job: Callable[..., Job]) -> None:
    assert shown(job(Bounds(2, 99), tuning=Tuning(3, "tpe"))) == [["d0", "d1"], ["t0", "t1"]]


def test_nothing_is_tuned_where_there_is_one_trial(job: Callable[..., Job]) -> None:
    assert shown(job(Bounds(2, 99), tuning=Tuning(1))) == [["t0", "d0", "d1"]]


@given(
    trials=st.integers(1, 40),
    seeds=st.integers(1, 12),
    fewest=st.integers(2, 6),
    most=st.integers(12, 20),
)
@settings(max_examples=40, deadline=None)
def test_stacks_are_even_and_every_unit_is_in_one_at_most(
    trials: int, seeds: int, fewest: int, most: int
) -> None:
    found = stacked(_job(trials, seeds), Bounds(fewest, most))
    sizes = [len(stack) for stack in found.stacks]
    assert all(fewest <= size <= most for size in sizes)
    together = [key for stack in found.stacks for key in stack]
    everything = [trial.key for trial in found.trials] + [cell.key for cell in found.cells]
    assert len(set(together)) == len(together) and set(together) <= set(everything)
    assert len(set(everything)) == len(everything) == trials + 2 * seeds
    first = [size for size, stack in zip(sizes, found.stacks, strict=True) if stack[0] == everything[0]]
    if trials + seeds >= fewest * 2:
        assert first and first[0] >= min(most, trials + seeds) // 2


def _job(trials: int, seeds: int) -> Job:
    from tests.plan.conftest import World

    world = World()
    world.protocol(stacking="off", tuning=Tuning(trials), seeds=seeds)
    found: Job = world.plan().rows[0].job
    return found


def test_keys_hold_the_composition_and_what_rests_on_it(job: Callable[..., Job]) -> None:
    alone, together = job(), job(Bounds(2, 99))
    assert job(Bounds(2, 99)) == together and together.key != alone.key
    before = {trial.key for trial in alone.trials} | {cell.key for cell in alone.cells}
    after = {trial.key for trial in together.trials} | {cell.key for cell in together.cells}
    assert not before & after
    longer = job(Bounds(2, 99), seeds=3)
    assert not after & ({trial.key for trial in longer.trials} | {cell.key for cell in longer.cells})
    # Tuned cells that train alone rest on trials that did not.
    apart = job(Bounds(4, 99), seeds=2)
    assert shown(apart) == [["t0", "t1", "t2", "d0", "d1"]]
    assert not {cell.key for cell in apart.cells} & (before | after - {c.key for c in together.cells[::2]})


def test_too_small_a_stack_is_none(job: Callable[..., Job]) -> None:
    assert job(Bounds(6, 99)) == job()


def test_a_plan_stacks_as_its_protocol_says(world: Any) -> None:
    world.protocol(stacking="on")
    on = world.plan().rows
    assert all(row.job.stacks for row in on if row.host)
    assert not any(row.job.stacks for row in on if not row.host)
    for stacking in ("auto", "off"):
        world.protocol(stacking=stacking)
        assert not any(row.job.stacks for row in world.plan().rows)


Part = Callable[..., Component]


def sized(make_pipeline: Callable[..., Pipeline], make_part: Part, width: int, *needs: str) -> Pipeline:
    built = make_part("architecture", "a", width="d", needs=needs)
    return make_pipeline("p", architecture=dataclasses.replace(built, make={**built.make, "d": width}))


def test_auto_takes_small_networks_on_a_cpu_and_all_on_a_gpu(
    make_pipeline: Callable[..., Pipeline], make_part: Part, make_task: Callable[..., Task]
) -> None:
    def bounds(width: int, device: str = "cpu", *needs: str, **facts: Any) -> Bounds | None:
        whole = sized(make_pipeline, make_part, width, *needs)
        return bounds_of(whole, make_task("t", **facts), Protocol(), device)

    assert bounds(32) == Bounds(8, 16)
    assert bounds(45) is not None and bounds(46) is None and bounds(64) is None
    assert bounds(32, "cpu", "columns:200", n_features=2) is not None
    assert bounds(32, "cpu", "columns:200", n_features=3) is None
    assert bounds(256, "cuda") == Bounds(2, 128)
    assert bounds(64, "cuda", n_classes=60_000) == Bounds(2, 8)
    assert bounds(64, "cuda", n_classes=600_000) is None


def test_on_takes_whatever_can_be_stacked(
    make_pipeline: Callable[..., Pipeline], make_part: Part, make_task: Callable[..., Task]
) -> None:
    protocol = Protocol(stacking="on")
    assert bounds_of(sized(make_pipeline, make_part, 256), make_task("t"), protocol, "cpu") == Bounds(2, 16)


@pytest.mark.parametrize(
    ("slot", "need", "reason"),
    [
        ("optimizer", "closure", "x makes its gradients itself"),
        ("optimizer", "attention_logits", "x looks into its network"),
        ("architecture", "alone", "x cannot be batched"),
    ],
)
def test_what_a_component_needs_can_forbid_it(
    make_pipeline: Callable[..., Pipeline], make_part: Part, slot: str, need: str, reason: str
) -> None:
    assert refusal(make_pipeline("p", **{slot: make_part(slot, "x", needs=(need,))}), Protocol()) == reason


def test_a_protocol_can_forbid_it(make_pipeline: Callable[..., Pipeline]) -> None:
    whole = make_pipeline("p")
    assert refusal(whole, Protocol()) == ""
    assert "seconds" in refusal(whole, Protocol(budget=Budget("seconds", 1)))
    assert "precisions" in refusal(whole, Protocol(precision="bfloat16"))
    assert refusal(dataclasses.replace(whole, family="boosting"), Protocol()) != ""
