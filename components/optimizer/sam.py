"""Sharpness-aware minimisation around any base optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

__all__ = ["SAM"]


class SAM(torch.optim.Optimizer):
    """The base optimizer's step, with the gradient at the worst point nearby (arXiv:2010.01412, algorithm 1).

    Parameters
    ----------
    params
        Parameters or parameter groups, handed on to ``base``.
    base
        Makes the optimizer that takes the step from ``params``.
    rho
        Distance to the point at which the second gradient is taken.
    """

    def __init__(
        self,
        params: Iterable[Any],
        base: Callable[[Iterable[Any]], torch.optim.Optimizer],
        rho: float = 0.05,
    ) -> None:
        if rho < 0:
            raise ValueError(f"rho is a distance and cannot be negative: {rho}")
        self.base = base(params)
        super().__init__(self.base.param_groups, self.base.defaults)
        self.rho = rho
        self._share()

    def _share(self) -> None:
        """Let schedules and checkpoints see the base optimizer's groups and state as their own."""
        self.param_groups, self.state = self.base.param_groups, self.base.state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing comes back; between two steps the base optimizer holds all the state there is."""
        self.base.load_state_dict(state_dict)
        self._share()

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor]) -> Tensor:  # type: ignore[override]
        """The loss before the step; ``closure`` is called twice."""
        loss = closure()
        moved = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        start = [p.clone() for p in moved]
        gradients = [p.grad for p in moved]
        scale = self.rho / (torch.stack(torch._foreach_norm(gradients)).norm() + 1e-12)
        torch._foreach_add_(moved, torch._foreach_mul(gradients, scale))
        closure()
        torch._foreach_copy_(moved, start)
        self.base.step()
        return loss
