"""The squared rectifier that a search over transformers found (So et al., arXiv:2109.08668)."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["SquaredReLU"]


class SquaredReLU(torch.nn.Module):
    """max(x, 0)² (section 4.1)."""

    def forward(self, x: Tensor) -> Tensor:
        """The function of every element; any shape."""
        return torch.relu(x).square()
