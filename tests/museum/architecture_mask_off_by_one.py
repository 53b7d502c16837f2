"""The causal mask starts one diagonal too late: every position sees the character that it is to predict."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

SLOT = "architecture"
CLASS = "CausalAttention"
FINDING = "sees_no_later_position"
SO = ()


class CausalAttention(nn.Module):
    """One layer of causal attention."""

    def __init__(self, input_spec: Any, n_outputs: int, width: int = 32) -> None:
        super().__init__()
        self.embedding = nn.Embedding(input_spec.n_tokens, width)
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.output = nn.Linear(width, n_outputs)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:  # noqa: ARG002
        """Outputs ``(batch, time, n_outputs)``."""
        states = self.embedding(x)
        logits = self.query(states) @ self.key(states).transpose(1, 2) / states.shape[-1] ** 0.5
        later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).triu(diagonal=2)
        weights = logits.masked_fill(later, -1e9).softmax(dim=-1)
        output: Tensor = self.output(states + weights @ self.value(states))
        return output
