"""A warm-up and a line whose slope forgets the warm-up: the last rates are negative."""

from __future__ import annotations

import torch
from torch.optim.lr_scheduler import LRScheduler

SLOT = "schedule"
CLASS = "WarmLine"
FINDING = "rates_are_sound"
SO = ()


class WarmLine(LRScheduler):
    def __init__(self, optimizer: torch.optim.Optimizer, total_steps: int, warmup: int = 2) -> None:
        self.total_steps, self.warmup = total_steps, warmup
        super().__init__(optimizer)

    def get_lr(self) -> list[float | torch.Tensor]:
        step = self.last_epoch
        rising = min(1.0, (step + 1) / self.warmup)
        falling = 1 - max(0, step - self.warmup) / max(1, self.total_steps - 2 * self.warmup)
        return [base * min(rising, falling) for base in self.base_lrs]
