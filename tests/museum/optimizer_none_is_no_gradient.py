"""A clip of all gradients that does not ask whether there is one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "Clipped"
FINDING = "skips_what_has_no_gradient"
SO = ()


class Clipped(torch.optim.Optimizer):
    def __init__(self, params: Iterable[Any], lr: float = 3e-2, largest: float = 1.0) -> None:
        super().__init__(params, {"lr": lr, "largest": largest})

    @torch.no_grad()
    def step(self, _: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            norm = torch.stack([p.grad.norm() for p in group["params"]]).norm()
            scale = float((group["largest"] / (norm + 1e-8)).clamp(max=1.0))
            for p in group["params"]:
                p.sub_(p.grad, alpha=group["lr"] * scale)
