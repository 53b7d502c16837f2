"""TabM (Gorishniy et al., arXiv:2410.24210): many MLPs that share most of their weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import tabm
from torch import Tensor, nn

from components.architecture.input_spec import InputSpec

__all__ = ["TabM"]


class TabM(nn.Module):
    """``k`` members in one network, each trained on its own loss; categories enter one-hot.

    Parameters
    ----------
    input_spec, n_outputs, activation
        As the slot passes them.
    k
        Members.
    n_blocks
        Hidden layers of a member.
    d_block
        Width of a hidden layer.
    dropout
        Share of hidden units that are dropped.
    """

    def __init__(
        self,
        input_spec: InputSpec,
        n_outputs: int,
        activation: Callable[[], nn.Module],
        k: int = 8,
        n_blocks: int = 2,
        d_block: int = 64,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.members = tabm.TabM.make(
            n_num_features=input_spec.n_numeric,
            cat_cardinalities=list(input_spec.cardinalities),
            d_out=n_outputs,
            k=k,
            n_blocks=n_blocks,
            d_block=d_block,
            dropout=dropout,
        )
        for block in self.members.backbone.blocks:
            (place,) = [index for index, layer in enumerate(block) if isinstance(layer, nn.ReLU)]
            block[place] = activation()

    def forward(self, x_num: Tensor | None, x_cat: Tensor | None) -> Tensor:
        """Outputs ``(batch, k, n_outputs)`` from floats and codes ``(batch, n_columns)``."""
        output: Tensor = self.members(x_num, x_cat)
        return output

    def parameter_roles(self) -> Mapping[str, str]:
        """The role of every parameter, by its name in ``named_parameters()``."""
        return {name: _role(name) for name, _ in self.named_parameters()}


def _role(name: str) -> str:
    """By the library's names: one ``weight``, and per member the scales ``r`` and ``s`` and a ``bias``."""
    if name.endswith(".bias"):
        return "bias"
    if name == "members.output.weight":
        return "output"
    if name == "members.backbone.blocks.0.0.weight":
        return "embedding"
    return "hidden" if name.endswith(".0.weight") else "norm"
