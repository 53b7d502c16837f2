"""The default rate where the rate is 0, for `or` takes 0 as no answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "Signs"
FINDING = "obeys_lr_zero"
SO = ("groups_keep_their_rates",)


class Signs(torch.optim.Optimizer):
    def __init__(self, params: Iterable[Any], lr: float = 1e-3) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, _: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            lr = group["lr"] or 1e-3
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(p.grad.sign(), alpha=lr)
