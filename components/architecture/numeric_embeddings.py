"""MLPs that give every number a vector before it enters (Gorishniy et al., arXiv:2203.05556).

The embeddings are those of ``rtdl_num_embeddings``; added here are the vectors of categories, the choice of
the activation, and bins for columns that hold few values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import rtdl_num_embeddings
import torch
from torch import Tensor, nn

from components.architecture.input_spec import InputSpec
from components.architecture.tables import Joined, mlp, roles

__all__ = ["PeriodicMLP", "PiecewiseLinearMLP"]


class PeriodicMLP(nn.Module):
    """An MLP over learned sines and cosines of every number, a linear layer and an activation (section 3.3).

    Parameters
    ----------
    input_spec, n_outputs, activation
        As the slot passes them.
    n_blocks
        Hidden layers.
    d_block
        Width of a hidden layer.
    dropout
        Share of hidden units that are dropped.
    d_embedding
        Length of a category's vector.
    d_number
        Length of a number's vector.
    n_frequencies
        Sines and cosines of every number.
    frequency_scale
        Standard deviation of the initial frequencies.
    """

    def __init__(
        self,
        input_spec: InputSpec,
        n_outputs: int,
        activation: Callable[[], nn.Module],
        n_blocks: int = 3,
        d_block: int = 64,
        dropout: float = 0.1,
        d_embedding: int = 8,
        d_number: int = 16,
        n_frequencies: int = 24,
        frequency_scale: float = 0.1,
    ) -> None:
        super().__init__()
        numbers = None
        if input_spec.n_numeric:
            numbers = rtdl_num_embeddings.PeriodicEmbeddings(
                input_spec.n_numeric,
                d_number,
                n_frequencies=n_frequencies,
                frequency_init_scale=frequency_scale,
                lite=False,
            )
            numbers.activation = activation()
        self.joined = Joined(input_spec, d_embedding, numbers)
        self.backbone = mlp(self.joined.d_out, n_outputs, activation, n_blocks, d_block, dropout)

    def forward(self, x_num: Tensor | None, x_cat: Tensor | None) -> Tensor:
        """Outputs ``(batch, n_outputs)`` from floats and codes ``(batch, n_columns)``."""
        output: Tensor = self.backbone(self.joined(x_num, x_cat))
        return output

    def parameter_roles(self) -> Mapping[str, str]:
        """The role of every parameter, by its name in ``named_parameters()``."""
        return roles(self)


class PiecewiseLinearMLP(nn.Module):
    """An MLP over a piecewise linear function of every number, whose pieces end at quantiles (section 3.2).

    Parameters
    ----------
    input_spec, n_outputs, activation, training_rows
        As the slot passes them.
    n_blocks
        Hidden layers.
    d_block
        Width of a hidden layer.
    dropout
        Share of hidden units that are dropped.
    d_embedding
        Length of a category's vector.
    d_number
        Length of a number's vector.
    n_bins
        Pieces, where the training rows have that many different quantiles.
    """

    def __init__(
        self,
        input_spec: InputSpec,
        n_outputs: int,
        activation: Callable[[], nn.Module],
        training_rows: tuple[Tensor | None, Tensor | None],
        n_blocks: int = 3,
        d_block: int = 64,
        dropout: float = 0.1,
        d_embedding: int = 8,
        d_number: int = 16,
        n_bins: int = 48,
    ) -> None:
        super().__init__()
        x_num, numbers = training_rows[0], None
        if x_num is not None:
            # Version B adds a plain linear embedding, from which training starts (arXiv:2410.24210).
            numbers = rtdl_num_embeddings.PiecewiseLinearEmbeddings(
                _edges(x_num.cpu(), n_bins), d_number, activation=False, version="B"
            )
        self.joined = Joined(input_spec, d_embedding, numbers)
        self.backbone = mlp(self.joined.d_out, n_outputs, activation, n_blocks, d_block, dropout)

    def forward(self, x_num: Tensor | None, x_cat: Tensor | None) -> Tensor:
        """Outputs ``(batch, n_outputs)`` from floats and codes ``(batch, n_columns)``."""
        output: Tensor = self.backbone(self.joined(x_num, x_cat))
        return output

    def parameter_roles(self) -> Mapping[str, str]:
        """The role of every parameter, by its name in ``named_parameters()``."""
        return roles(self)


def _edges(x_num: Tensor, n_bins: int) -> list[Tensor]:
    """Where the bins of every column begin and end: at its quantiles, and at least two bins.

    The library's own function refuses constant columns and more bins than rows.
    """
    levels = torch.linspace(0, 1, n_bins + 1, dtype=x_num.dtype)
    return [_distinct(quantiles) for quantiles in torch.quantile(x_num, levels, dim=0).T]


def _distinct(quantiles: Tensor) -> Tensor:
    """Rising edges, no two of them so close that a slope between them would be out of all proportion."""
    low, high = quantiles[0], quantiles[-1]
    if high - low < 1e-30:  # also where a slope would be more than a float32 can hold
        reach = low.abs().clamp(min=1.0)
        return torch.stack([low - reach, low, low + reach])
    apart = quantiles.diff() > 1e-6 * (high - low)
    edges = torch.cat([quantiles[:1], quantiles[1:][apart]])
    return edges if len(edges) > 2 else torch.stack([low, (low + high) / 2, high])
