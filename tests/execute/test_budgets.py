"""A budget means the same for every optimizer, however many passes it takes per step."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmark.execute.fitting.rows import Tables
from benchmark.execute.fitting.train import Pace, Parts, Trained, train
from benchmark.spec import Budget, Seeds

N_ROWS, BATCH = 64, 16
X = torch.randn(N_ROWS, 4, generator=torch.Generator().manual_seed(5))
ROWS, TARGET = Tables(X, None), X @ torch.tensor([1.0, -2.0, 0.5, 0.0])
PASS_SECONDS = 0.01


class Linear(torch.nn.Module):
    """Linear; counts the batches that go through it in training, each of which takes some time."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear, self.passes = torch.nn.Linear(4, 1), 0

    def forward(self, x_num: Tensor, x_cat: None) -> Tensor:
        assert x_cat is None
        self.passes += int(self.training)
        output: Tensor = self.linear(x_num)
        return output


class OnePass(torch.optim.SGD):
    """Plain gradient descent that makes its own gradients."""

    def step(self, closure: Any = None) -> Any:
        """One pass."""
        loss = closure()
        super().step()
        return loss


class TwoPasses(torch.optim.SGD):
    """Gradient descent with the gradient of a point nearby, as in SAM."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Two passes over one batch."""
        closure()
        parameters = [p for group in self.param_groups for p in group["params"]]
        before = [p.clone() for p in parameters]
        for p in parameters:
            p.add_(p.grad, alpha=0.01)
        loss = closure()
        for p, old in zip(parameters, before, strict=True):
            p.copy_(old)
        super().step()
        return loss


class Differentiated(torch.optim.SGD):
    """Gradient descent scaled by the curvature along the gradient: gradients of gradients."""

    def step(self, closure: Any = None) -> Any:
        """One call that counts as two passes."""
        loss = closure(create_graph=True)
        parameters = [p for group in self.param_groups for p in group["params"]]
        squared = sum((p.grad**2).sum() for p in parameters)
        curvature = torch.autograd.grad(squared, parameters)
        for p, second in zip(parameters, curvature, strict=True):
            p.grad = p.grad.detach() / (1 + second.norm())
        super().step()
        return loss


class Lazy(torch.optim.SGD):
    """Asks for the closure and never calls it."""

    def step(self, closure: Any = None) -> Any:
        """No pass at all."""
        assert closure is not None


Make = Callable[[Any], torch.optim.Optimizer]
OPTIMIZERS: dict[str, tuple[Make, bool]] = {
    "plain": (lambda params: torch.optim.SGD(params, lr=0.01), False),
    "one": (lambda params: OnePass(params, lr=0.01), True),
    "two": (lambda params: TwoPasses(params, lr=0.01), True),
    "differentiated": (lambda params: Differentiated(params, lr=0.2), True),
    "lbfgs": (lambda params: torch.optim.LBFGS(params, lr=0.1, max_iter=4), True),
    "line_search": (
        lambda params: torch.optim.LBFGS(params, max_iter=4, max_eval=5, line_search_fn="strong_wolfe"),
        True,
    ),
}
COST = {"plain": 1, "one": 1, "two": 2, "differentiated": 2, "lbfgs": 5, "line_search": 6}
"""Passes that a step takes at most."""


@dataclasses.dataclass
class Ran:
    """What a training run did."""

    trained: Trained
    network: Linear
    scheduled: int
    evaluations: int
    seconds: float

    @property
    def passes(self) -> int:
        """Passes that the budget paid for."""
        return self.trained.steps


