"""Averaged weights that `eval()` forgets to put into the network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "Polyak"
FINDING = "switches_between_train_and_eval"
SO = ()


class Polyak(torch.optim.SGD):
    def __init__(self, params: Iterable[Any], lr: float = 5e-2, beta: float = 0.9) -> None:
        super().__init__(params, lr=lr)
        self.beta = beta

    @torch.no_grad()
    def step(self, _: Any = None) -> None:  # type: ignore[override]
        super().step()
        for group in self.param_groups:
            for p in group["params"]:
                mean = self.state[p].setdefault("mean", p.clone())
                mean.lerp_(p, 1 - self.beta)

    def eval(self) -> None:
        self.averaged = True

    def train(self) -> None:
        self.averaged = False
