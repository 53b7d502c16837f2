"""SGD that takes the values of a sparse gradient for its first rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "RowWise"
FINDING = "steps_along_sparse_gradients"
SO = ()


class RowWise(torch.optim.Optimizer):
    def __init__(self, params: Iterable[Any], lr: float = 5e-2) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, _: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                if p.grad.is_sparse:
                    rows = p.grad.coalesce().values()
                    p[: len(rows)].sub_(rows, alpha=group["lr"])
                else:
                    p.sub_(p.grad, alpha=group["lr"])
