"""Loops over one categorical column too few: the last one is embedded by nobody."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

SLOT = "architecture"
CLASS = "EmbeddingMLP"
FINDING = "uses_every_column"
SO = ()


class EmbeddingMLP(nn.Module):
    """Numbers beside the vectors of categories, through an MLP."""

    def __init__(self, input_spec: Any, n_outputs: int, width: int = 32) -> None:
        super().__init__()
        cardinalities = input_spec.cardinalities
        self.embeddings = nn.ModuleList(
            nn.Embedding(cardinalities[column], 4) for column in range(len(cardinalities) - 1)
        )
        self.hidden = nn.Linear(input_spec.n_numeric + 4 * len(self.embeddings), width)
        self.output = nn.Linear(width, n_outputs)

    def forward(self, x_num: Tensor | None, x_cat: Tensor | None) -> Tensor:
        """Outputs ``(batch, n_outputs)``."""
        parts = [] if x_num is None else [x_num]
        if x_cat is not None:
            parts += [embed(x_cat[:, column]) for column, embed in enumerate(self.embeddings)]
        output: Tensor = self.output(self.hidden(torch.cat(parts, dim=1)).relu())
        return output
