"""A vision transformer (Dosovitskiy et al., arXiv:2010.11929) for small images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from einops import pack, rearrange
from torch import Tensor, nn
from torch.nn import functional

from components.architecture.attention import AttentionLayer, TransformerBlock
from components.architecture.input_spec import InputSpec

__all__ = ["ViT"]


class ViT(nn.Module):
    """Square patches as tokens, with one more that attends to them and then predicts.

    Where a patch lies is said by sines and cosines of its row and column (Beyer et al., arXiv:2205.01580).

    Parameters
    ----------
    input_spec, n_outputs, activation
        As the slot passes them.
    grid
        Patches along the longer side, at most; they are as large as that asks, and images end in zeros where
        they do not fill the last ones.
    n_blocks
        Blocks of attention and feed-forward layer.
    d_model
        Length of a token's vector; a multiple of ``n_heads`` and of 4.
    n_heads
        Heads of every attention.
    d_hidden_multiplier
        Width of the feed-forward layers, in units of ``d_model``.
    dropout
        Share that is dropped of what the blocks add.

    Raises
    ------
    ValueError
        When ``d_model`` is not such a multiple.
    """

    positions: Tensor

    def __init__(
        self,
        input_spec: InputSpec,
        n_outputs: int,
        activation: Callable[[], nn.Module],
        grid: int = 4,
        n_blocks: int = 2,
        d_model: int = 32,
        n_heads: int = 4,
        d_hidden_multiplier: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if d_model % 4:
            raise ValueError(f"{d_model=} has no equal parts for sine and cosine of row and column")
        channels, height, width = input_spec.shape
        self.patch = -(-max(height, width) // grid)
        self.embedding = nn.Linear(channels * self.patch**2, d_model)
        self.predictor = nn.Parameter(torch.randn(d_model) * 0.02)
        n_rows, n_columns = (-(-side // self.patch) for side in (height, width))
        self.register_buffer("positions", _positions(n_rows, n_columns, d_model), persistent=False)
        self.blocks = nn.ModuleList(
            TransformerBlock(d_model, n_heads, activation, d_hidden_multiplier * d_model, dropout)
            for _ in range(n_blocks)
        )
        self.norm = nn.LayerNorm(d_model)
        self.output = nn.Linear(d_model, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs ``(batch, n_outputs)`` from images ``(batch, channels, height, width)``."""
        size = self.patch
        x = functional.pad(x, (0, -x.shape[-1] % size, 0, -x.shape[-2] % size))
        patches = rearrange(x, "b c (row i) (column j) -> b (row column) (c i j)", i=size, j=size)
        tokens = self.embedding(patches) + self.positions
        tokens, _ = pack([self.predictor.expand(len(x), -1), tokens], "b * d")
        for block in self.blocks:
            tokens = block(tokens)
        output: Tensor = self.output(self.norm(tokens[:, 0]))
        return output

    def attention_logits(self) -> Sequence[AttentionLayer]:
        """Every attention layer, as of the last pass in training mode."""
        return [block.attention.layer() for block in self.blocks]  # type: ignore[operator, union-attr]

    def parameter_roles(self) -> Mapping[str, str]:
        """The role of every parameter, by its name in ``named_parameters()``."""
        return {name: _role(name, parameter) for name, parameter in self.named_parameters()}


def _positions(n_rows: int, n_columns: int, d_model: int) -> Tensor:
    """Sines and cosines ``(n_rows * n_columns, d_model)`` of the row, then of the column."""
    rates = 10_000.0 ** -(torch.arange(d_model // 4) / (d_model // 4))
    places = torch.cartesian_prod(torch.arange(n_rows), torch.arange(n_columns))
    angles = places[:, :, None] * rates
    positions: Tensor = rearrange(
        [angles.sin(), angles.cos()], "kind place side rate -> place (side kind rate)"
    )
    return positions


def _role(name: str, parameter: Tensor) -> str:
    """What the predicting token begins as is added to it, as a bias is."""
    if name.endswith(".bias") or name == "predictor":
        return "bias"
    if parameter.ndim < 2:
        return "norm"
    if name == "output.weight":
        return "output"
    return "embedding" if name == "embedding.weight" else "hidden"
