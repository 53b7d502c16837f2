"""Sophia, driven by a closure that says how the Hessian is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytorch_optimizer
import torch
from torch import Tensor

__all__ = ["Sophia"]


class Sophia(pytorch_optimizer.SophiaH):  # type: ignore[misc]
    """Momentum over a Hessian diagonal by Hutchinson, clipped (arXiv:2305.14342, algorithms 1 and 3).

    The paper's step is ``lr clip(m / (gamma h), 1)``; the library's ``lr clip(m / h, p)`` is the same for
    ``p = gamma`` and an ``lr`` that is ``1 / gamma`` times larger.
    """

    @torch.no_grad()
    def step(self, closure: Callable[..., Tensor]) -> Tensor:
        """The loss; every ``update_period`` steps the closure is asked for gradients of gradients."""
        due = self.param_groups[0].get("step", 0) % self.update_period == 0
        loss = closure(create_graph=True) if due else closure()
        super().step(hessian=self._hessian() if due else None)
        return loss

    def _hessian(self) -> list[Tensor]:
        """``u * (Hessian u)`` for every parameter, u standard normal; the gradients let go of their graph."""
        params = [p for group in self.param_groups for p in group["params"]]
        given = [p for p in params if p.grad is not None]
        noise = [torch.randn_like(p) for p in given]
        # A gradient that depends on no weight, as where the loss is linear, has no graph to follow.
        bent = [(p.grad, u) for p, u in zip(given, noise, strict=True) if p.grad.requires_grad]
        products: Sequence[Tensor] = [torch.zeros_like(p) for p in given]
        if bent:
            outputs, directions = zip(*bent, strict=True)
            products = torch.autograd.grad(outputs, given, directions, materialize_grads=True)
        for parameter in given:
            parameter.grad = parameter.grad.detach()
        estimates = {p: u * product for p, u, product in zip(given, noise, products, strict=True)}
        return [estimates.get(p, torch.zeros_like(p)) for p in params]
