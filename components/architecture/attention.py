"""Self-attention whose largest logits can be asked for, and the pre-norm block around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

__all__ = ["AttentionLayer", "SelfAttention", "TransformerBlock"]


@dataclass(frozen=True, eq=False)
class AttentionLayer:
    """What makes queries and keys, one block of rows per head, and what came of them in training."""

    query: tuple[Tensor, ...]
    key: tuple[Tensor, ...]
    largest: Tensor
    """Largest logit of each head ``(n_heads,)`` over the pairs allowed in the last pass in training mode."""


class SelfAttention(nn.Module):
    """Softmax attention of several heads (Vaswani et al., arXiv:1706.03762, section 3.2).

    Queries, keys and values have no bias: a key's would add the same to all logits of a query, which the
    softmax takes away again. The softmax is written out, since the fused kernels keep no logits and have no
    second derivative.

    Parameters
    ----------
    d_model
        Length of a step's vector, in and out; a multiple of ``n_heads``.
    n_heads
        Heads, each with ``d_model / n_heads`` entries of the queries, keys and values.
    dropout
        Share of the attention weights that are dropped.
    rotary
        Turn queries and keys by angles that grow with their step (Su et al., arXiv:2104.09864, equation 34),
        so that a logit depends on how far apart the two are, in rows longer than those of training too.

    Raises
    ------
    ValueError
        When the heads do not divide ``d_model``, or rotary ones would have an odd number of entries.
    """

    largest: Tensor

    def __init__(self, d_model: int, n_heads: int, dropout: float = 0.0, rotary: bool = False) -> None:
        super().__init__()
        if d_model % (2 * n_heads if rotary else n_heads):
            kind = "equal and even" if rotary else "equal"
            raise ValueError(f"{d_model=} cannot be divided into {n_heads=} heads of {kind} size")
        self.n_heads, self.rotary = n_heads, rotary
        self.query = nn.Linear(d_model, d_model, bias=False)
        self.key = nn.Linear(d_model, d_model, bias=False)
        self.value = nn.Linear(d_model, d_model, bias=False)
        self.output = nn.Linear(d_model, d_model)
        self.dropout = nn.Dropout(dropout)
        # A buffer, so that it follows the network to its device; no part of what the network has learned.
        self.register_buffer("largest", torch.zeros(n_heads), persistent=False)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Vectors ``(batch, time, d_model)`` from vectors of the same shape.

        ``mask`` is bool, ``(batch or 1, 1, time, time)``, true where the step of the third axis may attend to
        that of the fourth; None: everywhere. What may attend to nothing gets zeros from all heads.
        """
        query, key, value = (
            rearrange(layer(x), "batch time (head entry) -> batch head time entry", head=self.n_heads)
            for layer in (self.query, self.key, self.value)
        )
        if self.rotary:
            query, key = _turned(query), _turned(key)
        logits = query * query.shape[-1] ** -0.5 @ key.transpose(-1, -2)
        if mask is not None:
            # Added, which is far cheaper than filling in; not minus infinity, of which a softmax makes NaN.
            penalty = torch.zeros_like(mask, dtype=x.dtype)
            logits = logits + penalty.masked_fill(~mask, torch.finfo(x.dtype).min / 2)
        if self.training:
            self.largest = logits.detach().amax((0, 2, 3))
        heads = self.dropout(logits.softmax(-1)) @ value
        if mask is not None:
            heads = heads * mask.any(-1, keepdim=True)
        output: Tensor = self.output(rearrange(heads, "batch head time entry -> batch time (head entry)"))
        return output

    def layer(self) -> AttentionLayer:
        """The parameters behind the logits, and the largest of these; 0 before any training."""
        return AttentionLayer((self.query.weight,), (self.key.weight,), self.largest)


class TransformerBlock(nn.Module):
    """Attention, then a feed-forward layer, each with a layer norm before it and added to what came in.

    The norm goes first (Xiong et al., arXiv:2002.04745), which trains without a warm-up.

    Parameters
    ----------
    d_model, n_heads, rotary
        As of :class:`SelfAttention`.
    activation
        Makes the activation of the feed-forward layer.
    d_hidden
        Width of the feed-forward layer.
    dropout
        Share that is dropped of what is added (arXiv:1706.03762, section 5.4). Dropping attention weights and
        hidden units too would take a third of a step's time on a CPU.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        activation: Callable[[], nn.Module],
        d_hidden: int,
        dropout: float = 0.0,
        rotary: bool = False,
    ) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(d_model)
        self.attention = SelfAttention(d_model, n_heads, rotary=rotary)
        self.feed_forward_norm = nn.LayerNorm(d_model)
        self.feed_forward = nn.Sequential(
            nn.Linear(d_model, d_hidden), activation(), nn.Linear(d_hidden, d_model)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Vectors ``(batch, time, d_model)`` from as many, ``mask`` as for the attention."""
        x = x + self.dropout(self.attention(self.attention_norm(x), mask))
        y: Tensor = x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))
        return y


def _turned(vectors: Tensor) -> Tensor:
    """Vectors ``(…, time, entry)``, each pair of entries turned by an angle of its own per step."""
    time, entries = vectors.shape[-2:]
    steps = torch.arange(time, device=vectors.device, dtype=vectors.dtype)
    pairs = torch.arange(0, entries, 2, device=vectors.device, dtype=vectors.dtype)
    angles = steps[:, None] * 10_000.0 ** (-pairs / entries)
    turns = torch.polar(torch.ones_like(angles), angles)
    as_complex = torch.view_as_complex(vectors.reshape(*vectors.shape[:-1], -1, 2))
    return torch.view_as_real(as_complex * turns).flatten(-2)
