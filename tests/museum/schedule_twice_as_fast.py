"""Half a cosine whose angle is twice what it should be, cut off where it is negative."""

from __future__ import annotations

import math

import torch
from torch.optim.lr_scheduler import LRScheduler

SLOT = "schedule"
CLASS = "HalfCosine"
FINDING = "trains_until_the_end"
SO = ()


class HalfCosine(LRScheduler):
    def __init__(self, optimizer: torch.optim.Optimizer, total_steps: int) -> None:
        self.total_steps = total_steps
        super().__init__(optimizer)

    def get_lr(self) -> list[float | torch.Tensor]:
        left = max(0.0, math.cos(math.pi * self.last_epoch / self.total_steps))
        return [base * left for base in self.base_lrs]
