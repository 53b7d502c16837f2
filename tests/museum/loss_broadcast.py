"""Puts the targets into a column: every output is compared with every target."""

from __future__ import annotations

from torch import Tensor, nn

SLOT = "loss"
CLASS = "ColumnError"
FINDING = "is_least_where_the_target_is"
SO = ()
NEEDS = ("task:regression", "task:forecasting")


class ColumnError(nn.Module):
    """Squared error."""

    def __init__(self, task_type: str, n_outputs: int) -> None:
        super().__init__()
        self.task_type, self.n_outputs = task_type, n_outputs

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean over a batch."""
        return (output - target[:, None]).square().mean()
