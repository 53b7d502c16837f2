"""Momentum in a table of the class, by number of the parameter: the next optimizer goes on with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "Momentum"
FINDING = "shares_no_state"
SO = ("is_deterministic", "optimizer_survives_state_dict", "steps_along_sparse_gradients")


class Momentum(torch.optim.Optimizer):
    speeds: dict[Any, torch.Tensor] = {}

    def __init__(self, params: Iterable[Any], lr: float = 1e-2, momentum: float = 0.9) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, _: Any = None) -> None:  # type: ignore[override]
        every = [(group, p) for group in self.param_groups for p in group["params"]]
        for number, (group, p) in enumerate(every):
            if p.grad is not None:
                speed = self.speeds.setdefault((number, p.shape, p.dtype), torch.zeros_like(p))
                speed.mul_(group["momentum"]).add_(p.grad)
                p.sub_(speed, alpha=group["lr"])
