"""The plan: order, refusals, and one job for one computation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from benchmark.plan.grid import arms
from benchmark.spec import Pipeline, Range, Tuning


def test_order_is_task_host_arm_split_and_never_moves(world: Any) -> None:
    plan = world.plan()
    order = [(row.job.task.name, row.host, row.arm, row.job.fold) for row in plan.rows]
    wanted = [
        (task, host, arm, fold)
        for task in world.study.tasks
        for host, members in (
            *((host, arms(world.study)) for host in world.study.hosts),
            ("", [row.arm for row in plan.rows if row.arm.role == "reference"][:1]),
        )
        for arm in members
        for fold in (0, 1)
    ]
    assert order == wanted
    assert world.plan() == plan


def test_every_combination_is_a_row_or_a_refusal(world: Any) -> None:
    world.components["new"] = (dataclasses.replace(world.components["new"][0], needs=("task:regression",)),)
    world.tasks["u"] = dataclasses.replace(world.tasks["u"], task_type="regression")
    plan = world.plan()
    planned = {(row.arm.component, row.arm.role, row.host, row.job.task.name) for row in plan.rows}
    refused = {(r.component, r.role, r.host, r.task) for r in plan.refused}
    everything = {
        (arm.component, arm.role, host, task)
        for task in ("t", "u")
        for host in ("mlp", "net")
        for arm in arms(world.study)
    } | {("featureless", "reference", "", task) for task in ("t", "u")}
    assert planned | refused == everything and not planned & refused
    assert {(r.component, r.host, r.task, r.reason) for r in plan.refused} == {
        ("new", host, "t", "new is not for binary tasks") for host in ("mlp", "net")
    }


def test_an_optimizer_that_needs_roles_runs_where_they_are_given(world: Any) -> None:
    world.components["new"] = (dataclasses.replace(world.components["new"][0], needs=("roles",)),)
    net = world.hosts["net"]
    giving = dataclasses.replace(net.components["architecture"], gives=("roles",))
    world.hosts["net"] = net.swap(giving)
    plan = world.plan()
    assert {row.host for row in plan.rows if row.arm.component == "new"} == {"net"}
    assert {r.reason for r in plan.refused} == {"new needs roles, which own-architecture does not give"}


def test_an_activation_goes_only_where_one_is_asked_for(world: Any, make_part: Callable[..., Any]) -> None:
    world.study = dataclasses.replace(world.study, slots=("activation",))
    world.components = {name: (make_part("activation", name, code=name),) for name in ("old", "new")}
    net = world.hosts["net"]
    asking = dataclasses.replace(net.components["architecture"], needs=("activation",))
    world.hosts["net"] = net.swap(asking)
    plan = world.plan()
    assert {row.host for row in plan.rows if row.host} == {"net"}
    assert {r.reason for r in plan.refused} == {"architecture own-architecture has an activation of its own"}


def test_a_missing_package_stays_in_the_plan_with_its_reason(world: Any) -> None:
    world.missing = {"new": "the package 'x' is not installed"}
    plan = world.plan()
    assert {(r.component, r.reason) for r in plan.refused} == {("new", "the package 'x' is not installed")}
    assert "new" not in {row.arm.component for row in plan.rows}


def test_jobs_are_run_once_whoever_asks(world: Any) -> None:
    world.components["twin"] = (dataclasses.replace(world.components["new"][0], name="twin"),)
    world.study = dataclasses.replace(world.study, candidates=("new", "twin"))
    plan = world.plan()
    keys = [job.key for job in plan.jobs()]
    assert len(keys) == len(set(keys)) == len(plan.rows) - 2 * 2 * 2


def test_one_host_twice_under_two_names_is_one_computation(world: Any) -> None:
    world.hosts["net"] = dataclasses.replace(world.hosts["mlp"], name="net")
    plan = world.plan()
    by_host = {host: [row.job.key for row in plan.rows if row.host == host] for host in ("mlp", "net")}
    assert by_host["mlp"] == by_host["net"]


def test_every_arm_gets_the_same_trials(world: Any) -> None:
    trials = {len(row.job.trials) for row in world.plan().rows if row.host}
    assert trials == {world.study.protocol.tuning.trials}


def test_every_tuning_study_is_one_of_its_own_and_the_seeds_share_them_out(world: Any) -> None:
    world.protocol(seeds=5, tuning=Tuning(3, repeats=2))
    job = next(row.job for row in world.plan().rows if row.host)
    assert [[trial.number for trial in tuning.trials] for tuning in job.tunings] == [[0, 1, 2], [0, 1, 2]]
    assert len({trial.key for trial in job.trials}) == 6
    first, second = job.tunings
    assert first.sampler_seed != second.sampler_seed and first.seeds != second.seeds
    used = {(cell.setting, cell.seed): cell.tuning for cell in job.cells}
    assert [used["tuned", seed] for seed in range(5)] == [0, 1, 0, 1, 0]
    assert [used["default", seed] for seed in range(5)] == [0] * 5


@pytest.mark.parametrize("tuning", [Tuning(1, repeats=2), Tuning(3, repeats=2)])
def test_where_nothing_is_searched_one_tuning_study_does(world: Any, tuning: Tuning) -> None:
    world.protocol(tuning=tuning)
    reference = next(row.job for row in world.plan().rows if not row.host)
    assert len(reference.tunings) == 1 and {cell.tuning for cell in reference.cells} == {0}
    searched = {len(row.job.tunings) for row in world.plan().rows if row.host}
    assert searched == {1 if tuning.trials == 1 else 2}


def test_what_has_no_space_is_tried_once(world: Any) -> None:
    world.components["new"] = (dataclasses.replace(world.components["new"][0], space={}),)
    assert {len(row.job.trials) for row in world.plan().rows if row.arm.component == "new"} == {1}


@pytest.mark.parametrize(
    ("what", "slots"),
    [
        ("slot", {"optimizer"}),
        ("host", {"preprocessor", "architecture", "activation", "loss", "schedule"}),
        ("joint", {"preprocessor", "architecture", "activation", "loss", "optimizer", "schedule"}),
    ],
)
def test_what_is_tuned(world: Any, what: str, slots: set[str]) -> None:
    world.protocol(tuning=Tuning(3, what=what))
    for row in world.plan().rows:
        if row.host:
            assert {path.partition(".")[0] for path in row.job.space} == slots


def test_a_reference_is_tuned_as_a_whole(world: Any, make_part: Callable[..., Any]) -> None:
    parts = {"preprocessor": make_part("preprocessor", "p"), "estimator": make_part("estimator", "e")}
    world.references = {"featureless": Pipeline("featureless", "estimator", parts)}
    spaces = [set(row.job.space) for row in world.plan().rows if row.arm.role == "reference"]
    assert all(space == {"preprocessor.lr", "estimator.lr"} for space in spaces)


def test_a_component_that_fills_two_slots_is_searched_once(world: Any, make_part: Callable[..., Any]) -> None:
    world.components["new"] = (
        make_part("optimizer", "new", fills=("optimizer", "schedule"), space={"lr": Range(0.001, 1)}),
    )
    for row in world.plan().rows:
        if row.arm.component == "new":
            assert row.job.pipeline.components["schedule"].name == "new"
            assert set(row.job.space) == {"optimizer.lr"}


def test_arms_are_baselines_their_replicates_and_candidates(world: Any) -> None:
    world.protocol(aa=2)
    assert [(arm.role, arm.component, arm.replicate) for arm in arms(world.study)] == [
        ("baseline", "old", 0),
        ("aa", "old", 1),
        ("aa", "old", 2),
        ("candidate", "new", 0),
    ]


def test_an_arm_of_two_slots_is_swapped_and_searched_as_a_whole(
    world: Any, make_part: Callable[..., Any]
) -> None:
    world.study = dataclasses.replace(
        world.study, slots=("optimizer", "schedule"), baselines=("old+flat",), candidates=("new+steep",)
    )
    (old,), (new,) = world.components["old"], world.components["new"]
    flat, steep = (make_part("schedule", name, code=name) for name in ("flat", "steep"))
    world.components = {"old+flat": (old, flat), "new+steep": (new, steep)}
    rows = [row for row in world.plan().rows if row.arm.component == "new+steep"]
    assert rows and not world.plan().refused
    for row in rows:
        assert row.slot == "optimizer+schedule"
        assert (row.job.pipeline.components["optimizer"], row.job.pipeline.components["schedule"]) == (
            new,
            steep,
        )
        assert set(row.job.space) == {"optimizer.lr", "schedule.lr"}
    greedy = dataclasses.replace(new, fills=("optimizer", "schedule"))
    world.components["new+steep"] = (greedy, steep)
    assert {refusal.reason for refusal in world.plan().refused} == {
        "new fills schedule too, and leaves no place for steep"
    }


def test_a_reference_stands_beside_its_own_kind_of_task_alone(world: Any) -> None:
    reference = world.references["featureless"]
    for needs in (("task:language",), ("modality:text",)):
        estimator = dataclasses.replace(reference.components["estimator"], needs=needs)
        world.references["featureless"] = reference.swap(estimator)
        plan = world.plan()
        assert not plan.refused and all(row.arm.role != "reference" for row in plan.rows)
    world.references["featureless"] = reference.swap(
        dataclasses.replace(reference.components["estimator"], needs=("rows:1",))
    )
    assert {refusal.role for refusal in world.plan().refused} == {"reference"}
