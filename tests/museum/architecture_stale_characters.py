"""Shifts its input for next-character targets, which the task has shifted already: it is off by one."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional

SLOT = "architecture"
CLASS = "ShiftedGRU"
FINDING = "sees_its_own_position"
SO = ()


class ShiftedGRU(nn.Module):
    """A GRU over characters that begins with padding as the sign of a beginning."""

    def __init__(self, input_spec: Any, n_outputs: int, width: int = 32) -> None:
        super().__init__()
        self.embedding = nn.Embedding(input_spec.n_tokens, width)
        self.recurrent = nn.GRU(width, width, batch_first=True)
        self.output = nn.Linear(width, n_outputs)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:  # noqa: ARG002
        """Outputs ``(batch, time, n_outputs)``."""
        before = functional.pad(x, (1, 0))[:, :-1]
        states, _ = self.recurrent(self.embedding(before))
        output: Tensor = self.output(states)
        return output
