"""What networks over tables share: numbers joined to the vectors of categories, an MLP, and roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import rtdl_revisiting_models as rtdl
import torch
from torch import Tensor, nn

from components.architecture.input_spec import InputSpec

__all__ = ["Joined", "mlp", "roles"]


class Joined(nn.Module):
    """Floats ``(batch, d_out)``: the numbers, or their vectors, then the vectors of the categories.

    Parameters
    ----------
    input_spec
        As the slot passes it.
    d_embedding
        Length of a category's vector.
    numbers
        Gives every number a vector ``(batch, n_numeric, d)``; an embedding of ``rtdl_num_embeddings``. None:
        the numbers enter as they are.
    """

    def __init__(self, input_spec: InputSpec, d_embedding: int, numbers: nn.Module | None = None) -> None:
        super().__init__()
        cardinalities = list(input_spec.cardinalities)
        self.numbers = numbers
        self.embeddings = (
            rtdl.CategoricalEmbeddings(cardinalities, d_embedding, bias=False) if cardinalities else None
        )
        shape = None if numbers is None else numbers.get_output_shape()  # type: ignore[operator]
        d_numbers = input_spec.n_numeric if shape is None else shape.numel()
        self.d_out = d_numbers + d_embedding * len(cardinalities)

    def forward(self, x_num: Tensor | None, x_cat: Tensor | None) -> Tensor:
        """Floats ``(batch, d_out)`` from floats and codes ``(batch, n_columns)``."""
        parts = []
        if x_num is not None:
            parts.append(x_num if self.numbers is None else self.numbers(x_num).flatten(1))
        if self.embeddings is not None:
            parts.append(self.embeddings(x_cat).flatten(1))
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


def mlp(
    d_in: int, d_out: int, activation: Callable[[], nn.Module], n_blocks: int, d_block: int, dropout: float
) -> nn.Module:
    """The library's MLP ``(batch, d_in)`` → ``(batch, d_out)``, with another activation."""
    backbone = rtdl.MLP(d_in=d_in, d_out=d_out, n_blocks=n_blocks, d_block=d_block, dropout=dropout)
    for block in backbone.blocks:
        block.activation = activation()
    network: nn.Module = backbone
    return network


def roles(network: nn.Module, first_layer: str = "backbone.blocks.0.") -> Mapping[str, str]:
    """The role of every parameter, by the names that the library and :class:`Joined` give them.

    Whatever lies in ``joined`` or begins with ``first_layer`` meets the input.
    """

    def role(name: str, parameter: Tensor) -> str:
        if name.endswith(".bias"):
            return "bias"
        if parameter.ndim < 2:
            return "norm"
        if name.startswith(("joined.", first_layer)):
            return "embedding"
        return "output" if name.startswith("backbone.output.") else "hidden"

    return {name: role(name, parameter) for name, parameter in network.named_parameters()}
