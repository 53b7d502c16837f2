"""A sharpness-aware step that never asks for the second gradient, nor for the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "Sharp"
FINDING = "calls_the_closure"
SO = ()
NEEDS = ("closure",)


class Sharp(torch.optim.Optimizer):
    def __init__(self, params: Iterable[Any], lr: float = 5e-2, rho: float = 0.05) -> None:
        super().__init__(params, {"lr": lr, "rho": rho})

    @torch.no_grad()
    def step(self, _: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                p.sub_(p.grad, alpha=group["lr"])
