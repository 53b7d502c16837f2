"""Sums over the batch where a mean is asked for: the learning rate is another one for every batch size."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

SLOT = "loss"
CLASS = "SummedCrossEntropy"
FINDING = "is_a_mean_over_rows"
SO = ()


class SummedCrossEntropy(nn.Module):
    """Cross-entropy."""

    def __init__(self, task_type: str, n_outputs: int) -> None:
        super().__init__()
        self.task_type, self.n_outputs = task_type, n_outputs

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean over a batch."""
        return functional.cross_entropy(output, target, reduction="sum")
