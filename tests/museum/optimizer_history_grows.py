"""Averages the last gradients, and forgets to forget: what it keeps grows with every step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "Averaged"
FINDING = "costs"
SO = ()
SEVERITY = "warning"


class Averaged(torch.optim.Optimizer):
    """Steps along the mean of the last five gradients."""

    def __init__(self, params: Iterable[Any], lr: float = 1e-2) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = closure() if closure else None
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                gradient = p.grad.to_dense() if p.grad.is_sparse else p.grad
                history = self.state[p].setdefault("history", [])
                history.append(gradient.clone())
                p.sub_(torch.stack(history[-5:]).mean(0), alpha=group["lr"])
        return loss
