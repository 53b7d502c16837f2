"""Weight decay that is added to ``p.grad`` in place: whoever accumulates or logs gradients has others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "Decayed"
FINDING = "leaves_gradients_alone"
SO = ()
SEVERITY = "warning"


class Decayed(torch.optim.Optimizer):
    def __init__(self, params: Iterable[Any], lr: float = 1e-2, decay: float = 0.1) -> None:
        super().__init__(params, {"lr": lr, "decay": decay})

    @torch.no_grad()
    def step(self, _: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.grad.add_(p, alpha=group["decay"])
                    p.add_(p.grad, alpha=-group["lr"])
