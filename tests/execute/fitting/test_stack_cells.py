"""A job whose trials and cells train together: the same rows as one by one, and what they say of it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from benchmark.catalog import open_catalog
from benchmark.data import describe, load
from benchmark.execute.cell import Outcome, ready, run_group, run_job
from benchmark.execute.fitting.fit import Fit, fit, fit_stacked
from benchmark.execute.fitting.stack import Stack, Unstackable
from benchmark.execute.workers.schedule import Schedule
from benchmark.execute.workers.watch import Death
from benchmark.plan.grid import Job, expand
from benchmark.plan.keys import Environment
from benchmark.plan.splits import splits
from benchmark.spec import Budget, Limits, Pipeline, Protocol, Record, Seeds, Splitting, Study, Trial, Tuning

ReadPipeline = Callable[..., Pipeline]
ReadTask = Callable[[str], Any]
BUDGET = Budget("epochs", 12, 32, evaluations=6, patience=3)


def still(whole: Pipeline) -> Pipeline:
    """Without dropout, whose bits would be a stack's own."""
    built = whole.components["architecture"]
    zero = {name: 0.0 for name in built.make if "dropout" in name}
    return whole.swap(dataclasses.replace(built, make={**built.make, **zero}))


@pytest.fixture
def planned(pipeline: ReadPipeline) -> Callable[..., list[Job]]:
    """Jobs of AdamW on the first splits of a bundled task, planned with or without stacking."""

    def plan(host: str = "mlp", task: str = "iris", arm: str = "adamw", **changed: Any) -> list[Job]:
        dataset = open_catalog().dataset(task)
        data = load(dataset)
        facts = describe(dataset, data)
        protocol = Protocol(
            Splitting(folds=2),
            2,
            0,
            **{"tuning": Tuning(4), "budget": BUDGET, "limits": Limits(300), **changed},
        )
        whole = still(pipeline(host))
        part = pipeline(host, optimizer=arm).components["optimizer"]
        study = Study("s", "?", ("optimizer",), (), (arm,), (host,), (), (task,), "", protocol)
        found = expand(
            study,
            components={arm: (part,)},
            hosts={host: whole},
            references={},
            datasets={task: dataset},
            tasks={task: facts},
            splits={task: [one.facts for one in splits(facts, data.basis(), protocol.splits, 0)]},
            missing={},
            environment=Environment("cpu", {}, ""),
        )
        return [row.job for row in found.rows]

    return plan


def rows_of(job: Job) -> dict[str, Outcome]:
    """Outcomes by a name that does not depend on the keys."""
    names = {trial.key: f"trial {trial.number}" for trial in job.trials}
    names |= {cell.key: f"{cell.setting} {cell.seed}" for cell in job.cells}
    return {names[outcome.row.key]: outcome for group in run_job(job, {}) for outcome in group}


def test_a_job_ends_as_it_would_one_by_one(planned: Callable[..., list[Job]]) -> None:
    """The same choices, and the same numbers but for rounding in float32."""
    (alone, *_), (together, *_) = planned(stacking="off"), planned(stacking="on")
    some, others = rows_of(alone), rows_of(together)
    assert some.keys() == others.keys()
    for name, outcome in some.items():
        a, b = outcome.row, others[name].row
        assert a.key != b.key and (a.status, a.setting, a.stacked) == (b.status, b.setting, 0)
        assert a.validation_error == pytest.approx(b.validation_error, rel=1e-3)
        assert a.error == pytest.approx(b.error, rel=1e-3)
        if outcome.prediction is not None:
            prediction = others[name].prediction
            assert prediction is not None
            np.testing.assert_allclose(outcome.prediction, prediction, atol=1e-3)
    assert {
        name: outcome.row.stacked for name, outcome in others.items() if "tuned" not in name
    } == dict.fromkeys(["trial 0", "trial 1", "trial 2", "trial 3", "default 0", "default 1"], 6)
    assert {outcome.row.stacked for name, outcome in others.items() if "tuned" in name} <= {2, 6}


def test_members_that_are_done_run_again_in_the_same_company(planned: Callable[..., list[Job]]) -> None:
    (job, *_) = planned(stacking="on")
    (group, *_) = ready(job, {})
    first = run_group(job, group, {})
    assert [outcome.row.key for outcome in first] == list(group)
    done = {outcome.row.key: outcome.row for outcome in first[:4]}
    rest = run_group(job, ready(job, done)[0], done)
    assert [outcome.row.key for outcome in rest] == list(group[4:])
    for one, again in zip(first[4:], rest, strict=True):
        assert np.array_equal(one.prediction, again.prediction)  # type: ignore[arg-type]


