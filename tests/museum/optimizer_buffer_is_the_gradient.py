"""Momentum whose buffer is the first gradient itself and no copy of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "Momentum2"
FINDING = "keeps_no_hold_of_gradients"
SO = ()


class Momentum2(torch.optim.Optimizer):
    def __init__(self, params: Iterable[Any], lr: float = 1e-2, momentum: float = 0.9) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, _: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                if "speed" not in self.state[p]:
                    self.state[p]["speed"] = p.grad
                else:
                    self.state[p]["speed"].mul_(group["momentum"]).add_(p.grad)
                p.sub_(self.state[p]["speed"], alpha=group["lr"])
