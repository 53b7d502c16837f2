"""The negative log-likelihood of the task's type."""

from __future__ import annotations

import torch

__all__ = ["Likelihood"]


class Likelihood(torch.nn.Module):
    """Cross-entropy for classes, squared error for numbers (a Gaussian of fixed width, up to a constant).

    Parameters
    ----------
    task_type
        ``regression`` and ``forecasting`` have numbers, all others classes.
    n_outputs
        Number of classes, the horizon of a forecast, or 1; not used.
    """

    def __init__(self, task_type: str, n_outputs: int) -> None:
        super().__init__()
        self.n_outputs = n_outputs
        numbers = task_type in ("regression", "forecasting")
        self.mean_loss = torch.nn.MSELoss() if numbers else torch.nn.CrossEntropyLoss()

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Mean over a batch; ``output`` is ``(batch, n_classes)`` logits or ``(batch,)`` numbers.

        Every step of a forecast and every position of a text comes as a row of its own.
        """
        loss: torch.Tensor = self.mean_loss(output, target)
        return loss
