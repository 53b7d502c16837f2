"""The sample: fair, complete, ordered, the same for the same seed, and only what a claim rests on."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import RequestError
from benchmark.plan.grid import Plan, expand
from benchmark.plan.keys import Environment
from benchmark.publish.reproduce.sample import Block, chosen
from benchmark.spec import (
    Budget,
    Component,
    Dataset,
    Pipeline,
    Protocol,
    Range,
    SplitFacts,
    Splitting,
    Study,
    Task,
    Tuning,
)


def part(slot: str, name: str) -> Component:
    make = {"_target_": f"components.{slot}.X", "_partial_": True, "lr": 0.01}
    return Component(
        slot, name, make=make, space={"lr": Range(1e-4, 1.0)}, fills=(slot,), code=f"{slot} {name}"
    )


def network(name: str) -> Pipeline:
    slots = ("preprocessor", "architecture", "activation", "loss", "optimizer", "schedule")
    return Pipeline(name, "neural", {slot: part(slot, f"{name}-{slot}") for slot in slots})


def planned(origins: dict[str, str], hosts: tuple[str, ...] = ("mlp", "net"), folds: int = 3) -> Plan:
    """A plan over tasks (name → origin), with A/A arms, all controls and a reference."""
    known = {"modality": "tabular", "task_type": "binary", "metric": "accuracy", "n_classes": 2}
    tasks = {
        name: Task(name=name, origin=origin, n_rows=900, n_features=3, fingerprint=name, **known)  # type: ignore[arg-type]
        for name, origin in origins.items()
    }
    reference = Pipeline(
        "forest", "estimator", {slot: part(slot, "forest") for slot in ("preprocessor", "estimator")}
    )
    protocol = Protocol(
        splits=Splitting(repeats=1, folds=folds),
        seeds=2,
        aa=1,
        tuning=Tuning(2),
        budget=Budget("steps", 10),
        controls=("permuted",),
    )
    study = Study(
        name="s",
        question="?",
        slots=("optimizer",),
        candidates=("new", "other"),
        baselines=("old",),
        hosts=hosts,
        references=("forest",),
        tasks=tuple(tasks),
        suite="",
        protocol=protocol,
    )
    return expand(
        study,
        components={name: (part("optimizer", name),) for name in ("old", "new", "other")},
        hosts={name: network(name) for name in hosts},
        references={"forest": reference},
        datasets={name: Dataset(name, "bundled", "y", "x", name) for name in tasks},
        tasks=tasks,
        splits={
            name: [SplitFacts(0, fold, f"{name}{fold}", 1, 1, 1) for fold in range(folds)] for name in tasks
        },
        missing={},
        environment=Environment("cpu", {"torch": "2"}, "harness"),
    )


def place(block: Block) -> tuple[Any, ...]:
    return block.task, block.host, block.repeat, block.fold


ORIGINS = {"a-small": "a", "a-large": "a", "b": "b", "c": "c"}
PLAN = planned(ORIGINS)
BLOCKS = len(ORIGINS) * 3 * 3


def test_a_block_has_the_jobs_of_every_arm_and_all_blocks_are_the_plan() -> None:
    blocks = chosen(PLAN, 1.0, 7)
    assert len(blocks) == len({place(block) for block in blocks}) == BLOCKS
    assert Counter(id(row) for block in blocks for row in block.rows) == Counter(map(id, PLAN.rows))
    for block in blocks:
        roles = Counter((row.arm.role, row.arm.component) for row in block.rows)
        if block.host:
            assert roles == {
                ("baseline", "old"): 1,
                ("aa", "old"): 1,
                ("control", "old"): 1,
                ("candidate", "new"): 1,
                ("candidate", "other"): 1,
                ("control", "new"): 1,
                ("control", "other"): 1,
            }
        else:
            assert roles == {("reference", "forest"): 1}
        assert block.origin == ORIGINS[block.task]


@given(st.floats(1e-6, 1.0), st.integers(0, 2**63))
def test_the_share_is_rounded_up_and_smaller_samples_begin_larger_ones(share: float, seed: int) -> None:
    few, all_of_them = chosen(PLAN, share, seed), chosen(PLAN, 1.0, seed)
    assert len(few) == max(1, math.ceil(share * BLOCKS - 1e-6))
    assert list(map(place, few)) == list(map(place, all_of_them))[: len(few)]


def test_a_share_of_whole_blocks_is_not_rounded_up() -> None:
    plan = planned({"a": "a"}, hosts=("mlp",), folds=50)
    assert len(chosen(plan, 0.07, 1)) == 7  # 0.07 * 100 is a little more than 7


@given(st.integers(0, 2**63))
def test_every_origin_then_every_task_is_visited_before_one_again(seed: int) -> None:
    blocks = chosen(PLAN, 1.0, seed)
    origins = [block.origin for block in blocks]
    for start in range(0, 3 * 9, 3):  # three origins; b and c have nine blocks, a has eighteen
        assert set(origins[start : start + 3]) == {"a", "b", "c"}
    tasks = [block.task for block in blocks if block.origin == "a"]
    for start in range(0, 18, 2):
        assert set(tasks[start : start + 2]) == {"a-small", "a-large"}


@given(st.integers(0, 2**63), st.randoms())
def test_only_the_seed_and_what_is_in_the_plan_decide(seed: int, random: Any) -> None:
    rows = list(PLAN.rows)
    random.shuffle(rows)
    shuffled = dataclasses.replace(PLAN, rows=tuple(rows))
    assert list(map(place, chosen(shuffled, 0.3, seed))) == list(map(place, chosen(PLAN, 0.3, seed)))


def test_every_block_of_a_task_is_drawn_first_equally_often() -> None:
    plan = planned({"a": "a", "b": "b"})
    first: Counter[tuple[Any, ...]] = Counter()
    n = 1800
    for seed in range(n):
        first.update(map(place, chosen(plan, 2 / 18, seed)))
    assert len(first) == 18
    expected = n / 9
    chi_squared = sum((count - expected) ** 2 / expected for count in first.values())
    assert chi_squared < 42  # 16 degrees of freedom: exceeded by chance less than once in 2,000 times


def test_a_comparison_rests_on_its_two_components_and_the_noise_floor_of_its_baseline() -> None:
    blocks = chosen(PLAN, 1.0, 3, {"candidate": "new", "baseline": "old", "setting": "tuned"})
    assert len(blocks) == len(ORIGINS) * 2 * 3
    for block in blocks:
        arms = {(row.arm.role, row.arm.component, row.arm.control) for row in block.rows}
        assert arms == {("baseline", "old", ""), ("aa", "old", ""), ("candidate", "new", "")}
    named = chosen(PLAN, 1.0, 3, {"component": ["new", "old"], "replicate": 0})
    assert {row.arm.role for block in named for row in block.rows} == {"baseline", "candidate"}


def test_a_level_rests_on_its_component_in_its_host_on_its_task() -> None:
    claim = {"component": "old", "host": "net", "task": "b", "setting": "tuned", "replicate": 0, "count": 6}
    blocks = chosen(PLAN, 0.01, 3, claim)
    assert len(blocks) == 1
    assert [(b.task, b.host, {r.arm.role for r in b.rows}) for b in chosen(PLAN, 1.0, 3, claim)] == [
        ("b", "net", {"baseline"})
    ] * 3
    reference = chosen(PLAN, 1.0, 3, {"component": "forest", "host": "", "task": "c"})
    assert {(b.task, b.host) for b in reference} == {("c", "")}


def test_what_cannot_be_drawn_is_refused_in_one_line() -> None:
    for share in (0.0, -0.1, 1.5, math.nan):
        with pytest.raises(RequestError, match="above 0 and at most 1"):
            chosen(PLAN, share, 1)
    with pytest.raises(RequestError, match="no cell that the claim rests on"):
        chosen(PLAN, 0.5, 1, {"component": "unknown"})
    with pytest.raises(RequestError, match="nothing to run"):
        chosen(dataclasses.replace(PLAN, rows=()), 0.5, 1)
