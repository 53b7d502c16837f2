"""A factor that is multiplied up in an attribute which no state_dict holds."""

from __future__ import annotations

import torch
from torch.optim.lr_scheduler import LRScheduler

SLOT = "schedule"
CLASS = "Geometric"
FINDING = "schedule_survives_state_dict"
SO = ()


class Geometric(LRScheduler):
    def __init__(self, optimizer: torch.optim.Optimizer, total_steps: int, end: float = 0.1) -> None:
        self.share, self.left = end ** (1 / total_steps), 1.0
        super().__init__(optimizer)

    def get_lr(self) -> list[float | torch.Tensor]:
        rates: list[float | torch.Tensor] = [base * self.left for base in self.base_lrs]
        self.left *= self.share
        return rates

    def state_dict(self) -> dict[str, float]:
        return {"last_epoch": self.last_epoch}
