"""An optimizer over parameters of any number, shaped as a transformer's blocks are."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from benchmark.checks.subject import Subject

__all__ = ["Blocks"]

HEADS = 4
BETWEEN = (0.1, 10.0)
"""Curvatures of the loss, by place in a tensor: so that what solves a quadratic has something to solve."""


@dataclass(eq=False)
class Blocks:
    """Parameters with gradients, and an optimizer that steps them as its slot's contract says.

    A block has four square matrices, two that are four times as long, and two vectors. Without a closure
    the gradients stay what they are; with one they are those of a quadratic whose minimum moves every step.
    """

    parameters: list[torch.nn.Parameter]
    optimizer: torch.optim.Optimizer
    asks: tuple[str, ...] = ()
    passes: int = 0
    """Calls of the closure."""
    passes_seconds: float = 0.0
    """What they took."""
    _curvatures: list[Tensor] = field(default_factory=list)
    _steps: int = 0

    @classmethod
    def of(cls, subject: Subject, width: int, blocks: int) -> Blocks:
        """Under a component's optimizer, with what it asks for."""
        parameters, asks = _parameters(width, blocks), subject.component.needs
        given: Any = parameters
        if "roles" in asks:
            kinds = {2: "hidden", 1: "norm"}
            given = [
                {"params": [one for one in parameters if one.ndim == ndim], "role": role}
                for ndim, role in kinds.items()
            ]
        extra = {}
        if "attention_logits" in asks:
            extra["attention_logits"] = lambda: [*_attention(parameters)]
        made = cls(parameters, subject.make(given, **extra), asks)
        if "closure" in asks:
            made._curvatures = [torch.linspace(*BETWEEN, one.numel()).view_as(one) for one in parameters]
        if "train_eval" in asks:
            made.optimizer.train()  # type: ignore[attr-defined]
        return made

    @classmethod
    def under(cls, make: Callable[..., torch.optim.Optimizer], width: int, blocks: int) -> Blocks:
        """Under an optimizer that asks for nothing."""
        parameters = _parameters(width, blocks)
        return cls(parameters, make(parameters))

    @property
    def size(self) -> int:
        """Numbers in all parameters."""
        return sum(parameter.numel() for parameter in self.parameters)

    def step(self) -> None:
        """One step."""
        self._steps += 1
        if "closure" in self.asks:
            self.optimizer.step(self._closure)  # type: ignore[arg-type]
        else:
            self.optimizer.step()

    def seconds(self, steps: int, most: float) -> float:
        """Seconds a step, passes apart: the mean of so many, or of fewer once ``most`` seconds are over.

        Of this thread: what else runs on the machine is not in it.
        """
        began, before, taken = time.thread_time(), self.passes_seconds, 0
        while taken < steps and (not taken or time.thread_time() - began < most):
            self.step()
            taken += 1
        return (time.thread_time() - began - (self.passes_seconds - before)) / taken

    def bytes_per_second(self) -> float:
        """At which an elementwise operator reads all parameters and writes as many new numbers."""
        values = [parameter.detach() for parameter in self.parameters]
        best = float("inf")
        for _ in range(3):
            started = time.thread_time()
            torch._foreach_mul(values, 0.5)
            best = min(best, time.thread_time() - started)
        return 8 * self.size / best

    def state_bytes(self) -> int:
        """Of all tensors that the optimizer holds, parameters and gradients apart."""
        own = {id(one) for parameter in self.parameters for one in (parameter, parameter.grad)}
        found = {id(one): one for one in _tensors(self.optimizer, set()) if id(one) not in own}
        return sum(one.numel() * one.element_size() for one in found.values())

    def _closure(self, create_graph: bool = False) -> Tensor:
        started = time.thread_time()
        self.optimizer.zero_grad()
        minimum = 0.1 * (self._steps % 7)
        value = self._differentiable(minimum) if create_graph else self._plain(minimum)
        self.passes += 1
        self.passes_seconds += time.thread_time() - started
        return value

    @torch.no_grad()
    def _plain(self, minimum: float) -> Tensor:
        """The loss, its gradients in place."""
        away = torch._foreach_sub([*self.parameters], minimum)
        gradients = torch._foreach_mul(away, self._curvatures)
        torch._foreach_mul_(away, gradients)
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        return 0.5 * torch.stack([one.sum() for one in away]).sum()

    def _differentiable(self, minimum: float) -> Tensor:
        """The same with gradients that can be differentiated again."""
        with torch.enable_grad():
            pairs = zip(self.parameters, self._curvatures, strict=True)
            value = torch.stack([(0.5 * bend * (one - minimum) ** 2).sum() for one, bend in pairs]).sum()
            gradients = torch.autograd.grad(value, self.parameters, create_graph=True)
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        return value.detach()


@dataclass(frozen=True)
class _Attention:
    """One layer, as :class:`benchmark.slots.AttentionLayer` says."""

    query: list[torch.nn.Parameter]
    key: list[torch.nn.Parameter]
    largest: Tensor


def _parameters(width: int, blocks: int) -> list[torch.nn.Parameter]:
    square, long = (width, width), (4 * width, width)
    shapes: list[tuple[int, ...]] = [*[square] * 4, long, long[::-1], (width,), (width,)]
    generator = torch.Generator().manual_seed(0)
    weights, gradients = torch.randn(2, 4 * width**2, generator=generator)
    made = []
    for shape in shapes * blocks:
        size = math.prod(shape)
        parameter = torch.nn.Parameter(weights[:size].view(shape) * width**-0.5)
        parameter.grad = gradients[:size].view(shape) * 1e-2
        made.append(parameter)
    return made


def _attention(parameters: list[torch.nn.Parameter]) -> Iterator[_Attention]:
    for first in range(0, len(parameters), 8):
        query, key = parameters[first : first + 2]
        yield _Attention([query], [key], torch.ones(HEADS))


def _tensors(holder: Any, seen: set[int]) -> Iterator[Tensor]:
    """Every tensor that is reached through containers, optimizers and dataclasses."""
    if id(holder) in seen:
        return
    seen.add(id(holder))
    if isinstance(holder, Tensor):
        yield holder
        return
    inside: list[Any] = []
    if isinstance(holder, dict):
        inside = [*holder.values()]
    elif isinstance(holder, (list, tuple, set)):
        inside = [*holder]
    elif isinstance(holder, torch.optim.Optimizer) or dataclasses.is_dataclass(holder):
        inside = [*vars(holder).values()]
    for one in inside:
        yield from _tensors(one, seen)
