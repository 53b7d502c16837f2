"""A causal transformer (Vaswani et al., arXiv:1706.03762) over sequences and over tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from components.architecture.attention import AttentionLayer, TransformerBlock
from components.architecture.input_spec import InputSpec
from components.architecture.steps import ReadOut, embedding, roles

__all__ = ["Transformer"]


class Transformer(nn.Module):
    """Blocks of causal attention; where one output is wanted, that at the last step of a row.

    Parameters
    ----------
    input_spec, n_outputs, activation
        As the slot passes them.
    n_layers
        Blocks.
    d_model
        Length of a step's vector; an even multiple of ``n_heads``.
    n_heads
        Heads of every attention layer.
    d_hidden_multiplier
        Width of a feed-forward layer, in units of ``d_model``.
    dropout
        Share that is dropped of the vectors that go in and of what every layer adds.
    """

    def __init__(
        self,
        input_spec: InputSpec,
        n_outputs: int,
        activation: Callable[[], nn.Module],
        n_layers: int = 2,
        d_model: int = 32,
        n_heads: int = 2,
        d_hidden_multiplier: int = 4,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.embedding = embedding(input_spec, d_model)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            TransformerBlock(
                d_model, n_heads, activation, d_hidden_multiplier * d_model, dropout, rotary=True
            )
            for _ in range(n_layers)
        )
        self.norm = nn.LayerNorm(d_model)
        self.output = ReadOut(input_spec, n_outputs, d_model)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Outputs ``(batch, n_outputs)``, or ``(batch, time, n_outputs)`` where every step is asked.

        ``x`` is ``(batch, time, channels)`` floats or ``(batch, time)`` codes, ``lengths`` is ``(batch,)``.
        """
        time = x.shape[1]
        before = torch.ones(1, 1, time, time, dtype=torch.bool, device=x.device).tril()
        states = self.dropout(self.embedding(x))
        for block in self.blocks:
            states = block(states, before)
        output: Tensor = self.output(self.norm(states), lengths)
        return output

    def attention_logits(self) -> Sequence[AttentionLayer]:
        """Every attention layer, as of the last pass in training mode."""
        return [block.attention.layer() for block in self.blocks if isinstance(block, TransformerBlock)]

    def parameter_roles(self) -> Mapping[str, str]:
        """The role of every parameter, by its name in ``named_parameters()``."""
        return roles(self)
