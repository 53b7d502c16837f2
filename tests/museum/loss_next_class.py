"""Classes are counted from one in it, and from zero everywhere else: it teaches the neighbour."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

SLOT = "loss"
CLASS = "CountedFromOne"
FINDING = "costs_less_when_nearer"
SO = ("is_least_where_the_target_is",)


class CountedFromOne(nn.Module):
    """Cross-entropy."""

    def __init__(self, task_type: str, n_outputs: int) -> None:
        super().__init__()
        self.task_type, self.n_outputs = task_type, n_outputs

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean over a batch."""
        return functional.cross_entropy(output, (target - 1) % output.shape[1])
