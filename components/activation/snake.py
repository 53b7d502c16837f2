"""Snake, an activation for what repeats (Ziyin, Hartwig and Ueda, arXiv:2006.08195)."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["Snake"]


class Snake(torch.nn.Module):
    """x + sin²(a·x) / a (equation 3): it grows as x does, and repeats itself on the way.

    Parameters
    ----------
    a
        Frequency, above 0; not learned.
    """

    def __init__(self, a: float = 1.0) -> None:
        super().__init__()
        self.a = a

    def forward(self, x: Tensor) -> Tensor:
        """The function of every element; any shape."""
        return x + torch.sin(self.a * x).square() / self.a
