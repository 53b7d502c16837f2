"""Takes the logarithm of what it is given, as if that were probabilities: it is given logits."""

from __future__ import annotations

from torch import Tensor, nn

SLOT = "loss"
CLASS = "NegativeLog"
FINDING = "takes_its_task_types"
SO = ("is_least_where_the_target_is", "costs_less_when_nearer")
NEEDS = ("task:binary", "task:multiclass", "task:language")


class NegativeLog(nn.Module):
    """−log p of the right class."""

    def __init__(self, task_type: str, n_outputs: int) -> None:
        super().__init__()
        self.task_type, self.n_outputs = task_type, n_outputs

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean over a batch."""
        return -output.gather(1, target[:, None]).log().mean()
