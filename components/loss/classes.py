"""Losses for classes: means over rows, of logits ``(batch, n_classes)`` and class codes ``(batch,)``."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["Brier", "CrossEntropy", "Focal", "GeneralizedCrossEntropy"]


class CrossEntropy(torch.nn.Module):
    """−Σ qₖ log pₖ, where q is 1 − ε at the class, and ε shared evenly by all (arXiv:1512.00567, section 7).

    Parameters
    ----------
    task_type, n_outputs
        As the slot passes them; not used.
    label_smoothing
        ε, from 0 to 1.
    """

    def __init__(self, task_type: str, n_outputs: int, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.task_type, self.n_outputs = task_type, n_outputs
        self.label_smoothing = label_smoothing

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean over a batch."""
        return functional.cross_entropy(output, target, label_smoothing=self.label_smoothing)


class Focal(torch.nn.Module):
    """−(1 − p)ᵞ log p of the class's probability p (arXiv:1708.02002, equation 4), through the softmax.

    Rows that are right already count little. Not a proper score for γ > 0: the likeliest class comes out
    right, its probability too low (arXiv:2011.09172).

    Parameters
    ----------
    task_type, n_outputs
        As the slot passes them; not used.
    gamma
        γ, at least 0; 0 is cross-entropy.
    """

    def __init__(self, task_type: str, n_outputs: int, gamma: float = 2.0) -> None:
        super().__init__()
        self.task_type, self.n_outputs = task_type, n_outputs
        self.gamma = gamma

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean over a batch."""
        others, of_class = _shares(output, target)
        return -(others.pow(self.gamma) * of_class).mean()


class Brier(torch.nn.Module):
    """Σ (pₖ − yₖ)² over the classes, y one-hot (Brier 1950, equation 2): squared error of probabilities.

    A proper score that is bounded by 2, so that a row which is wrong for sure pulls no harder than others.

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
        return (output.softmax(-1) - _own(output, target).to(output)).square().sum(-1).mean()


class GeneralizedCrossEntropy(torch.nn.Module):
    """(1 − pᑫ) / q of the class's probability p (arXiv:1805.07836, equation 6), for labels that may be wrong.

    Parameters
    ----------
    task_type, n_outputs
        As the slot passes them; not used.
    q
        From cross-entropy, towards 0, to the mean absolute error of probabilities, at 1.
    """

    def __init__(self, task_type: str, n_outputs: int, q: float = 0.7) -> None:
        super().__init__()
        self.task_type, self.n_outputs = task_type, n_outputs
        self.q = q

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean over a batch."""
        _, of_class = _shares(output, target)
        return -torch.expm1(self.q * of_class).mean() / self.q


def _own(output: Tensor, target: Tensor) -> Tensor:
    """Whether a column is the row's own class: bool ``(batch, n_classes)``."""
    return target[:, None] == torch.arange(output.shape[-1], device=output.device)


def _shares(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Probability of all classes but the row's own, and the logarithm of that of its own, each ``(batch,)``.

    The first is no difference from 1, which rounding would make 0 long before it is; and never quite 0, where
    its powers below 1 have no gradient.
    """
    logs, own = output.log_softmax(-1), _own(output, target)
    others = logs.exp().masked_fill(own, 0.0).sum(-1).clamp(min=torch.finfo(output.dtype).tiny)
    return others, logs.masked_fill(~own, 0.0).sum(-1)
