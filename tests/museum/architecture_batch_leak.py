"""Centres its hidden layer over the batch, in evaluation mode too: a mean over the wrong dimension."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

SLOT = "architecture"
CLASS = "CentredMLP"
FINDING = "rows_do_not_see_each_other"
SO = ("a_row_alone_is_a_row_among_others",)


class CentredMLP(nn.Module):
    """An MLP whose hidden layer has mean zero."""

    def __init__(self, input_spec: Any, n_outputs: int, width: int = 32) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(codes, 4) for codes in input_spec.cardinalities)
        self.hidden = nn.Linear(input_spec.n_numeric + 4 * len(self.embeddings), width)
        self.output = nn.Linear(width, n_outputs)

    def forward(self, x_num: Tensor | None, x_cat: Tensor | None) -> Tensor:
        """Outputs ``(batch, n_outputs)``."""
        parts = [] if x_num is None else [x_num]
        if x_cat is not None:
            parts += [embed(x_cat[:, column]) for column, embed in enumerate(self.embeddings)]
        hidden = self.hidden(torch.cat(parts, dim=1))
        hidden = hidden - hidden.mean(dim=0, keepdim=True)
        output: Tensor = self.output(hidden.relu())
        return output
