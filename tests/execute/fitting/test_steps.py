"""What training steps consist of, and that nothing changes for asking."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from benchmark.data import TaskData
from benchmark.execute.devices import clock
from benchmark.execute.fitting.fit import Fit, fit, fit_stacked
from benchmark.execute.peak import Peak, machine_peak
from benchmark.execute.profile import STEP_PHASES, Training, book_steps, part, reporting, steps_booked
from benchmark.spec import Budget, Pipeline, Seeds, Split, Task

Read = Callable[[str], tuple[TaskData, Task, Split]]
PEAK = Peak(flops=1e10, call_seconds=1e-6)
BUDGET = Budget("steps", 12, batch_size=32, evaluations=2, patience=9)
SEEDS = Seeds(weights=1, order=2, dropout=3)


def fitted(pipeline: Pipeline, real_task: Read, task: str = "iris") -> Fit:
    data, facts, split = real_task(task)
    return fit(pipeline, data, facts, split, metric=facts.metric, budget=BUDGET, seeds=SEEDS)


@pytest.mark.parametrize("optimizer", ["adamw", "sam", "sophia", "schedule_free", "muon"])
def test_asking_changes_no_bit(optimizer: str, pipeline: Callable[..., Pipeline], real_task: Read) -> None:
    whole = pipeline("mlp", optimizer=optimizer)
    alone = fitted(whole, real_task)
    with reporting(PEAK) as spent:
        watched = fitted(whole, real_task)
    assert np.array_equal(alone.prediction, watched.prediction)
    found = Training.of(spent)
    # Of SAM two passes of the budget are a step; the first step is counted and not timed.
    assert found.steps == alone.steps / (2 if optimizer == "sam" else 1) - 1 or optimizer == "sophia"
    assert 0 < found.rows <= 32 * found.steps and found.flop > 0 and found.calls > 10 * found.steps
    assert all(getattr(found, name) > 0 for name in STEP_PHASES)
    assert found.possible == pytest.approx(1e10 * found.seconds)
    assert found.calling == pytest.approx(1e-6 * found.calls)
    assert spent["count"] > 0


def test_the_arithmetic_of_a_step_is_that_of_its_passes(
    pipeline: Callable[..., Pipeline], real_task: Read
) -> None:
    flop = {}
    for optimizer in ("adamw", "sam"):
        with reporting(PEAK) as spent:
            fitted(pipeline("mlp", optimizer=optimizer), real_task)
        found = Training.of(spent)
        flop[optimizer] = found.flop / found.rows
    assert flop["sam"] == pytest.approx(2 * flop["adamw"])


def test_those_that_train_together_count_together(pipeline: Callable[..., Pipeline], real_task: Read) -> None:
    data, facts, split = real_task("iris")
    whole, seeds = pipeline("mlp"), [SEEDS, Seeds(weights=4, order=5, dropout=6)]

    def together() -> list[Fit | BaseException]:
        return fit_stacked(
            [whole, whole], data, facts, split, metric=facts.metric, budget=BUDGET, seeds=seeds
        )

    alone = together()
    with reporting(PEAK) as spent:
        watched = together()
    for first, second in zip(alone, watched, strict=True):
        assert isinstance(first, Fit) and isinstance(second, Fit)
        assert np.array_equal(first.prediction, second.prediction)
    found = Training.of(spent)
    assert found.steps == 11 and 32 * 11 < found.rows <= 2 * 32 * 11
    assert all(getattr(found, name) > 0 for name in STEP_PHASES)


def test_nothing_is_booked_where_nobody_asks(pipeline: Callable[..., Pipeline], real_task: Read) -> None:
    assert not steps_booked()
    assert part("forward") is part("step")  # the one that does nothing
    with reporting(PEAK) as spent:
        assert steps_booked()
    fitted(pipeline("mlp"), real_task)
    assert not steps_booked() and not {*STEP_PHASES, "count", "steps"} & {*spent}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_is_waited_for(pipeline: Callable[..., Pipeline], real_task: Read) -> None:
    data, facts, split = real_task("iris")
    waits: list[float] = []
    with reporting(PEAK) as spent:
        book_steps(machine_peak("cuda"), lambda: waits.append(clock("cuda")))
        fit(
            *(pipeline("mlp"), data, facts, split),
            metric=facts.metric,
            budget=BUDGET,
            seeds=SEEDS,
            device="cuda",
        )
    found = Training.of(spent)
    assert len(waits) == 2 * len(STEP_PHASES) * found.steps and waits == sorted(waits)
    assert found.flop > 0 and found.possible > found.flop
