"""The shapes of schedules, against closed forms and torch's own."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.catalog import open_catalog
from benchmark.config import instantiate
from benchmark.resolve.components import read_component
from components.schedule.shapes import WSD, Cosine, Exponential, InverseSqrt, Linear, OneCycle, StepDecay

Make = Callable[[str, str], Callable[..., Any]]
CATALOG = open_catalog()
COMPONENTS = {
    name: read_component(
        "schedule", name, CATALOG.document("schedule", name), str(CATALOG.path("schedule", name))
    )
    for name in CATALOG.names("schedule")
}
BY_STEP = [name for name, component in COMPONENTS.items() if "validation_error" not in component.needs]


def optimizer_of(*rates: float) -> torch.optim.Optimizer:
    return torch.optim.SGD([{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in rates])


def rates(schedule: Callable[..., Any], total_steps: int, *peaks: float) -> list[list[float]]:
    """Of every group, the rate of every step of the budget; stepped as often as the harness does."""
    optimizer = optimizer_of(*(peaks or (1.0,)))
    built, seen = schedule(optimizer, total_steps), []
    for _ in range(total_steps):
        seen.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        built.step()
    return [list(group) for group in zip(*seen, strict=True)]


@pytest.mark.parametrize("name", BY_STEP)
@given(total_steps=st.integers(1, 300))
@settings(max_examples=25, deadline=None)
def test_rates_are_positive_and_at_most_the_peak_of_their_group(name: str, total_steps: int) -> None:
    first, second = rates(instantiate(COMPONENTS[name]), total_steps, 0.5, 3e-4)
    assert all(0 < rate <= 0.5 for rate in first)
    assert second == pytest.approx([rate * 6e-4 for rate in first])


@pytest.mark.parametrize("name", BY_STEP)
def test_the_peak_is_reached(name: str, make: Make) -> None:
    for total_steps in (20, 101, 1000):
        (seen,) = rates(make("schedule", name), total_steps)
        assert max(seen) == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize("name", BY_STEP)
def test_the_shape_is_the_same_for_any_number_of_steps(name: str, make: Make) -> None:
    (short,), (long,) = (rates(make("schedule", name), total_steps) for total_steps in (200, 2000))
    apart = [abs(rate - long[10 * step]) for step, rate in enumerate(short)]
    assert sum(apart) / len(apart) < 1e-2


def test_constant_never_moves(make: Make) -> None:
    assert rates(make("schedule", "constant"), 20) == [[1.0] * 20]


def rising_then(shape: Callable[[float], float]) -> list[float]:
    """A warm-up of 5 of 100 steps, then a shape over what is left of them."""
    return [0.2, 0.4, 0.6, 0.8, 1.0, *(shape(step / 95) for step in range(95))]


def test_warm_up_and_decay_against_their_formulas() -> None:
    (seen,) = rates(Cosine, 100)
    assert seen == pytest.approx(rising_then(lambda passed: (1 + math.cos(math.pi * passed)) / 2))
    assert rates(Linear, 100)[0] == pytest.approx(rising_then(lambda passed: 1 - passed))
    expected = [0.2, 0.4, 0.6, 0.8, *[1.0] * 76, *(1 - math.sqrt(step / 20) for step in range(20))]
    assert rates(WSD, 100)[0] == pytest.approx(expected)
    expected = [min((step + 1) / 5, math.sqrt(5 / (step + 1))) for step in range(100)]
    assert rates(InverseSqrt, 100)[0] == pytest.approx(expected)


def test_a_warm_up_may_be_left_out_or_meet_the_decay() -> None:
    assert rates(Linear, 4) == [pytest.approx([1, 0.75, 0.5, 0.25])]
    (seen,) = rates(lambda optimizer, total: WSD(optimizer, total, warmup=0.5, decay=0.6), 10)
    assert seen[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert seen[5:] == pytest.approx([1 - math.sqrt(step / 6) for step in range(1, 6)])


@pytest.mark.parametrize(
    ("rise", "total_steps"), [(0.1, 33), (0.1, 100), (0.3, 10), (0.3, 33), (0.3, 100), (0.6, 4), (0.6, 100)]
)
def test_one_cycle_is_torchs(rise: float, total_steps: int) -> None:
    optimizer = optimizer_of(1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1.0, total_steps=total_steps, pct_start=rise, cycle_momentum=False
    )
    expected = []
    for _ in range(total_steps):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    (seen,) = rates(lambda optimizer, total: OneCycle(optimizer, total, rise=rise), total_steps)
    assert seen == pytest.approx(expected)


def test_one_cycle_leaves_momentum_alone() -> None:
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
    schedule = OneCycle(optimizer, 10)
    for _ in range(5):
        optimizer.step()
        schedule.step()
    assert optimizer.param_groups[0]["betas"] == (0.9, 0.999)


def test_exponential_and_steps_against_their_formulas() -> None:
    optimizer = optimizer_of(1.0)
    theirs = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.01 ** (1 / 50))
    (seen,) = rates(Exponential, 50)
    for rate in seen:
        assert rate == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.01)
    assert rates(StepDecay, 9) == [pytest.approx([1.0] * 5 + [0.1] * 2 + [0.01] * 2)]


def test_plateau_reduces_after_more_bad_evaluations_than_its_patience(make: Make) -> None:
    optimizer = optimizer_of(1e-7, 0.5)
    schedule = make("schedule", "plateau")(optimizer, 1000)
    seen = []
    for error in (0.5, 0.4, 0.4, 0.41, 0.39, 0.39, 0.0, 0.0, 0.0, 0.0, 0.0):
        schedule.step(error)
        seen.append(optimizer.param_groups[0]["lr"] / 1e-7)
        assert optimizer.param_groups[1]["lr"] == pytest.approx(0.5 * seen[-1])
    assert seen == pytest.approx([1, 1, 1, 0.3, 0.3, 0.3, 0.3, 0.3, 0.09, 0.09, 0.027])
