"""Its own ``train`` returns before the layers inside are told: after the first evaluation dropout is off."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

SLOT = "architecture"
CLASS = "FrozenMLP"
FINDING = "modes_switch_and_come_back"
SO = ()


class FrozenMLP(nn.Module):
    """An MLP with dropout, which was once frozen by hand."""

    def __init__(self, input_spec: Any, n_outputs: int, width: int = 32) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(codes, 4) for codes in input_spec.cardinalities)
        self.hidden = nn.Linear(input_spec.n_numeric + 4 * len(self.embeddings), width)
        self.dropout = nn.Dropout(0.1)
        self.output = nn.Linear(width, n_outputs)

    def train(self, mode: bool = True) -> FrozenMLP:
        """Itself, in training mode or not."""
        if mode:
            self.training = True
            return self
        super().train(mode)
        return self

    def forward(self, x_num: Tensor | None, x_cat: Tensor | None) -> Tensor:
        """Outputs ``(batch, n_outputs)``."""
        parts = [] if x_num is None else [x_num]
        if x_cat is not None:
            parts += [embed(x_cat[:, column]) for column, embed in enumerate(self.embeddings)]
        output: Tensor = self.output(self.dropout(self.hidden(torch.cat(parts, dim=1)).relu()))
        return output
