"""A cosine of twice the frequency: it is at its lowest in the middle, and back at the top at the end."""

from __future__ import annotations

import math

import torch
from torch.optim.lr_scheduler import LambdaLR

SLOT = "schedule"
CLASS = "Cosine"
FINDING = "stays_down"
SO = ()
SEVERITY = "warning"


class Cosine(LambdaLR):
    def __init__(self, optimizer: torch.optim.Optimizer, total_steps: int, least: float = 0.05) -> None:
        def factor(step: int) -> float:
            return least + (1 - least) * 0.5 * (1 + math.cos(2 * math.pi * step / total_steps))

        super().__init__(optimizer, factor)
