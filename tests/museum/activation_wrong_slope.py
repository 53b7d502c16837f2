"""A hand-written backward pass of SiLU that forgets the product rule's second term."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

SLOT = "activation"
CLASS = "FastSiLU"
FINDING = "slope_is_that_of_the_function"
SO = ()


class _FastSiLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x.sigmoid()

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        slope: Tensor = grad[0] * x.sigmoid()
        return slope


class FastSiLU(nn.Module):
    """x · σ(x), with a backward pass of its own."""

    def forward(self, x: Tensor) -> Tensor:
        """The function of every element."""
        output: Tensor = _FastSiLU.apply(x)  # type: ignore[no-untyped-call]
        return output
