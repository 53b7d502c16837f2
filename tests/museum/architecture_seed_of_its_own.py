"""Sets torch's seed in its constructor, "for reproducibility": the seed of the study is not used."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

SLOT = "architecture"
CLASS = "ReproducibleMLP"
FINDING = "weights_follow_the_seed"
SO = ()


class ReproducibleMLP(nn.Module):
    """An MLP."""

    def __init__(self, input_spec: Any, n_outputs: int, width: int = 32) -> None:
        super().__init__()
        torch.manual_seed(42)
        self.embeddings = nn.ModuleList(nn.Embedding(codes, 4) for codes in input_spec.cardinalities)
        self.hidden = nn.Linear(input_spec.n_numeric + 4 * len(self.embeddings), width)
        self.output = nn.Linear(width, n_outputs)

    def forward(self, x_num: Tensor | None, x_cat: Tensor | None) -> Tensor:
        """Outputs ``(batch, n_outputs)``."""
        parts = [] if x_num is None else [x_num]
        if x_cat is not None:
            parts += [embed(x_cat[:, column]) for column, embed in enumerate(self.embeddings)]
        output: Tensor = self.output(self.hidden(torch.cat(parts, dim=1)).relu())
        return output
