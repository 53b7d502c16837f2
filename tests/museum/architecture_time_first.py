"""A GRU without ``batch_first=True``: it reads the rows of the batch as if they were steps of time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

SLOT = "architecture"
CLASS = "Reader"
FINDING = "rows_do_not_see_each_other"
SO = ("a_row_alone_is_a_row_among_others",)


class Reader(nn.Module):
    """A GRU and a linear layer."""

    def __init__(self, input_spec: Any, n_outputs: int, width: int = 32) -> None:
        super().__init__()
        tokens = input_spec.form == "tokens"
        self.every_step = input_spec.every_step
        self.embedding = (
            nn.Embedding(input_spec.n_tokens, width) if tokens else nn.Linear(input_spec.shape[1], width)
        )
        self.recurrent = nn.GRU(width, width)
        self.output = nn.Linear(width, n_outputs)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Outputs ``(batch, n_outputs)``, or ``(batch, time, n_outputs)``."""
        states, _ = self.recurrent(self.embedding(x))
        if not self.every_step:
            states = states[torch.arange(len(x)), lengths - 1]
        output: Tensor = self.output(states)
        return output
