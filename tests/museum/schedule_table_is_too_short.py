"""Factors looked up in a table that ends with the budget."""

from __future__ import annotations

import torch
from torch.optim.lr_scheduler import LRScheduler

SLOT = "schedule"
CLASS = "Table"
FINDING = "goes_on_past_its_end"
SO = ()


class Table(LRScheduler):
    def __init__(self, optimizer: torch.optim.Optimizer, total_steps: int) -> None:
        self.factors = [1 - step / (total_steps + 1) for step in range(total_steps + 1)]
        super().__init__(optimizer)

    def get_lr(self) -> list[float | torch.Tensor]:
        return [base * self.factors[self.last_epoch] for base in self.base_lrs]
