"""Adam whose step counter for the bias correction goes up with every parameter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "Adam2"
FINDING = "order_of_parameters_does_not_matter"
SO = ()


class Adam2(torch.optim.Optimizer):
    def __init__(
        self, params: Iterable[Any], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999)
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "step": 0})

    @torch.no_grad()
    def step(self, _: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            first, second = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                group["step"] += 1
                state = self.state[p]
                if not state:
                    state["mean"], state["square"] = torch.zeros_like(p), torch.zeros_like(p)
                state["mean"].lerp_(p.grad, 1 - first)
                state["square"].mul_(second).addcmul_(p.grad, p.grad, value=1 - second)
                mean = state["mean"] / (1 - first ** group["step"])
                scale = (state["square"] / (1 - second ** group["step"])).sqrt_().add_(1e-8)
                p.addcdiv_(mean, scale, value=-group["lr"])
