"""The FT-Transformer of Gorishniy et al. (arXiv:2106.11959): attention among the columns of a table.

It is that of ``rtdl_revisiting_models``; added here are the choice of the activation, roles and logits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import rtdl_revisiting_models as rtdl
import torch
from einops import rearrange
from torch import Tensor, nn

from components.architecture.attention import AttentionLayer
from components.architecture.input_spec import InputSpec

__all__ = ["FTTransformer"]

MOST_COLUMNS = 1000
"""More tokens than these would take gigabytes of attention weights for a batch."""


class FTTransformer(nn.Module):
    """Every column a token, with one more that asks the others and then predicts.

    Time and memory grow with the square of the number of columns.

    Parameters
    ----------
    input_spec, n_outputs, activation
        As the slot passes them.
    n_blocks
        Blocks of attention and feed-forward layer.
    d_block
        Length of a token's vector; a multiple of ``n_heads``.
    n_heads
        Heads of every attention.
    d_hidden_multiplier
        Width of the feed-forward layers, in units of ``d_block``.
    attention_dropout
        Share of the attention weights that are dropped.
    hidden_dropout
        Share of the feed-forward layers' hidden units that are dropped.

    Raises
    ------
    ValueError
        When there are more than 1,000 columns.
    """

    def __init__(
        self,
        input_spec: InputSpec,
        n_outputs: int,
        activation: Callable[[], nn.Module],
        n_blocks: int = 2,
        d_block: int = 32,
        n_heads: int = 4,
        d_hidden_multiplier: float = 2.0,
        attention_dropout: float = 0.1,
        hidden_dropout: float = 0.1,
    ) -> None:
        super().__init__()
        n_columns = input_spec.n_numeric + len(input_spec.cardinalities)
        if n_columns > MOST_COLUMNS:
            raise ValueError(
                f"{n_columns} columns are more than the {MOST_COLUMNS} that attention of all pairs takes; a "
                "preprocessor that makes columns (one-hot, polynomial) is not for this architecture"
            )
        self.network = rtdl.FTTransformer(
            n_cont_features=input_spec.n_numeric,
            cat_cardinalities=list(input_spec.cardinalities),
            d_out=n_outputs,
            n_blocks=n_blocks,
            d_block=d_block,
            attention_n_heads=n_heads,
            attention_dropout=attention_dropout,
            ffn_d_hidden_multiplier=d_hidden_multiplier,
            ffn_dropout=hidden_dropout,
            ffn_activation="ReLU",
            residual_dropout=0.0,
        )
        for part in (*(block["ffn"] for block in self.network.backbone.blocks), self.network.backbone.output):
            part.activation = activation()
        self.watched = [_Watched(block["attention"], n_heads) for block in self.network.backbone.blocks]

    def forward(self, x_num: Tensor | None, x_cat: Tensor | None) -> Tensor:
        """Outputs ``(batch, n_outputs)`` from floats and codes ``(batch, n_columns)``."""
        output: Tensor = self.network(x_num, x_cat)
        return output

    def attention_logits(self) -> Sequence[AttentionLayer]:
        """Every attention layer, as of the last pass in training mode."""
        return [watched.layer() for watched in self.watched]

    def parameter_roles(self) -> Mapping[str, str]:
        """The role of every parameter, by its name in ``named_parameters()``."""
        return {name: _role(name, parameter) for name, parameter in self.named_parameters()}


class _Watched:
    """One attention layer of the library, with the queries and keys of its last pass in training mode."""

    def __init__(self, attention: Any, n_heads: int) -> None:
        self.query, self.key, self.n_heads = attention.W_q, attention.W_k, n_heads
        self.vectors: dict[nn.Module, Tensor] = {}
        # A bias of the keys adds the same to all logits of a query, which the softmax takes away again.
        self.key.bias = None
        for layer in (self.query, self.key):
            layer.register_forward_hook(self._keep)

    def _keep(self, layer: nn.Module, _inputs: object, output: Tensor) -> None:
        if layer.training:
            heads = rearrange(output, "batch token (head entry) -> batch head token entry", head=self.n_heads)
            self.vectors[layer] = heads.detach()

    def layer(self) -> AttentionLayer:
        """The parameters behind the logits, and the largest of these; 0 before any training."""
        largest = torch.zeros(self.n_heads)
        if self.vectors:
            queries, keys = self.vectors[self.query], self.vectors[self.key]
            largest = (queries @ keys.transpose(-1, -2)).amax((0, 2, 3)) / keys.shape[-1] ** 0.5
        return AttentionLayer((self.query.weight, self.query.bias), (self.key.weight,), largest)


def _role(name: str, parameter: Tensor) -> str:
    """By the library's names; what the predicting token begins as is added to it, as a bias is."""
    if name.endswith(".bias") or name == "network.cls_embedding.weight":
        return "bias"
    if parameter.ndim < 2:
        return "norm"
    if name == "network.backbone.output.linear.weight":
        return "output"
    return "hidden" if name.startswith("network.backbone.") else "embedding"
