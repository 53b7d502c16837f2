"""A schedule that steps the optimizer too, once more than the training does."""

from __future__ import annotations

import torch
from torch.optim.lr_scheduler import LRScheduler

SLOT = "schedule"
CLASS = "Eager"
FINDING = "leaves_the_weights_alone"
SO = ()


class Eager(LRScheduler):
    def __init__(self, optimizer: torch.optim.Optimizer, total_steps: int) -> None:
        self.total_steps = total_steps
        super().__init__(optimizer)

    def get_lr(self) -> list[float | torch.Tensor]:
        return [base * max(0.0, 1 - self.last_epoch / self.total_steps) for base in self.base_lrs]

    def step(self, epoch: int | None = None) -> None:
        if self.last_epoch >= 0:
            self.optimizer.step()
        super().step(epoch)
