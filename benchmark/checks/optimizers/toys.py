"""Functions of a few small tensors, with an optimizer over them that is stepped as the slot calls it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from benchmark.checks.check import expect
from benchmark.checks.subject import Subject

__all__ = ["Problem", "Toy", "quadratic", "rosenbrock", "silent_steps", "small_network"]

SILENT = 24
"""Steps after which what has moved nothing is taken for what never will."""

_SHAPES = (
    ("embedding", (4, 3)),
    ("hidden", (3, 3)),
    ("hidden", (5, 3)),
    ("output", (2, 3)),
    ("norm", (3,)),
    ("bias", (3,)),
)
"""One tensor at least of every role, and two that share one."""


@dataclass(frozen=True)
class Problem:
    """What is to be minimised: the sum of some parts, all of them 0 or more."""

    starts: tuple[tuple[str, Tensor], ...]
    """Of every tensor its role, and the values that it starts from."""
    parts: Callable[[Sequence[Tensor]], Tensor]
    """From the tensors to ``(n_parts,)``."""


def quadratic(direction: float = 1.0) -> Problem:
    """Squared distances to a target, one part for each tensor; curvatures differ by a factor of 10.

    Targets are further from zero than the start, so that weights which merely decay come no nearer. Signs
    alternate along a row: what takes the mean out of a gradient's rows still has a way to go.

    Parameters
    ----------
    direction
        -1: the targets on the other side of the start, and so the opposite gradients at first.
    """
    generator = torch.Generator().manual_seed(0)
    signs = [1.0 - 2.0 * (torch.arange(shape[-1]) % 2) for _, shape in _SHAPES]
    starts, ways = (
        [
            sign * (0.5 + 0.5 * torch.rand(shape, generator=generator))
            for sign, (_, shape) in zip(signs, _SHAPES, strict=True)
        ]
        for _ in range(2)
    )
    targets = [start + direction * way for start, way in zip(starts, ways, strict=True)]
    curves = [10 ** (torch.rand(shape, generator=generator) - 0.5) for _, shape in _SHAPES]

    def parts(tensors: Sequence[Tensor]) -> Tensor:
        each = zip(tensors, targets, curves, strict=True)
        return torch.stack([(curve * (w - target).square()).sum() for w, target, curve in each])

    roles = [role for role, _ in _SHAPES]
    return Problem(tuple(zip(roles, starts, strict=True)), parts)


def rosenbrock() -> Problem:
    """Four of Rosenbrock's functions, each of one row ``(x, y)`` of a matrix (doi:10.1093/comjnl/3.3.175)."""
    start = torch.tensor([[-1.2, 1.0], [0.0, 0.5], [1.5, 1.0], [-0.5, -0.5]])

    def parts(tensors: Sequence[Tensor]) -> Tensor:
        x, y = tensors[0].unbind(1)
        return ((1 - x).square() + 100 * (y - x.square()).square()).sum().unsqueeze(0)

    return Problem((("hidden", start),), parts)


