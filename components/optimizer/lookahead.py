"""Lookahead around any base optimizer, made from parameters like every other optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytorch_optimizer
import torch

__all__ = ["Lookahead"]


class Lookahead(pytorch_optimizer.Lookahead):  # type: ignore[misc]
    """The base optimizer, pulled back towards slow weights every ``k`` steps (arXiv:1907.08610, algorithm 1).

    Parameters
    ----------
    params
        Parameters or parameter groups, handed on to ``base``.
    base
        Makes the inner optimizer from ``params``.
    k
        Inner steps between two pulls.
    alpha
        Share of the way from the slow to the fast weights that a pull keeps.
    """

    def __init__(
        self,
        params: Iterable[Any],
        base: Callable[[Iterable[Any]], torch.optim.Optimizer],
        k: int = 5,
        alpha: float = 0.5,
    ) -> None:
        super().__init__(base(params), k=k, alpha=alpha)
