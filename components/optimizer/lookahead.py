"""Lookahead around any base optimizer, made from parameters like every other optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytorch_optimizer
import torch

__all__ = ["Lookahead"]


class Lookahead(pytorch_optimizer.Lookahead):  # type: ignore[misc]
    """The base optimizer, pulled back towards slow weights every ``k`` steps (arXiv:1907.08610, algorithm 1).

    The slow weights are what the algorithm returns: ``eval()`` puts them into the network, ``train()`` the
    fast ones again.

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

    def eval(self) -> None:
        """Put the slow weights in place; they stay there until ``train()``."""
        if not self._slow_in_place():
            self.backup_and_load_cache()

    def train(self) -> None:
        """Put the fast weights back."""
        if self._slow_in_place():
            self.clear_and_load_backup()

    def _slow_in_place(self) -> bool:
        """Read off the state, so that a checkpoint made during an evaluation says so too."""
        return any("backup_params" in state for state in self.state.values())
