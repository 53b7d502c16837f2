"""Learned positions for the longest training row only: a longer row of the test ends the fit."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

SLOT = "architecture"
CLASS = "Positions"
FINDING = "takes_longer_rows"
SO = ()


class Positions(nn.Module):
    """The mean of steps with learned positions, through an MLP."""

    def __init__(self, input_spec: Any, n_outputs: int, width: int = 32) -> None:
        super().__init__()
        longest, channels = input_spec.shape
        self.entrance = nn.Linear(channels, width)
        self.positions = nn.Embedding(longest, width)
        self.output = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, n_outputs))

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Outputs ``(batch, n_outputs)``."""
        steps = torch.arange(x.shape[1], device=x.device)
        states = (self.entrance(x) * self.positions(steps)).tanh()
        inside = (steps < lengths[:, None])[..., None]
        output: Tensor = self.output((states * inside).sum(1) / lengths[:, None])
        return output
