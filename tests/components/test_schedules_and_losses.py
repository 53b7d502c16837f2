"""The shapes of schedules, and the loss against closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from benchmark.catalog import open_catalog

Make = Callable[[str, str], Callable[..., Any]]


def rates(schedule: Callable[..., Any], total_steps: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    built = schedule(optimizer, total_steps)
    seen = []
    for _ in range(total_steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        built.step()
    return seen


@pytest.mark.parametrize("total_steps", [1, 2, 7, 100])
@pytest.mark.parametrize("name", open_catalog().names("schedule"))
def test_rates_are_positive_and_at_most_the_peak(name: str, total_steps: int, make: Make) -> None:
    assert all(0 < rate <= 0.5 for rate in rates(make("schedule", name), total_steps))


def test_constant_never_moves(make: Make) -> None:
    assert set(rates(make("schedule", "constant"), 20)) == {0.5}


def test_cosine_rises_then_falls_along_half_a_cosine(make: Make) -> None:
    seen = rates(make("schedule", "cosine"), 100)
    assert seen[:5] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    expected = [0.25 * (1 + math.cos(math.pi * step / 95)) for step in range(95)]
    assert seen[5:] == pytest.approx(expected)


def test_likelihood_of_classes_and_numbers(make: Make) -> None:
    loss = make("loss", "likelihood")
    logits, codes = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0])
    expected = (math.log(1 + math.exp(-2)) + math.log(1 + math.exp(1))) / 2
    assert float(loss("binary", 2)(logits, codes)) == pytest.approx(expected)
    assert float(loss("regression", 1)(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 0.0]))) == pytest.approx(
        5.0
    )
