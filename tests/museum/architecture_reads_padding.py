"""Predicts from the last column of the batch, which is padding in all rows but the longest."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

SLOT = "architecture"
CLASS = "LastState"
FINDING = "padding_changes_nothing"
SO = ()


class LastState(nn.Module):
    """A GRU, whose last state predicts."""

    def __init__(self, input_spec: Any, n_outputs: int, width: int = 32) -> None:
        super().__init__()
        tokens = input_spec.form == "tokens"
        self.every_step = input_spec.every_step
        self.embedding = (
            nn.Embedding(input_spec.n_tokens, width) if tokens else nn.Linear(input_spec.shape[1], width)
        )
        self.recurrent = nn.GRU(width, width, batch_first=True)
        self.output = nn.Linear(width, n_outputs)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:  # noqa: ARG002
        """Outputs ``(batch, n_outputs)``, or ``(batch, time, n_outputs)``."""
        states, _ = self.recurrent(self.embedding(x))
        output: Tensor = self.output(states if self.every_step else states[:, -1])
        return output
