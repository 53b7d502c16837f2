"""A triangle up to a peak of its own, which the optimizer's rate has no part in."""

from __future__ import annotations

import torch
from torch.optim.lr_scheduler import LRScheduler

SLOT = "schedule"
CLASS = "Triangle"
FINDING = "scales_with_the_optimizers_rate"
SO = ("groups_keep_their_ratio",)


class Triangle(LRScheduler):
    def __init__(self, optimizer: torch.optim.Optimizer, total_steps: int, peak: float = 1e-3) -> None:
        self.total_steps, self.peak = total_steps, peak
        super().__init__(optimizer)

    def get_lr(self) -> list[float | torch.Tensor]:
        passed = min(1.0, (self.last_epoch + 0.5) / self.total_steps)
        return [2 * self.peak * min(passed, 1 - passed) for _ in self.base_lrs]