def small_network() -> Problem:
    """The squared error of a network of three layers on 64 points of a wave, all in one batch."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(64, 2, generator=generator) * 4 - 2
    y = torch.sin(2 * x[:, :1]) + 0.5 * x[:, 1:]
    sizes = (("embedding", 2, 16), ("hidden", 16, 16), ("output", 16, 1))
    starts: list[tuple[str, Tensor]] = []
    for role, fan_in, fan_out in sizes:
        weight = torch.randn(fan_out, fan_in, generator=generator) / math.sqrt(fan_in)
        starts += [(role, weight), ("bias", torch.zeros(fan_out))]

    def parts(tensors: Sequence[Tensor]) -> Tensor:
        first, a, second, b, third, c = tensors
        hidden = torch.tanh(torch.tanh(x @ first.T + a) @ second.T + b)
        return (hidden @ third.T + c - y).square().mean().unsqueeze(0)

    return Problem(tuple(starts), parts)


@dataclass(frozen=True)
class _Layer:
    """An attention layer whose logits are small."""

    query: Sequence[torch.nn.Parameter]
    key: Sequence[torch.nn.Parameter]
    largest: Tensor


def _as_it_is(_: int, gradient: Tensor) -> Tensor:
    return gradient


@dataclass(eq=False)
class Toy:
    """A problem on its way down, its tensors in parameter groups as the slot makes them."""

    problem: Problem
    parameters: list[torch.nn.Parameter]
    optimizer: torch.optim.Optimizer
    needs: Sequence[str]
    seed: int = 0
    scale: float = 1.0
    """Of the loss."""
    shift: float = 0.0
    """Added to the loss."""
    idle: set[int] = field(default_factory=set)
    """Parts that are left out of the loss: of a quadratic, the tensors without a gradient."""
    hand: Callable[[int, Tensor], Tensor] = _as_it_is
    """How the gradient of a tensor, by its number, is handed over."""
    _step: int = 0

    @classmethod
    def of(
        cls,
        subject: Subject,
        problem: Problem | None = None,
        *,
        groups: int = 1,
        backwards: bool = False,
        dtype: torch.dtype = torch.float32,
        rate: float = 1.0,
    ) -> Toy:
        """A fresh one; the quadratic, if no other problem is given.

        Parameters
        ----------
        groups
            How many the parameters are shared out to; a group for each role where the optimizer needs roles.
        backwards
            The parameters, and their groups, in reverse order.
        rate
            What the optimizer's own learning rates are multiplied by after it is made.
        """
        problem = problem or quadratic()
        parameters = [torch.nn.Parameter(start.clone().to(dtype)) for _, start in problem.starts]
        roles = [role for role, _ in problem.starts]
        numbers = [*range(len(parameters))][:: -1 if backwards else 1]
        named: list[Any] = [parameters[number] for number in numbers]
        if subject.says("roles"):
            named = [
                {"params": [parameters[number] for number in numbers if roles[number] == role], "role": role}
                for role in dict.fromkeys(roles[number] for number in numbers)
            ]
        elif groups > 1:
            share = math.ceil(len(named) / groups)
            named = [{"params": named[at : at + share]} for at in range(0, len(named), share)]
        extra: dict[str, Any] = {}
        if subject.says("attention_logits"):
            layer = _Layer([parameters[0]], [parameters[-1]], torch.ones(1, dtype=dtype))
            extra["attention_logits"] = lambda: [layer]
        toy = cls(problem, parameters, subject.make(named, **extra), subject.component.needs)
        toy.set_rates(rate)
        return toy

    def set_rates(self, factor: float, groups: slice = slice(None)) -> None:
        """Multiply the learning rates of some groups, as a schedule does it."""
        for group in self.optimizer.param_groups[groups]:
            expect("lr" in group, "`lr` in every parameter group: it is what a schedule sets", sorted(group))
            if factor != 1:
                group["lr"] = group["lr"] * factor

    def parts(self) -> Tensor:
        """What is left of every part ``(n_parts,)``, of the weights that are evaluated."""
        if "train_eval" in self.needs:
            self.optimizer.eval()  # type: ignore[attr-defined]
        with torch.no_grad():
            left = self.problem.parts(self.parameters)
        if "train_eval" in self.needs:
            self.optimizer.train()  # type: ignore[attr-defined]
        return left

    def closure(self, create_graph: bool = False) -> Tensor:
        """The slot's closure."""
        with torch.enable_grad():
            self.optimizer.zero_grad()
            parts = self.problem.parts(self.parameters)
            counted = [part for number, part in enumerate(parts) if number not in self.idle]
            loss = self.scale * torch.stack(counted).sum() + self.shift
            gradients = torch.autograd.grad(
                loss, self.parameters, create_graph=create_graph, allow_unused=True
            )
        for number, (parameter, gradient) in enumerate(zip(self.parameters, gradients, strict=True)):
            silent = gradient is None or number in self.idle
            parameter.grad = None if silent else self.hand(number, gradient)
        return loss.detach()

    def train(self, steps: int) -> Toy:
        """Itself after so many steps, each with its own randomness whatever came before."""
        if "train_eval" in self.needs:
            self.optimizer.train()  # type: ignore[attr-defined]
        for _ in range(steps):
            torch.manual_seed(1000 * self.seed + self._step)
            if "closure" in self.needs:
                self.optimizer.step(self.closure)  # type: ignore[arg-type]
            else:
                self.closure()
                self.optimizer.step()
            self._step += 1
        return self

    def weights(self) -> list[Tensor]:
        """A copy of every tensor."""
        return [parameter.detach().clone() for parameter in self.parameters]

    def moved(self) -> list[float]:
        """How far any entry of each tensor is from its start; infinite where it is not finite."""
        apart = [
            float((parameter.detach() - start.to(parameter)).abs().max())
            for parameter, (_, start) in zip(self.parameters, self.problem.starts, strict=True)
        ]
        return [far if math.isfinite(far) else math.inf for far in apart]

    def state_tensors(self) -> Iterator[Tensor]:
        """Every tensor of the optimizer's state, in lists and tables too."""
        return _tensors([*self.optimizer.state.values()])


def silent_steps(subject: Subject) -> int:
    """How many steps move nothing at first, as where an update waits for later gradients; 0 if all do."""
    toy = Toy.of(subject)
    return next((step for step in range(SILENT) if any(toy.train(1).moved())), 0)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from _tensors([*value.values()])
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _tensors(one)
