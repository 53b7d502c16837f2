"""Functional dropout that does not ask ``self.training``: predictions are draws."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

SLOT = "architecture"
CLASS = "DropoutMLP"
FINDING = "evaluation_changes_nothing"
SO = (
    "a_row_alone_is_a_row_among_others",
    "rows_do_not_see_each_other",
    "architecture_survives_state_dict",
)


class DropoutMLP(nn.Module):
    """An MLP with dropout."""

    def __init__(self, input_spec: Any, n_outputs: int, width: int = 32, dropout: float = 0.2) -> None:
        super().__init__()
        self.dropout = dropout
        self.embeddings = nn.ModuleList(nn.Embedding(codes, 4) for codes in input_spec.cardinalities)
        self.hidden = nn.Linear(input_spec.n_numeric + 4 * len(self.embeddings), width)
        self.output = nn.Linear(width, n_outputs)

    def forward(self, x_num: Tensor | None, x_cat: Tensor | None) -> Tensor:
        """Outputs ``(batch, n_outputs)``."""
        parts = [] if x_num is None else [x_num]
        if x_cat is not None:
            parts += [embed(x_cat[:, column]) for column, embed in enumerate(self.embeddings)]
        hidden = self.hidden(torch.cat(parts, dim=1)).relu()
        output: Tensor = self.output(functional.dropout(hidden, self.dropout))
        return output
