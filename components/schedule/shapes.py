"""Learning rate schedules as factors of the optimizer's own rate, over a number of steps known beforehand."""

from __future__ import annotations

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

__all__ = ["Constant", "Cosine"]


class Constant(LambdaLR):
    """The optimizer's own learning rate, at every step."""

    def __init__(self, optimizer: Optimizer, total_steps: int) -> None:
        self.total_steps = total_steps
        super().__init__(optimizer, lambda _: 1.0)


class Cosine(LambdaLR):
    """Linear warm-up, then half a cosine to zero after ``total_steps`` (arXiv:1608.03983, equation 5).

    Parameters
    ----------
    optimizer
        Its learning rates are the peaks.
    total_steps
        Steps of the whole training.
    warmup
        Share of the steps spent on the warm-up.
    """

    def __init__(self, optimizer: Optimizer, total_steps: int, warmup: float = 0.05) -> None:
        rising = round(warmup * total_steps)
        falling = max(1, total_steps - rising)

        def factor(step: int) -> float:
            if step < rising:
                return (step + 1) / rising
            return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rising) / falling)))

        super().__init__(optimizer, factor)
