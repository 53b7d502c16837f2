"""Learning rate schedules as factors of the optimizer's own rate, over a number of steps known beforehand.

The optimizer's rate is the peak, of every parameter group its own; no shape touches anything but rates. What
falls to zero reaches it after the last of ``total_steps``.
"""

from __future__ import annotations

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

__all__ = ["WSD", "Constant", "Cosine", "Exponential", "InverseSqrt", "Linear", "OneCycle", "StepDecay"]


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
            return _half_cosine(1.0, 0.0, (step - rising) / falling)

        super().__init__(optimizer, factor)


class Linear(LambdaLR):
    """Linear warm-up, then a straight line to zero after ``total_steps`` (arXiv:2310.07831, section 1).

    Parameters
    ----------
    optimizer, total_steps, warmup
        As for :class:`Cosine`.
    """

    def __init__(self, optimizer: Optimizer, total_steps: int, warmup: float = 0.05) -> None:
        rising = round(warmup * total_steps)
        falling = max(1, total_steps - rising)

        def factor(step: int) -> float:
            return (step + 1) / rising if step < rising else max(0.0, (total_steps - step) / falling)

        super().__init__(optimizer, factor)


class WSD(LambdaLR):
    """Warm-up, stable, decay (arXiv:2404.06395, equation 1), the decay as 1 − √ falls (arXiv:2405.18392).

    Parameters
    ----------
    optimizer, total_steps, warmup
        As for :class:`Cosine`.
    decay
        Share of the steps spent on the decay.
    """

    def __init__(
        self, optimizer: Optimizer, total_steps: int, warmup: float = 0.05, decay: float = 0.2
    ) -> None:
        rising = round(warmup * total_steps)
        falling = max(1, round(decay * total_steps))
        stable_until = total_steps - falling

        def factor(step: int) -> float:
            if step < rising:
                return (step + 1) / rising
            return 1.0 - math.sqrt(min(1.0, max(0, step - stable_until) / falling))

        super().__init__(optimizer, factor)


class OneCycle(LambdaLR):
    """Half a cosine up from a low rate, half a cosine down to almost none (arXiv:1708.07120, section 3).

    The numbers are those of ``torch.optim.lr_scheduler.OneCycleLR``, which takes no fewer than four steps.

    Parameters
    ----------
    optimizer, total_steps
        As for :class:`Cosine`.
    rise
        Share of the steps until the peak.
    start
        The first factor.
    end
        The last factor.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_steps: int,
        rise: float = 0.3,
        start: float = 1 / 25,
        end: float = 4e-6,
    ) -> None:
        peak = max(1.0, rise * total_steps - 1)
        falling = max(1.0, total_steps - 1 - peak)

        def factor(step: int) -> float:
            if step <= peak:
                return _half_cosine(start, 1.0, step / peak)
            return _half_cosine(1.0, end, (step - peak) / falling)

        super().__init__(optimizer, factor)


class Exponential(LambdaLR):
    """The same share is lost at every step, until ``end`` is left of the rate after ``total_steps``.

    Parameters
    ----------
    optimizer, total_steps
        As for :class:`Cosine`.
    end
        The factor after the last step.
    """

    def __init__(self, optimizer: Optimizer, total_steps: int, end: float = 0.01) -> None:
        super().__init__(optimizer, lambda step: end ** (step / total_steps))


class StepDecay(LambdaLR):
    """The rate times ``factor`` after a half and again after three quarters of the steps (arXiv:1512.03385).

    Parameters
    ----------
    optimizer, total_steps
        As for :class:`Cosine`.
    factor
        Below 1.
    """

    def __init__(self, optimizer: Optimizer, total_steps: int, factor: float = 0.1) -> None:
        super().__init__(
            optimizer, lambda step: factor ** ((2 * step >= total_steps) + (4 * step >= 3 * total_steps))
        )


class InverseSqrt(LambdaLR):
    """Linear warm-up, then the inverse square root of the step (arXiv:1706.03762, equation 3).

    Parameters
    ----------
    optimizer, total_steps, warmup
        As for :class:`Cosine`; the factor is 1 at the warm-up's end.
    """

    def __init__(self, optimizer: Optimizer, total_steps: int, warmup: float = 0.05) -> None:
        rising = max(1, round(warmup * total_steps))

        def factor(step: int) -> float:
            return min((step + 1) / rising, math.sqrt(rising / (step + 1)))

        super().__init__(optimizer, factor)


def _half_cosine(first: float, last: float, passed: float) -> float:
    """From ``first`` to ``last``, where a share between 0 and 1 has passed; ``last`` beyond."""
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * min(1.0, passed)))
