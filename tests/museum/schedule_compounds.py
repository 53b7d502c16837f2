"""A straight line whose share of the budget multiplies the rate of now, not the first one."""

from __future__ import annotations

import torch
from torch.optim.lr_scheduler import LRScheduler

SLOT = "schedule"
CLASS = "Line"
FINDING = "trains_until_the_end"
SO = ()


class Line(LRScheduler):
    def __init__(self, optimizer: torch.optim.Optimizer, total_steps: int) -> None:
        self.total_steps = total_steps
        super().__init__(optimizer)

    def get_lr(self) -> list[float | torch.Tensor]:
        left = max(0.0, 1 - self.last_epoch / self.total_steps)
        return [group["lr"] * left for group in self.optimizer.param_groups]
