"""A cycle of the momentum against the rate, for optimizers that have one."""

from __future__ import annotations

import torch
from torch.optim.lr_scheduler import LRScheduler

SLOT = "schedule"
CLASS = "Cycle"
FINDING = "takes_any_optimizer"
SO = ()


class Cycle(LRScheduler):
    def __init__(self, optimizer: torch.optim.Optimizer, total_steps: int) -> None:
        self.total_steps = total_steps
        super().__init__(optimizer)

    def get_lr(self) -> list[float | torch.Tensor]:
        left = max(0.0, 1 - self.last_epoch / self.total_steps)
        for group in self.optimizer.param_groups:
            group["momentum"] = min(group["momentum"], 0.95 - 0.1 * left)
        return [base * left for base in self.base_lrs]
