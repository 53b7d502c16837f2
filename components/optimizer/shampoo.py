"""Shampoo: a preconditioner for every dimension of a parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

__all__ = ["Shampoo"]


class Shampoo(torch.optim.Optimizer):
    """Averaged gradients times inverse roots of summed Gram matrices (arXiv:1802.09568, algorithm 2).

    Parameters
    ----------
    params
        Parameters of any order k, or parameter groups.
    lr
        Step size; the summed statistics shrink the steps as in Adagrad.
    momentum
        Of the running mean of gradients that is preconditioned.
    weight_decay
        Decoupled, in units of ``lr``.
    eps
        What the Gram matrices start from, times the identity.
    every
        Steps between two computations of the roots; until there were as many steps, each computes them,
        because roots of too few gradients blow up whatever those did not span.
    largest
        Dimensions of more entries keep the Gram matrix's diagonal alone.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-1,
        momentum: float = 0.9,
        weight_decay: float = 1e-4,
        eps: float = 1e-4,
        every: int = 20,
        largest: int = 1024,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "weight_decay": weight_decay,
                "eps": eps,
                "every": every,
                "largest": largest,
            },
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """What the closure gives, if there is one."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, group)
        return loss

    def _update(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = 0
            state["mean"] = torch.zeros_like(gradient)
            state["grams"] = [_start(n, gradient, group) for n in gradient.shape]
            state["roots"] = [gram.clone() for gram in state["grams"]]
        state["step"] += 1
        state["mean"].lerp_(gradient, 1 - group["momentum"])
        for dim, gram in enumerate(state["grams"]):
            rows = gradient.movedim(dim, 0).reshape(len(gram), -1)
            gram += rows @ rows.T if gram.ndim == 2 else rows.square().sum(1)
        if state["step"] <= group["every"] or state["step"] % group["every"] == 0:
            power = 2 * gradient.ndim
            state["roots"] = [_inverse_root(gram, power, group["eps"]) for gram in state["grams"]]
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.sub_(_preconditioned(state["mean"], state["roots"]), alpha=group["lr"])


def _start(n: int, gradient: Tensor, group: dict[str, Any]) -> Tensor:
    """A Gram matrix ``(n, n)`` of no gradients, or its diagonal ``(n,)``."""
    diagonal = gradient.new_full((n,), group["eps"])
    return diagonal if n > group["largest"] else diagonal.diag()


def _inverse_root(gram: Tensor, power: int, least: float) -> Tensor:
    """``gram``, whose eigenvalues are ``least`` or more, to the power ``-1 / power``."""
    if gram.ndim == 1:
        return gram.pow(-1 / power)
    # The sum spans more orders of magnitude than float32 has digits: small eigenvalues come out as noise.
    values, vectors = torch.linalg.eigh(gram.double())
    root: Tensor = (vectors * values.clamp_min(least).pow(-1 / power)) @ vectors.T
    return root.to(gram)


def _preconditioned(gradient: Tensor, roots: list[Tensor]) -> Tensor:
    """The gradient times the root of every dimension; each turn takes the first dimension to the end."""
    for root in roots:
        gradient = gradient.movedim(0, -1)
        gradient = gradient @ root if root.ndim == 2 else gradient * root
    return gradient
