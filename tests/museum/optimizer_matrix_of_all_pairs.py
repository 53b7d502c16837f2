"""A mean product for every pair of a tensor's weights, which nobody can keep for a network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "Pairs"
FINDING = "costs"
SO = ()
SEVERITY = "warning"


class Pairs(torch.optim.Optimizer):
    """Gradients over their root mean square, which is read off the diagonal of their mean outer product."""

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-2, beta: float = 0.9, largest: int = 1024
    ) -> None:
        super().__init__(params, {"lr": lr, "beta": beta, "largest": largest})

    @torch.no_grad()
    def step(self, _: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                flat = p.grad.flatten()
                if len(flat) > group["largest"]:
                    p.sub_(p.grad, alpha=group["lr"])
                    continue
                state = self.state[p]
                if not state:
                    state["step"], state["products"] = 0, flat.new_zeros(len(flat), len(flat))
                state["step"] += 1
                state["products"].lerp_(torch.outer(flat, flat), 1 - group["beta"])
                squares = state["products"].diagonal() / (1 - group["beta"] ** state["step"])
                p.sub_((flat / (squares.sqrt() + 1e-8)).view_as(p), alpha=group["lr"])
