"""A softmax before a cross-entropy that applies its own: next to no gradient where it is wrong."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

SLOT = "loss"
CLASS = "SoftmaxCrossEntropy"
FINDING = "a_right_answer_costs_little"
SO = ()


class SoftmaxCrossEntropy(nn.Module):
    """Cross-entropy of the softmax."""

    def __init__(self, task_type: str, n_outputs: int) -> None:
        super().__init__()
        self.task_type, self.n_outputs = task_type, n_outputs

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean over a batch."""
        return functional.cross_entropy(output.softmax(dim=-1), target)
