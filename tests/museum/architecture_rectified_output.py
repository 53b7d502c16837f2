"""A rectifier after the last layer as after every other: it cannot predict what is below the mean."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

SLOT = "architecture"
CLASS = "RectifiedMLP"
FINDING = "overfits_one_batch"
SO = ()


class RectifiedMLP(nn.Module):
    """Linear layers, each with a rectifier."""

    def __init__(self, input_spec: Any, n_outputs: int, width: int = 64) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(codes, 4) for codes in input_spec.cardinalities)
        sizes = [input_spec.n_numeric + 4 * len(self.embeddings), width, width, n_outputs]
        self.layers = nn.ModuleList(nn.Linear(sizes[i], sizes[i + 1]) for i in range(len(sizes) - 1))

    def forward(self, x_num: Tensor | None, x_cat: Tensor | None) -> Tensor:
        """Outputs ``(batch, n_outputs)``."""
        parts = [] if x_num is None else [x_num]
        if x_cat is not None:
            parts += [embed(x_cat[:, column]) for column, embed in enumerate(self.embeddings)]
        x = torch.cat(parts, dim=1)
        for layer in self.layers:
            x = layer(x).relu()
        return x
