"""A rate that falls with the seconds since it was made, not with the steps."""

from __future__ import annotations

import time

import torch
from torch.optim.lr_scheduler import LRScheduler

SLOT = "schedule"
CLASS = "Clockwork"
FINDING = "goes_by_steps_alone"
SO = ("schedule_survives_state_dict",)


class Clockwork(LRScheduler):
    def __init__(self, optimizer: torch.optim.Optimizer, total_steps: int, seconds: float = 60.0) -> None:
        self.total_steps, self.seconds = total_steps, seconds
        self.start = time.monotonic()
        super().__init__(optimizer)

    def get_lr(self) -> list[float | torch.Tensor]:
        passed = (time.monotonic() - self.start) / self.seconds
        return [base / (1 + passed) for base in self.base_lrs]
