"""Momentum with weight decay outside no_grad: every step keeps the graph of all before it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "Decayed"
FINDING = "keeps_no_graph"
SO = ()


class Decayed(torch.optim.Optimizer):
    def __init__(self, params: Iterable[Any], lr: float = 1e-2, weight_decay: float = 1e-4) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    def step(self, _: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                gradient = p.grad + group["weight_decay"] * p
                speed = self.state[p].get("speed")
                self.state[p]["speed"] = gradient if speed is None else 0.9 * speed + gradient
                p.data -= group["lr"] * self.state[p]["speed"].data
