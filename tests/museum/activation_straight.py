"""A leaky rectifier whose two branches have the same slope after a change of sign conventions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SLOT = "activation"
CLASS = "Leaky"
FINDING = "bends"
SO = ()


class Leaky(nn.Module):
    """x where it is positive, and ``slope`` times x elsewhere."""

    def __init__(self, slope: float = 0.01) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        """The function of every element."""
        return torch.where(x >= 0, self.slope * x, -self.slope * -x)