def run(name: str, monkeypatch: pytest.MonkeyPatch, **fields: Any) -> Ran:
    """Train to the end of a budget, on a clock that only passes move."""
    make, closure = OPTIMIZERS[name]
    budget = Budget(**{"batch_size": BATCH, "evaluations": 10, "patience": 999, **fields})
    network = Linear()
    optimizer = make(network.parameters())
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: 1.0)
    per_pass = 2 * PASS_SECONDS if name == "differentiated" else PASS_SECONDS
    clock = SimpleNamespace(perf_counter=lambda: network.passes * per_pass)
    monkeypatch.setattr("benchmark.execute.fitting.train.time", clock)
    pace = dataclasses.replace(Pace.of(budget, N_ROWS), started=0.0)
    errors: list[float] = []

    def better() -> float:
        errors.append(-float(len(errors)))
        return errors[-1]

    trained = train(
        Parts(network, torch.nn.MSELoss(), optimizer, schedule, closure=closure),
        ROWS,
        TARGET,
        pace=pace,
        budget=budget,
        seeds=Seeds(1, 2, 3),
        validation_error=better,
    )
    return Ran(trained, network, schedule.last_epoch, len(errors), clock.perf_counter())


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(
    ("fields", "passes"),
    [
        ({"unit": "steps", "amount": 40}, 40),
        ({"unit": "epochs", "amount": 10}, 40),
        ({"unit": "epochs", "amount": 1}, 4),
        ({"unit": "steps", "amount": 41}, 41),
    ],
)
def test_the_same_number_of_passes(
    name: str, fields: dict[str, Any], passes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = run(name, monkeypatch, **fields)
    if passes % COST[name] == 0 and COST[name] <= 2:
        assert ran.passes == passes
    assert passes <= ran.passes < passes + COST[name]  # a step that has begun is finished
    forward = ran.passes / 2 if name == "differentiated" else ran.passes
    assert ran.network.passes == forward
    assert ran.scheduled == passes  # the schedule reaches its end, and never goes beyond


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_same_seconds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = run(name, monkeypatch, unit="seconds", amount=1.0)
    assert 1.0 <= ran.seconds + 1e-9 < 1.0 + COST[name] * PASS_SECONDS + 0.011
    assert ran.scheduled == 1000
    assert ran.passes == pytest.approx(100, abs=COST[name] + 1)


@pytest.mark.parametrize("name", ["one", "two", "differentiated"])
def test_evaluated_as_often(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = run("plain", monkeypatch, unit="steps", amount=80)
    assert plain.evaluations == run(name, monkeypatch, unit="steps", amount=80).evaluations == 10


def test_a_second_pass_is_over_the_same_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two passes of half as many steps: both optimizers see their batches in the same order."""
    seen: dict[str, list[Tensor]] = {}
    for name in ("plain", "two"):
        batches = seen[name] = []
        forward = Linear.forward

        def spied(
            self: Linear,
            x_num: Tensor,
            x_cat: None,
            batches: list[Tensor] = batches,
            forward: Any = forward,
        ) -> Tensor:
            batches.append(x_num.clone())
            output: Tensor = forward(self, x_num, x_cat)
            return output

        with monkeypatch.context() as patched:
            patched.setattr(Linear, "forward", spied)
            run(name, patched, unit="steps", amount=12)
    assert len(seen["plain"]) == len(seen["two"]) == 12
    for step in range(6):
        assert torch.equal(seen["two"][2 * step], seen["two"][2 * step + 1])
        assert torch.equal(seen["two"][2 * step], seen["plain"][step])


def test_a_closure_changes_nothing_for_an_optimizer_of_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, one = (run(name, monkeypatch, unit="steps", amount=40).network for name in ("plain", "one"))
    for ours, theirs in zip(plain.parameters(), one.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("name", ["two", "differentiated", "lbfgs", "line_search"])
def test_the_passes_are_worth_something(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def error(network: Linear) -> float:
        output: Tensor = network(X, None).detach().squeeze(1)
        return float(((output - TARGET) ** 2).mean())

    assert error(run(name, monkeypatch, unit="steps", amount=400).network) < 0.5 * error(Linear())


def test_an_optimizer_that_never_calls_the_closure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPTIMIZERS, "lazy", (lambda params: Lazy(params, lr=0.01), True))
    with pytest.raises(RuntimeError, match="Lazy.step never called the closure"):
        run("lazy", monkeypatch, unit="steps", amount=4)
