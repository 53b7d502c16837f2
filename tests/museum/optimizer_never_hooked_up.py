"""Updates that are computed and never applied: `p - step` is a new tensor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "Normalised"
FINDING = "steps_as_the_slot_calls_it"
SO = ("descends_a_quadratic", "touches_every_group", "heeds_a_changed_rate", "learns")


class Normalised(torch.optim.Optimizer):
    def __init__(self, params: Iterable[Any], lr: float = 1e-2) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, _: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p = p - group["lr"] * p.grad / (p.grad.norm() + 1e-8)
