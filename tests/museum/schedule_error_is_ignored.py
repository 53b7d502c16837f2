"""Patience that counts evaluations and never looks at the error."""

from __future__ import annotations

import torch
from torch.optim.lr_scheduler import LRScheduler

SLOT = "schedule"
CLASS = "Watchful"
FINDING = "reads_the_validation_error"
SO = ("trains_until_the_end",)
NEEDS = ("validation_error",)


class Watchful(LRScheduler):
    def __init__(self, optimizer: torch.optim.Optimizer, total_steps: int, patience: int = 3) -> None:
        self.total_steps, self.patience = total_steps, patience
        super().__init__(optimizer)

    def get_lr(self) -> list[float | torch.Tensor]:
        return [base * 0.5 ** (self.last_epoch // self.patience) for base in self.base_lrs]

    def step(self, _: float | None = None) -> None:
        super().step()
