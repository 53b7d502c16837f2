"""Steps that take the rate of the first group for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "Nesterov2"
FINDING = "groups_keep_their_rates"
SO = ()


class Nesterov2(torch.optim.Optimizer):
    def __init__(self, params: Iterable[Any], lr: float = 1e-2, momentum: float = 0.9) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, _: Any = None) -> None:  # type: ignore[override]
        lr = self.param_groups[0]["lr"]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["speed"] = torch.zeros_like(p)
                state["speed"].mul_(group["momentum"]).add_(p.grad)
                p.sub_(p.grad + group["momentum"] * state["speed"], alpha=lr)
