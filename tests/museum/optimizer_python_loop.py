"""Momentum as a loop over single weights: right, and hundreds of times as slow as whole tensors are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "Careful"
FINDING = "costs"
SO = ()
SEVERITY = "warning"


class Careful(torch.optim.Optimizer):
    """Momentum that leaves out steps against the gradient, weight by weight."""

    def __init__(self, params: Iterable[Any], lr: float = 1e-2, momentum: float = 0.9) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = closure() if closure else None
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["speed"] = torch.zeros_like(p)
                gradient = p.grad.to_dense() if p.grad.is_sparse else p.grad
                weights, speeds = p.flatten().tolist(), state["speed"].flatten().tolist()
                for place, slope in enumerate(gradient.flatten().tolist()):
                    speeds[place] = group["momentum"] * speeds[place] + slope
                    if speeds[place] * slope > 0:
                        weights[place] -= group["lr"] * speeds[place]
                p.copy_(torch.tensor(weights, dtype=p.dtype, device=p.device).view_as(p))
                state["speed"].copy_(torch.tensor(speeds, dtype=p.dtype, device=p.device).view_as(p))
        return loss
