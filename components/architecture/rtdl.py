"""The MLP and the ResNet of Gorishniy et al. (arXiv:2106.11959), over numbers and categories.

Both are the backbones of ``rtdl_revisiting_models``; added here are learned vectors for categories,
joined to the numbers, and the choice of the activation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import rtdl_revisiting_models as rtdl
from torch import Tensor, nn

from components.architecture.input_spec import InputSpec
from components.architecture.tables import Joined, mlp, roles

__all__ = ["MLP", "ResNet"]


class MLP(nn.Module):
    """Linear layers with activation and dropout.

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
    ) -> None:
        super().__init__()
        self.joined = Joined(input_spec, d_embedding)
        self.backbone = mlp(self.joined.d_out, n_outputs, activation, n_blocks, d_block, dropout)

    def forward(self, x_num: Tensor | None, x_cat: Tensor | None) -> Tensor:
        """Outputs ``(batch, n_outputs)`` from floats and codes ``(batch, n_columns)``."""
        output: Tensor = self.backbone(self.joined(x_num, x_cat))
        return output

    def parameter_roles(self) -> Mapping[str, str]:
        """The role of every parameter, by its name in ``named_parameters()``."""
        return roles(self)


class ResNet(nn.Module):
    """Residual blocks of batch norm, two linear layers, activation and dropout.

    Parameters
    ----------
    input_spec, n_outputs, activation
        As the slot passes them.
    n_blocks
        Residual blocks.
    d_block
        Width of the residual stream.
    d_hidden_multiplier
        Width inside a block, in units of ``d_block``.
    hidden_dropout
        Dropout inside a block.
    residual_dropout
        Dropout at a block's end.
    d_embedding
        Length of a category's vector.
    """

    def __init__(
        self,
        input_spec: InputSpec,
        n_outputs: int,
        activation: Callable[[], nn.Module],
        n_blocks: int = 2,
        d_block: int = 64,
        d_hidden_multiplier: float = 2.0,
        hidden_dropout: float = 0.2,
        residual_dropout: float = 0.0,
        d_embedding: int = 8,
    ) -> None:
        super().__init__()
        self.joined = Joined(input_spec, d_embedding)
        self.backbone = rtdl.ResNet(
            d_in=self.joined.d_out,
            d_out=n_outputs,
            n_blocks=n_blocks,
            d_block=d_block,
            d_hidden_multiplier=d_hidden_multiplier,
            dropout1=hidden_dropout,
            dropout2=residual_dropout,
        )
        for part in (*self.backbone.blocks, self.backbone.output):
            part.activation = activation()

    def forward(self, x_num: Tensor | None, x_cat: Tensor | None) -> Tensor:
        """Outputs ``(batch, n_outputs)`` from floats and codes ``(batch, n_columns)``."""
        output: Tensor = self.backbone(self.joined(x_num, x_cat))
        return output

    def parameter_roles(self) -> Mapping[str, str]:
        """The role of every parameter, by its name in ``named_parameters()``."""
        return roles(self, first_layer="backbone.input_projection.")