def test_a_budget_of_time_is_for_each_member(
    planned: Callable[..., list[Job]], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Stack.__call__

    def slowly(stack: Stack, *inputs: Any) -> torch.Tensor:
        time.sleep(0.05)
        return whole(stack, *inputs)

    monkeypatch.setattr(Stack, "__call__", slowly)
    (job, *_) = planned(stacking="on", limits=Limits(0.05))
    outcomes = run_group(job, ready(job, {})[0], {})
    assert {outcome.row.status for outcome in outcomes} == {"timeout"}
    assert {outcome.row.reason for outcome in outcomes} == {
        "6 together took longer than 6 × protocol.limits.seconds"
    }


def test_a_stack_that_turns_out_impossible_is_taken_apart_aloud(
    planned: Callable[..., list[Job]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> torch.Tensor:
        raise Unstackable("no two of a kind")

    (alone, *_), (together, *_) = planned(stacking="off"), planned(stacking="on")
    some = rows_of(alone)
    monkeypatch.setattr(Stack, "__call__", refuse)
    for name, outcome in rows_of(together).items():
        assert outcome.row.status == "ok" and outcome.row.stacked == 0
        assert outcome.row.reason == "trained alone: Unstackable: no two of a kind"
        assert outcome.row.error == some[name].row.error  # the same bits: the fit that it would have been


def test_a_setting_that_cannot_be_built_is_its_own_members_failure(
    pipeline: ReadPipeline, real_task: ReadTask
) -> None:
    data, task, split = real_task("iris")
    good = still(pipeline("mlp"))
    optimizer = good.components["optimizer"]
    bad = good.swap(dataclasses.replace(optimizer, make={**optimizer.make, "lr": -1.0}))
    seeds = [Seeds(k, k, k) for k in range(3)]
    first, second, third = fit_stacked(
        [good, bad, good], data, task, split, metric="accuracy", budget=BUDGET, seeds=seeds
    )
    assert isinstance(first, Fit) and isinstance(second, ValueError) and isinstance(third, Fit)
    alone = fit(good, data, task, split, metric="accuracy", budget=BUDGET, seeds=seeds[2])
    np.testing.assert_allclose(third.prediction, alone.prediction, atol=1e-3)
    assert third.steps == alone.steps


@pytest.mark.parametrize(("arm", "why"), [("sam", "sam makes its gradients itself"), ("adamw", "")])
def test_what_is_never_stacked_says_so_where_stacking_is_asked_for(
    planned: Callable[..., list[Job]], arm: str, why: str
) -> None:
    for stacking, said in (("on", why and f"trained alone: {why}"), ("auto", "")):
        (job, *_) = planned(arm=arm, stacking=stacking, tuning=Tuning(1))
        outcomes = rows_of(job)
        assert {outcome.row.reason for outcome in outcomes.values()} == {said}
        assert {type(outcome.row) for outcome in outcomes.values()} == {Trial, Record}


@pytest.mark.parametrize("task", ["iris", pytest.param("wine", marks=pytest.mark.all)])
def test_the_same_effect_in_the_end(planned: Callable[..., list[Job]], task: str) -> None:
    """Relative difference of two optimizers' mean test errors over folds and seeds, of log loss."""

    def mean(arm: str, stacking: str) -> float:
        errors = []
        for job in planned(host="resnet", task=task, arm=arm, stacking=stacking):
            job = dataclasses.replace(job, task=dataclasses.replace(job.task, metric="log_loss"))
            errors += [
                outcome.row.error for outcome in rows_of(job).values() if isinstance(outcome.row, Record)
            ]
        return float(np.mean([error for error in errors if error is not None]))

    effects = []
    for stacking in ("on", "off"):
        a, b = mean("adamw", stacking), mean("momentum", stacking)
        effects.append((a - b) / max(a, b))
    assert effects[0] == pytest.approx(effects[1], abs=2e-3)


def test_a_stack_that_costs_its_worker_is_run_one_by_one(planned: Callable[..., list[Job]]) -> None:
    (job, *_) = planned(stacking="on", limits=Limits(300, retries=0))
    schedule = Schedule(iter([(job, {})]), 0.0)
    taken = schedule.take()
    assert taken is not None
    found, (stack,) = taken
    assert stack == job.stacks[0]
    schedule.give_back(found, [stack])
    death = Death("crashed", "gone", False, stack[0], "")
    assert schedule.bury(found, stack, death) == ()
    singles = [schedule.take(job.key) for _ in stack]
    assert [groups for _, groups in filter(None, singles)] == [((key,),) for key in stack]
    schedule.give_back(found, [stack[:1]])
    (lost,) = schedule.bury(found, stack[:1], death)
    assert (lost.row.key, lost.row.status) == (stack[0], "crashed")
    (outcome,) = run_group(job, stack[1:2], {})
    assert outcome.row.status == "ok" and "cost a worker" in outcome.row.reason
