"""Losses for numbers: all of them of outputs and standardised targets ``(batch,)``, means over rows.

Only the squared error is smallest at the mean; the others are drawn towards the median, which is another
number where the target's distribution is lopsided.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["Absolute", "Huber", "LogCosh", "Squared"]


class Squared(torch.nn.Module):
    """(output − target)².

    Parameters
    ----------
    task_type, n_outputs
        As the slot passes them; not used.
    """

    def __init__(self, task_type: str, n_outputs: int) -> None:
        super().__init__()
        self.task_type, self.n_outputs = task_type, n_outputs

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean over a batch."""
        return functional.mse_loss(output, target)


class Absolute(torch.nn.Module):
    """|output − target|.

    Parameters
    ----------
    task_type, n_outputs
        As the slot passes them; not used.
    """

    def __init__(self, task_type: str, n_outputs: int) -> None:
        super().__init__()
        self.task_type, self.n_outputs = task_type, n_outputs

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean over a batch."""
        return functional.l1_loss(output, target)


class Huber(torch.nn.Module):
    """½ e² of errors e up to δ, δ (|e| − ½ δ) beyond (Huber 1964).

    Parameters
    ----------
    task_type, n_outputs
        As the slot passes them; not used.
    delta
        δ, above 0, in standard deviations of the target.
    """

    def __init__(self, task_type: str, n_outputs: int, delta: float = 1.0) -> None:
        super().__init__()
        self.task_type, self.n_outputs = task_type, n_outputs
        self.delta = delta

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean over a batch."""
        return functional.huber_loss(output, target, delta=self.delta)


class LogCosh(torch.nn.Module):
    """log cosh (output − target): ½ e² near 0, |e| − log 2 far from it, and smooth between.

    Parameters
    ----------
    task_type, n_outputs
        As the slot passes them; not used.
    """

    def __init__(self, task_type: str, n_outputs: int) -> None:
        super().__init__()
        self.task_type, self.n_outputs = task_type, n_outputs

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean over a batch."""
        distance = (output - target).abs()  # cosh itself overflows from 90 on
        return (distance + functional.softplus(-2 * distance) - math.log(2)).mean()
