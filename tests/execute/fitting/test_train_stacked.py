"""Members of a stack: each goes its own way, as it would have gone alone."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmark.execute.fitting.rows import Rows, Tables
from benchmark.execute.fitting.stack import Unstackable
from benchmark.execute.fitting.train import Diverged, Pace, Parts, Trained, train
from benchmark.execute.fitting.train_stacked import Ended, Member, train_stacked
from benchmark.execute.limits import FitTimeout
from benchmark.spec import Budget, Seeds

BUDGET = Budget("steps", 40, 10, evaluations=10, patience=99)
ROWS = Tables(torch.randn(40, 3, generator=torch.Generator().manual_seed(5)).double(), None)
TARGET = torch.randn(40, generator=torch.Generator().manual_seed(6)).double()
WEIGHTS = torch.rand(40, generator=torch.Generator().manual_seed(7)) + 0.5


class Network(torch.nn.Module):
    """Two layers and batch norm, behind dropout."""

    def __init__(self, seed: int, dropout: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        # A bias before batch norm has no gradient but noise, which Adam would make large.
        self.dropout, self.first = torch.nn.Dropout(dropout), torch.nn.Linear(3, 8, bias=False)
        self.norm, self.last = torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 1)
        self.double()

    def forward(self, x_num: Tensor, x_cat: None) -> Tensor:
        assert x_cat is None
        output: Tensor = self.last(self.norm(self.first(self.dropout(x_num))).tanh())
        return output


Errors = Callable[[int], float | None]


def member(place: int, errors: Errors = lambda count: -count, **changed: Any) -> Member:
    """One with a learning rate, schedule and seeds of its own, whose validation error is scripted."""
    network = changed.pop("network", None) or Network(place)
    optimizer = changed.pop("optimizer", torch.optim.AdamW)(network.parameters(), lr=0.01 * (1 + place))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
    count = itertools.count(1)
    parts = Parts(network, torch.nn.MSELoss(), optimizer, schedule, **changed)
    return Member(parts, Seeds(1, 10 + place, 3), lambda: errors(next(count)))


def together(members: Sequence[Member], budget: Budget = BUDGET, rows: Rows = ROWS) -> list[Ended]:
    return train_stacked(members, rows, TARGET, WEIGHTS, pace=Pace.of(budget, 40), budget=budget)


def alone(one: Member, budget: Budget = BUDGET) -> Trained:
    return train(
        one.parts,
        ROWS,
        TARGET,
        WEIGHTS,
        pace=Pace.of(budget, 40),
        budget=budget,
        seeds=one.seeds,
        validation_error=one.validation_error,
    )


def assert_alike(some: Member, other: Member) -> None:
    """The same numbers in both networks."""
    for a, b in zip(
        some.parts.network.state_dict().values(), other.parts.network.state_dict().values(), strict=True
    ):
        assert torch.allclose(a, b, rtol=1e-9, atol=1e-12)


def test_patience_schedules_orders_and_checkpoints_are_each_members_own() -> None:
    scripts: list[Errors] = [
        lambda count: -count,
        lambda count: [3.0, 1.0, 2.0, 2.0, 2.0][count - 1],
        lambda _: 1.0,
        lambda count: -count if count < 6 else None,
    ]
    budget = dataclasses.replace(BUDGET, patience=3)
    stacked = [member(place, errors) for place, errors in enumerate(scripts)]
    found = [ended.trained for ended in together(stacked, budget)]
    for place, errors in enumerate(scripts):
        single = member(place, errors)
        assert found[place] == alone(single, budget)
        assert_alike(stacked[place], single)
    assert [trained.steps for trained in found if isinstance(trained, Trained)] == [40, 8, 16, 20]


def test_a_member_that_diverges_or_fails_ends_alone() -> None:
    class Fails(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            self.steps = getattr(self, "steps", 0) + 1
            if self.steps == 7:
                raise ValueError("no seventh step")
            return super().step(closure)

    network = Network(1)
    with torch.no_grad():
        network.first.weight.fill_(torch.nan)

    def broken(_count: int) -> float:
        raise KeyError("metric")

    stacked = [
        member(0),
        member(1, network=network),
        member(2, optimizer=Fails),
        member(3, broken),
        member(4),
    ]
    ends = [ended.trained for ended in together(stacked)]
    assert [type(end) for end in ends] == [Trained, Diverged, ValueError, KeyError, Trained]
    for place in (0, 4):
        alone(single := member(place))
        assert_alike(stacked[place], single)


def test_a_loss_that_came_back_is_told_of_the_member_that_lost_it() -> None:
    class Breaks(torch.nn.MSELoss):
        def __init__(self, *steps: int) -> None:
            super().__init__()
            self.steps, self.calls = steps, 0

        def forward(self, output: Tensor, target: Tensor) -> Tensor:
            self.calls += 1
            loss: Tensor = super().forward(output, target)
            return loss + (float("inf") if self.calls in self.steps else 0.0)

    def all_of_them() -> list[Member]:
        made = [member(place) for place in range(4)]
        for one, steps in zip(made, [(), (18,), (17, 19), (27, 28)], strict=True):
            object.__setattr__(one.parts, "loss", Breaks(*steps))
        return made

    found = [ended.trained for ended in together(all_of_them())]
    assert found == [alone(one) for one in all_of_them()]
    assert [trained.remark for trained in found if isinstance(trained, Trained)] == [
        "",
        "the loss was not finite in 1 of 20 steps; the model of step 16 was kept",
        "the loss was not finite in 2 of 20 steps; the model of step 16 was kept",
        "the loss or the prediction was not finite at step 28; the model of step 24 was kept",
    ]


def test_a_limit_of_time_ends_those_that_are_still_training() -> None:
    def slow(count: int) -> float:
        if count == 5:
            raise FitTimeout("too long")
        return 1.0

    ends = together([member(0, slow), member(1, lambda _: 1.0)], dataclasses.replace(BUDGET, patience=2))
    assert all(isinstance(ended.trained, Trained) for ended in ends)
    ends = together([member(0, slow), member(1, lambda _: 1.0)], dataclasses.replace(BUDGET, patience=4))
    assert [type(ended.trained) for ended in ends] == [FitTimeout, FitTimeout]


def test_seconds_are_shared_by_those_who_are_in_the_stack() -> None:
    def slow(count: int) -> float:
        time.sleep(0.01)
        return 1.0 if count > 1 else 2.0

    start = time.perf_counter()
    first, second = together([member(0, slow), member(1)], dataclasses.replace(BUDGET, patience=1))
    assert first.seconds + second.seconds == pytest.approx(time.perf_counter() - start, rel=0.2)
    assert second.seconds > first.seconds


def test_what_is_random_in_a_pass_has_the_same_distribution_and_is_each_members_own() -> None:
    """Dropped shares, and their covariance between members, over many passes of an identity."""
    seen: list[Tensor] = []

    class Dropped(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dropout, self.scale = torch.nn.Dropout(0.3), torch.nn.Parameter(torch.ones(3).double())

        def forward(self, x_num: Tensor, x_cat: None) -> Tensor:
            assert x_cat is None
            output: Tensor = self.dropout(torch.ones_like(x_num)) * self.scale
            return output[:, :1]

    class Watching(torch.nn.MSELoss):
        def forward(self, input: Tensor, target: Tensor) -> Tensor:
            seen.append((input.detach() != 0).double())
            return super().forward(input, target)

    def built(place: int) -> Member:
        one = member(place, network=Dropped(), optimizer=torch.optim.SGD)
        return Member(dataclasses.replace(one.parts, loss=Watching()), one.seeds, one.validation_error)

    budget = dataclasses.replace(BUDGET, amount=800)
    together([built(0), built(1)], budget)
    kept = torch.stack([torch.cat(seen[0::2]), torch.cat(seen[1::2])])
    assert (kept.mean(1) - 0.7).abs().max() < 0.025  # five deviations of a mean of 8,000
    assert (kept[0] * kept[1]).mean() == pytest.approx(0.49, abs=0.03)
    again, seen = seen, []
    together([built(0), built(1)], budget)
    assert all(torch.equal(a, b) for a, b in zip(again, seen, strict=True))


def test_what_cannot_be_batched_is_said_before_anything_is_trained() -> None:
    class Decides(Network):
        def forward(self, x_num: Tensor, x_cat: None) -> Tensor:
            output = super().forward(x_num, x_cat)
            return output if output.sum() > 0 else -output

    with pytest.raises(Unstackable, match="control flow"):
        together([member(place, network=Decides(place)) for place in range(2)])


def test_memory_that_a_stack_cannot_have_is_no_members_doing() -> None:
    class Greedy(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            raise MemoryError(closure)

    with pytest.raises(Unstackable, match="out of memory"):
        together([member(0), member(1, optimizer=Greedy)])
