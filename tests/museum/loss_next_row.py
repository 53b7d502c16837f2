"""A shift for next-token targets that goes over the batch: every row is taught its neighbour's target."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

SLOT = "loss"
CLASS = "Shifted"
FINDING = "is_a_mean_over_rows"
SO = ("is_least_where_the_target_is",)
NEEDS = ("task:binary", "task:multiclass", "task:language")


class Shifted(nn.Module):
    """Cross-entropy of the next token."""

    def __init__(self, task_type: str, n_outputs: int) -> None:
        super().__init__()
        self.task_type, self.n_outputs = task_type, n_outputs

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean over a batch."""
        return functional.cross_entropy(output, target.roll(-1))
