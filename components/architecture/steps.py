"""What networks over steps share: from channels or tokens to vectors, and from states to outputs.

All of them are causal: the state at a step comes from that step and those before. Padding comes after the end
of a row, so that whatever reads the states up to there cannot have seen it.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from components.architecture.input_spec import InputSpec

__all__ = ["ReadOut", "embedding", "roles"]


def embedding(input_spec: InputSpec, d_out: int) -> nn.Module:
    """Vectors ``(batch, time, d_out)``: a token's own, or a linear map of the channels."""
    if input_spec.form == "tokens":
        return nn.Embedding(input_spec.n_tokens, d_out, padding_idx=0)
    return nn.Linear(input_spec.shape[1], d_out)


class ReadOut(nn.Module):
    """Outputs from the states at every step, or from the state at the last step of each row alone.

    Parameters
    ----------
    input_spec, n_outputs
        As the slot passes them.
    d_state
        Length of a state.
    dropout
        Share of the state that is dropped.
    """

    def __init__(self, input_spec: InputSpec, n_outputs: int, d_state: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.every_step = input_spec.every_step
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(d_state, n_outputs)

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Outputs ``(batch, n_outputs)``, or ``(batch, time, n_outputs)`` where every step is asked.

        ``states`` is ``(batch, time, d_state)``, ``lengths`` is ``(batch,)``.
        """
        if not self.every_step:
            last = (lengths - 1).clamp(min=0)
            states = states[torch.arange(len(last), device=last.device), last]
        output: Tensor = self.linear(self.dropout(states))
        return output


def roles(network: nn.Module, first: str = "embedding.") -> Mapping[str, str]:
    """The role of every parameter of a network whose read-out is called ``output``.

    Vectors that are no bias scale something, as those of norms do. ``first`` is how the names of the weights
    begin that meet the input.
    """

    def role(name: str, parameter: Tensor) -> str:
        if "bias" in name:
            return "bias"
        if parameter.ndim < 2:
            return "norm"
        if name.startswith("output."):
            return "output"
        return "embedding" if name.startswith(first) else "hidden"

    return {name: role(name, parameter) for name, parameter in network.named_parameters()}
