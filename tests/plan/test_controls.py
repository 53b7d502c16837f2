"""Controls in the plan: an arm again, in its default setting, with keys of its own."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from benchmark.plan.controls import control_reason, run_controls, seeds_of
from benchmark.plan.cost import total
from benchmark.plan.seeds import control_seed
from benchmark.spec import CONTROLS, Protocol


def test_controls_are_default_cells_alone_and_what_is_paired_the_baselines(world: Any) -> None:
    world.protocol(controls=CONTROLS)
    rows = [row for row in world.plan().rows if row.arm.role == "control"]
    assert {(row.arm.component, row.arm.control, row.arm.replicate) for row in rows} == {
        ("old", "permuted", 0),
        ("old", "handicapped", 0),
        ("new", "permuted", 0),
    }
    assert all(row.job.control == row.arm.control and not row.job.trials for row in rows)
    cells = [
        (row.arm.control, cell.setting, cell.seed, cell.control) for row in rows for cell, _ in row.cells()
    ]
    assert set(cells) == {
        ("permuted", "default", 0, "permuted"),
        ("handicapped", "default", 0, "handicapped"),
        ("handicapped", "default", 1, "handicapped"),
    }
    assert len(rows) == 2 * 2 * 2 * 3


def test_controls_move_no_other_key_and_have_their_own(world: Any) -> None:
    before = world.keys()
    world.protocol(controls=CONTROLS)
    after = world.keys()
    assert {place: key for place, key in after.items() if place[0] not in CONTROLS} == before
    ours = [key for place, key in after.items() if place[0] in CONTROLS]
    assert len(set(ours)) == len(ours) == 2 * 2 * 2 * (1 + 2 + 1) and not {*ours} & {*before.values()}


def test_another_root_permutes_otherwise(world: Any) -> None:
    world.protocol(controls=("permuted",))
    before = {row.job.control_seed for row in world.plan().rows if row.arm.control}
    world.study = dataclasses.replace(world.study, seed=1)
    after = {row.job.control_seed for row in world.plan().rows if row.arm.control}
    assert (
        len(before) == len(after) == 2 * 2 and not before & after
    )  # one for a task and split, whatever the host
    assert control_seed(0, "x", 0, 1, "permuted") != control_seed(0, "x", 0, 1, "handicapped")


def test_where_permuted_labels_say_nothing_the_plan_says_so(world: Any) -> None:
    world.protocol(controls=CONTROLS)
    world.tasks["u"] = dataclasses.replace(world.tasks["u"], task_type="forecasting")
    plan = world.plan()
    refused = {(one.component, one.role, one.task) for one in plan.refused}
    assert (
        refused == {("old", "control", "u"), ("new", "control", "u")}
        and "permuted is not for forecasting" in plan.refused[0].reason
    )
    ran = {(row.arm.control, row.job.task.name) for row in plan.rows if row.arm.control}
    assert ran == {("permuted", "t"), ("handicapped", "t"), ("handicapped", "u")}


def test_a_baseline_that_cannot_run_has_no_control(world: Any) -> None:
    world.protocol(controls=CONTROLS)
    world.missing = {"old": "the package 'x' is not installed"}
    plan = world.plan()
    assert {row.arm.component for row in plan.rows if row.arm.control} == {"new"}
    assert {one.reason for one in plan.refused if one.role == "control"} == {
        "the package 'x' is not installed"
    }


def test_a_plan_counts_them(world: Any) -> None:
    before = total(world.plan(), {}).fits
    world.protocol(controls=CONTROLS)
    assert total(world.plan(), {}).fits == before + 2 * 2 * 2 * (1 + 2 + 1)


@pytest.mark.parametrize(("control", "seeds"), [("permuted", 1), ("handicapped", 5), ("", 5)])
def test_one_seed_where_nothing_is_paired_by_it(control: str, seeds: int) -> None:
    assert seeds_of(control, 5) == seeds


def test_what_is_planted_is_no_arm(world: Any) -> None:
    assert run_controls(Protocol(controls=CONTROLS), "baseline") == ("permuted", "handicapped")
    assert run_controls(Protocol(controls=CONTROLS), "candidate") == ("permuted",)
    assert all(control_reason(control, world.tasks["t"]) is None for control in ("", *CONTROLS))
