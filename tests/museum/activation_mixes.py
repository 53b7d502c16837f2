"""Divides by the largest number of the whole batch: rows see each other through it."""

from __future__ import annotations

from torch import Tensor, nn

SLOT = "activation"
CLASS = "ScaledTanh"
FINDING = "is_elementwise"
SO = ()


class ScaledTanh(nn.Module):
    """tanh of numbers that are brought to at most 2 in size."""

    def forward(self, x: Tensor) -> Tensor:
        """The function of every element."""
        return (2 * x / x.abs().amax(dim=0, keepdim=True).clamp(min=1e-6)).tanh()
