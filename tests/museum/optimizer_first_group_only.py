"""Momentum that steps the parameters of the first group alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "HeavyBall"
FINDING = "touches_every_group"
SO = ("groups_keep_their_rates",)


class HeavyBall(torch.optim.Optimizer):
    def __init__(self, params: Iterable[Any], lr: float = 1e-2, momentum: float = 0.9) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, _: Any = None) -> None:  # type: ignore[override]
        group = self.param_groups[0]
        for p in group["params"]:
            if p.grad is None:
                continue
            state = self.state[p]
            if not state:
                state["speed"] = torch.zeros_like(p)
            state["speed"].mul_(group["momentum"]).add_(p.grad)
            p.sub_(state["speed"], alpha=group["lr"])
