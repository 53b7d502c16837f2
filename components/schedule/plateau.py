"""A learning rate that falls when the validation error stops falling."""

from __future__ import annotations

from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

__all__ = ["Plateau"]


class Plateau(ReduceLROnPlateau):
    """The library's schedule, with the arguments that the slot passes; ``step(error)`` after evaluations.

    Parameters
    ----------
    optimizer
        Its learning rates are the first ones.
    total_steps
        Steps of the whole training; nothing here depends on them.
    factor
        What is left of the rate after a reduction, below 1.
    patience
        Evaluations in a row that may bring nothing new; the next one such reduces the rate.
    """

    def __init__(
        self, optimizer: Optimizer, total_steps: int, factor: float = 0.3, patience: int = 1
    ) -> None:
        self.total_steps = total_steps
        # The library ignores reductions of less than 1e-8, which are real ones for the smallest rates tuned.
        super().__init__(optimizer, factor=factor, patience=patience, eps=0.0)
