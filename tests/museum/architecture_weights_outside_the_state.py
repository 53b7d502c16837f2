"""Keeps a random projection as a plain attribute, no buffer: it is in no ``state_dict``, and never saved."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

SLOT = "architecture"
CLASS = "RandomFeatures"
FINDING = "architecture_survives_state_dict"
SO = ()


class RandomFeatures(nn.Module):
    """A linear layer over cosines of a random projection (Rahimi and Recht, 2007)."""

    def __init__(self, input_spec: Any, n_outputs: int, width: int = 64) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(codes, 4) for codes in input_spec.cardinalities)
        d_in = input_spec.n_numeric + 4 * len(self.embeddings)
        self.projection = torch.randn(d_in, width) / d_in**0.5
        self.output = nn.Linear(width, n_outputs)

    def forward(self, x_num: Tensor | None, x_cat: Tensor | None) -> Tensor:
        """Outputs ``(batch, n_outputs)``."""
        parts = [] if x_num is None else [x_num]
        if x_cat is not None:
            parts += [embed(x_cat[:, column]) for column, embed in enumerate(self.embeddings)]
        output: Tensor = self.output((torch.cat(parts, dim=1) @ self.projection).cos())
        return output
