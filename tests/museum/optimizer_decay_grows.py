"""Decoupled weight decay with its sign turned: weights grow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "DecoupledSGD"
FINDING = "weight_decay_shrinks_weights"
SO = ()


class DecoupledSGD(torch.optim.Optimizer):
    def __init__(self, params: Iterable[Any], lr: float = 5e-2, weight_decay: float = 1e-3) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, _: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.mul_(1 + group["lr"] * group["weight_decay"]).sub_(p.grad, alpha=group["lr"])
