"""Writes into its input to save memory, which the host's residual connection goes on using."""

from __future__ import annotations

from torch import Tensor, nn

SLOT = "activation"
CLASS = "ThriftyReLU"
FINDING = "leaves_its_input_alone"
SO = ()


class ThriftyReLU(nn.Module):
    """max(x, 0) that takes no memory."""

    def forward(self, x: Tensor) -> Tensor:
        """The function of every element."""
        return x.clamp_(min=0)
