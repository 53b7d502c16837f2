"""Muon that keeps attention logits from growing without bound."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch

from components.optimizer.muon import Muon

__all__ = ["MuonClip"]


class MuonClip(Muon):
    """Muon, and after each step QK-clip on every head that needs it (arXiv:2507.20534, algorithm 1).

    Parameters
    ----------
    params
        Groups ``{"params": […], "role": …}``.
    attention_logits
        Gives, for each attention layer, its ``query`` and ``key`` parameters (equal blocks of rows, one per
        head) and the ``largest`` logit of each head ``(n_heads,)`` in the last training pass.
    tau
        Largest logit that is let pass.
    lr, weight_decay, options
        As for :class:`Muon`, here with plain instead of Nesterov momentum.
    """

    def __init__(
        self,
        params: Iterable[dict[str, Any]],
        attention_logits: Callable[[], Sequence[Any]],
        lr: float = 1e-3,
        weight_decay: float = 1e-2,
        tau: float = 100.0,
        **options: Any,
    ) -> None:
        super().__init__(params, lr=lr, weight_decay=weight_decay, nesterov=False, **options)
        self.attention_logits = attention_logits
        self.tau = tau

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """What the closure gives, if there is one."""
        loss = super().step(closure)
        for layer in self.attention_logits():
            # Logits are products of a query and a key: each of them takes the square root.
            scale = (self.tau / layer.largest.detach().clamp_min(self.tau)).sqrt()
            for parameter in (*layer.query, *layer.key):
                heads = parameter.view(len(scale), -1)
                heads.mul_(scale.to(parameter).unsqueeze(1))
        return loss
