"""Prodigy, with one learning rate for all parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytorch_optimizer
import torch

__all__ = ["Prodigy"]


class Prodigy(pytorch_optimizer.Prodigy):  # type: ignore[misc]
    """AdamW whose step size is estimated from the way so far (arXiv:2306.06101, algorithm 4).

    That estimate is one for all parameters, and so is the ``lr`` that multiplies it: the library takes the
    first group's for every group.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """What the closure gives, if there is one.

        Raises
        ------
        ValueError
            When groups have different learning rates.
        """
        rates = sorted({float(group["lr"]) for group in self.param_groups})
        if len(rates) > 1:
            raise ValueError(f"Prodigy has one lr for all parameter groups, not {', '.join(map(str, rates))}")
        return super().step(closure)
