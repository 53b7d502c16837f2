"""A root of the squared error without anything added: infinite slope where the prediction is exact."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

SLOT = "loss"
CLASS = "RootError"
FINDING = "has_finite_gradients_where_it_is_right"
SO = ()


class RootError(nn.Module):
    """|output − target|, as a root of the square."""

    def __init__(self, task_type: str, n_outputs: int) -> None:
        super().__init__()
        self.task_type, self.n_outputs = task_type, n_outputs

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean over a batch."""
        return functional.mse_loss(output, target, reduction="none").sqrt().mean()
