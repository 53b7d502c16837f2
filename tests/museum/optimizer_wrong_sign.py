"""The sign of the mean gradient, which is added where it should be taken away."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "SignMomentum"
FINDING = "descends_a_quadratic"
SO = ("descends_rosenbrock", "descends_a_small_network", "learns")


class SignMomentum(torch.optim.Optimizer):
    def __init__(self, params: Iterable[Any], lr: float = 1e-3, beta: float = 0.9) -> None:
        super().__init__(params, {"lr": lr, "beta": beta})

    @torch.no_grad()
    def step(self, _: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["mean"] = torch.zeros_like(p)
                state["mean"].lerp_(p.grad, 1 - group["beta"])
                p.add_(state["mean"].sign(), alpha=group["lr"])
