"""Every optimizer on a small problem, and Muon's two rules against what they should do."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmark.catalog import open_catalog
from benchmark.spec import Component

Make = Callable[[str, str], Callable[..., Any]]
ReadComponent = Callable[[str, str], Component]
NAMES = open_catalog().names("optimizer")
every_optimizer = pytest.mark.parametrize("name", NAMES)


class Problem:
    """The squared distance of a matrix product and a vector to a goal, with an optimizer at work on it."""

    def __init__(self, component: Component, make: Callable[..., Any]) -> None:
        generator = torch.Generator().manual_seed(3)
        self.matrix = torch.nn.Parameter(torch.randn(6, 4, generator=generator))
        self.vector = torch.nn.Parameter(torch.randn(6, generator=generator))
        self.inputs = torch.randn(32, 4, generator=generator)
        self.goal = self.inputs @ torch.randn(4, 6, generator=generator)
        groups = [{"params": [self.matrix], "role": "hidden"}, {"params": [self.vector], "role": "bias"}]
        self.optimizer = make(groups if "roles" in component.needs else [self.matrix, self.vector])
        self.train_eval = "train_eval" in component.needs
        self.mode("train")

    def mode(self, name: str) -> None:
        if self.train_eval:
            getattr(self.optimizer, name)()

    def loss(self) -> Tensor:
        return ((self.inputs @ self.matrix.T + self.vector - self.goal) ** 2).mean()

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.optimizer.zero_grad()
            self.loss().backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()

    def weights(self) -> list[Tensor]:
        return [self.matrix.detach().clone(), self.vector.detach().clone()]


@pytest.fixture
def problem(component: ReadComponent, make: Make) -> Callable[[str], Problem]:
    return lambda name: Problem(component("optimizer", name), make("optimizer", name))


@every_optimizer
def test_descends(name: str, problem: Callable[[str], Problem]) -> None:
    case = problem(name)
    before, start = float(case.loss().detach()), case.weights()
    case.run(200)
    case.mode("eval")
    assert float(case.loss().detach()) < 0.98 * before
    assert all((new != old).all() for new, old in zip(case.weights(), start, strict=True))


@every_optimizer
def test_same_bits_twice(name: str, problem: Callable[[str], Problem]) -> None:
    first, second = problem(name), problem(name)
    first.run(12)
    second.run(12)
    assert all(torch.equal(a, b) for a, b in zip(first.weights(), second.weights(), strict=True))


@every_optimizer
def test_state_dict_round_trip(name: str, problem: Callable[[str], Problem]) -> None:
    whole, resumed = problem(name), problem(name)
    whole.run(7)
    whole.mode("eval")
    state = copy.deepcopy(whole.optimizer.state_dict())
    with torch.no_grad():
        resumed.matrix.copy_(whole.matrix)
        resumed.vector.copy_(whole.vector)
    resumed.mode("eval")
    resumed.optimizer.load_state_dict(state)
    for case in (whole, resumed):
        case.mode("train")
        case.run(7)
    assert all(torch.equal(a, b) for a, b in zip(whole.weights(), resumed.weights(), strict=True))


@every_optimizer
def test_obeys_a_schedule(name: str, problem: Callable[[str], Problem], make: Make) -> None:
    case = problem(name)
    peaks = [group["lr"] for group in case.optimizer.param_groups]
    schedule = make("schedule", "cosine")(case.optimizer, 10)
    for _ in range(10):
        case.run(1)
        schedule.step()
    assert peaks and all(group["lr"] == pytest.approx(0, abs=1e-12) for group in case.optimizer.param_groups)
    still = case.weights()
    case.run(1)
    # Averages of weights (lookahead, schedule-free) may move on; the plain ones must not.
    if name not in ("lookahead", "schedule_free"):
        assert all(torch.equal(a, b) for a, b in zip(case.weights(), still, strict=True))


def test_muon_orthogonalises_hidden_matrices_only(make: Make) -> None:
    torch.manual_seed(0)
    hidden, bias = torch.nn.Parameter(torch.randn(8, 5)), torch.nn.Parameter(torch.randn(8))
    twin = torch.nn.Parameter(bias.detach().clone())
    start = hidden.detach().clone()
    hidden.grad, bias.grad = torch.randn(8, 5), torch.randn(8)
    assert hidden.grad is not None and bias.grad is not None
    gradient = hidden.grad.clone()
    twin.grad = bias.grad.clone()
    groups = [{"params": [hidden], "role": "hidden"}, {"params": [bias], "role": "bias"}]
    make("optimizer", "muon")(groups, lr=1e-2, weight_decay=0.1).step()
    torch.optim.AdamW([twin], lr=1e-2, weight_decay=0.1, betas=(0.9, 0.95), eps=1e-10).step()
    assert torch.allclose(bias, twin, atol=1e-7)

    update = (start * (1 - 1e-2 * 0.1) - hidden.detach()) / (1e-2 * 0.2 * 8**0.5)
    left, _, right = torch.linalg.svd(gradient, full_matrices=False)
    rotated = left.T @ update @ right.T
    # Five Newton-Schulz steps in half precision bring every singular value near one, not onto it.
    assert ((rotated.diagonal() > 0.6) & (rotated.diagonal() < 1.3)).all()
    assert (rotated - rotated.diagonal().diag()).abs().max() < 0.05


def test_muon_without_roles_says_so(make: Make) -> None:
    with pytest.raises(KeyError, match="role"):
        make("optimizer", "muon")([{"params": [torch.nn.Parameter(torch.zeros(2, 2))]}])


def test_lookahead_pulls_back_every_k_steps(make: Make) -> None:
    fast = torch.nn.Parameter(torch.tensor([1.0]))
    base = torch.nn.Parameter(torch.tensor([1.0]))
    lookahead = make("optimizer", "lookahead")(
        [fast], base=lambda p: torch.optim.SGD(p, lr=0.1), k=2, alpha=0.5
    )
    plain = torch.optim.SGD([base], lr=0.1)
    for parameter, optimizer in ((fast, lookahead), (base, plain)):
        for _ in range(2):
            parameter.grad = torch.tensor([1.0])
            optimizer.step()
    assert float(base.detach()) == pytest.approx(0.8)
    assert float(fast.detach()) == pytest.approx(1.0 + 0.5 * (0.8 - 1.0))
