"""Lion whose rate is copied when it is made: no schedule changes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "Lion2"
FINDING = "heeds_a_changed_rate"
SO = ("obeys_lr_zero", "groups_keep_their_rates")


class Lion2(torch.optim.Optimizer):
    def __init__(self, params: Iterable[Any], lr: float = 1e-3, beta: float = 0.9) -> None:
        super().__init__(params, {"lr": lr})
        self.lr, self.beta = lr, beta

    @torch.no_grad()
    def step(self, _: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["mean"] = torch.zeros_like(p)
                state["mean"].lerp_(p.grad, 1 - self.beta)
                p.sub_(state["mean"].sign(), alpha=self.lr)
