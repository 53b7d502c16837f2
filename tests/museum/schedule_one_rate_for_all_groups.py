"""A straight line from the rate of the first group, for all groups."""

from __future__ import annotations

import torch
from torch.optim.lr_scheduler import LRScheduler

SLOT = "schedule"
CLASS = "Line"
FINDING = "groups_keep_their_ratio"
SO = ()


class Line(LRScheduler):
    def __init__(self, optimizer: torch.optim.Optimizer, total_steps: int) -> None:
        self.total_steps = total_steps
        super().__init__(optimizer)

    def get_lr(self) -> list[float | torch.Tensor]:
        left = max(0.0, 1 - self.last_epoch / self.total_steps)
        return [self.base_lrs[0] * left for _ in self.base_lrs]
