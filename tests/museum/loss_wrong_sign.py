"""The sign of the log-likelihood is wrong: training makes the right class less likely."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

SLOT = "loss"
CLASS = "LogLikelihood"
FINDING = "costs_less_when_nearer"
SO = ("is_least_where_the_target_is",)
NEEDS = ("task:binary", "task:multiclass", "task:language")


class LogLikelihood(nn.Module):
    """Log-likelihood of the right class."""

    def __init__(self, task_type: str, n_outputs: int) -> None:
        super().__init__()
        self.task_type, self.n_outputs = task_type, n_outputs

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean over a batch."""
        return -functional.cross_entropy(output, target)
