"""A softplus without the threshold: the exponential overflows from 89 on, and infinity goes out."""

from __future__ import annotations

from torch import Tensor, nn

SLOT = "activation"
CLASS = "Softplus"
FINDING = "is_finite_on_wide_inputs"
SO = ()


class Softplus(nn.Module):
    """log(1 + exp(x))."""

    def forward(self, x: Tensor) -> Tensor:
        """The function of every element."""
        return (1 + x.exp()).log()
