"""Adagrad that computes in float32 whatever the weights are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "Adagrad2"
FINDING = "keeps_float64"
SO = ()


class Adagrad2(torch.optim.Optimizer):
    def __init__(self, params: Iterable[Any], lr: float = 1e-2) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, _: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                gradient, state = p.grad.float(), self.state[p]
                if not state:
                    state["sum"] = torch.zeros_like(gradient)
                state["sum"].addcmul_(gradient, gradient)
                p.copy_(p.float() - group["lr"] * gradient / (state["sum"].sqrt() + 1e-10))
