"""Momentum whose buffers are kept beside the optimizer's state, so that no checkpoint has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

SLOT = "optimizer"
CLASS = "Averaged"
FINDING = "optimizer_survives_state_dict"
SO = ()


class Averaged(torch.optim.Optimizer):
    def __init__(self, params: Iterable[Any], lr: float = 1e-2, beta: float = 0.9) -> None:
        super().__init__(params, {"lr": lr, "beta": beta})
        self.means: dict[Tensor, Tensor] = {}

    @torch.no_grad()
    def step(self, _: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                mean = self.means.setdefault(p, torch.zeros_like(p))
                mean.mul_(group["beta"]).add_(p.grad)
                p.sub_(mean, alpha=group["lr"])
