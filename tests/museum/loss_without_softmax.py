"""A negative log-likelihood of logits, without the softmax: it has no minimum."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

SLOT = "loss"
CLASS = "NegativeLikelihood"
FINDING = "gains_nothing_beyond_certainty"
SO = ()


class NegativeLikelihood(nn.Module):
    """Negative log-likelihood."""

    def __init__(self, task_type: str, n_outputs: int) -> None:
        super().__init__()
        self.task_type, self.n_outputs = task_type, n_outputs

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean over a batch."""
        return functional.nll_loss(output, target)
