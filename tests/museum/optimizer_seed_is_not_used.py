"""Noise on the gradients from a generator of its own, seeded by the system."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "Noisy"
FINDING = "is_deterministic"
SO = ()


class Noisy(torch.optim.Optimizer):
    def __init__(self, params: Iterable[Any], lr: float = 5e-2, noise: float = 1e-3) -> None:
        super().__init__(params, {"lr": lr, "noise": noise})
        self.generator = torch.Generator().manual_seed(int.from_bytes(os.urandom(4), "big"))

    @torch.no_grad()
    def step(self, _: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    noise = torch.randn(p.shape, generator=self.generator, dtype=p.dtype)
                    p.sub_(p.grad + group["noise"] * noise, alpha=group["lr"])
