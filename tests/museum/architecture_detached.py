"""Detaches the residual branch, left from an experiment: half of the network is never trained."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

SLOT = "architecture"
CLASS = "ResidualMLP"
FINDING = "gradients_reach_every_parameter"
SO = ()


class ResidualMLP(nn.Module):
    """One residual block."""

    def __init__(self, input_spec: Any, n_outputs: int, width: int = 32) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(codes, 4) for codes in input_spec.cardinalities)
        self.entrance = nn.Linear(input_spec.n_numeric + 4 * len(self.embeddings), width)
        self.branch = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        self.output = nn.Linear(width, n_outputs)

    def forward(self, x_num: Tensor | None, x_cat: Tensor | None) -> Tensor:
        """Outputs ``(batch, n_outputs)``."""
        parts = [] if x_num is None else [x_num]
        if x_cat is not None:
            parts += [embed(x_cat[:, column]) for column, embed in enumerate(self.embeddings)]
        hidden = self.entrance(torch.cat(parts, dim=1))
        hidden = hidden + self.branch(hidden).detach()
        output: Tensor = self.output(hidden.relu())
        return output
