"""Gated recurrent units (Cho et al., arXiv:1406.1078) over sequences and over tokens."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from components.architecture.input_spec import InputSpec

__all__ = ["GRU"]


class GRU(nn.Module):
    """Recurrent layers that read a row from left to right; the state after its last step predicts.

    Where an output is wanted at every step, the state after that step predicts, so later steps cannot matter.

    Parameters
    ----------
    input_spec, n_outputs
        As the slot passes them.
    n_layers
        Recurrent layers, each over the states of the one before.
    d_hidden
        Length of a state.
    d_embedding
        Length of a token's vector.
    dropout
        Share of the states that are dropped after every layer.
    """

    def __init__(
        self,
        input_spec: InputSpec,
        n_outputs: int,
        n_layers: int = 1,
        d_hidden: int = 64,
        d_embedding: int = 32,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.every_step = input_spec.every_step
        tokens = input_spec.form == "tokens"
        self.embedding = nn.Embedding(input_spec.n_tokens, d_embedding, padding_idx=0) if tokens else None
        d_input = d_embedding if tokens else input_spec.shape[1]
        # The library warns about dropout in a single layer, where its own has no place.
        between = dropout if n_layers > 1 else 0.0
        self.recurrent = nn.GRU(d_input, d_hidden, n_layers, batch_first=True, dropout=between)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(d_hidden, n_outputs)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Outputs ``(batch, n_outputs)``, or ``(batch, time, n_outputs)`` where every step is asked.

        ``x`` is ``(batch, time, channels)`` floats or ``(batch, time)`` codes, ``lengths`` is ``(batch,)``.
        """
        states, _ = self.recurrent(x if self.embedding is None else self.embedding(x))
        if not self.every_step:
            last = (lengths - 1).clamp(min=0)
            states = states[torch.arange(len(last), device=last.device), last]
        output: Tensor = self.output(self.dropout(states))
        return output

    def parameter_roles(self) -> Mapping[str, str]:
        """The role of every parameter, by its name in ``named_parameters()``."""
        first = "recurrent.weight_ih_l0" if self.embedding is None else "embedding.weight"
        return {name: _role(name, first) for name, _ in self.named_parameters()}


def _role(name: str, first: str) -> str:
    if "bias" in name:
        return "bias"
    if name == "output.weight":
        return "output"
    return "embedding" if name == first else "hidden"
