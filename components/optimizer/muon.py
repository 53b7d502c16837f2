"""Muon for the hidden matrices of a network and AdamW for everything else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytorch_optimizer
from pytorch_optimizer.optimizer.utils.matrix import zero_power_via_newton_schulz_5
from torch import Tensor

__all__ = ["Muon"]


class Muon(pytorch_optimizer.Muon):  # type: ignore[misc]
    """Orthogonalised momentum for parameters whose group says ``role: hidden``, AdamW for the others.

    Parameters
    ----------
    params
        Groups ``{"params": […], "role": …}``; a group's own ``lr`` or ``weight_decay`` wins over the default.
    lr
        One learning rate for both rules: an orthogonalised update is scaled by ``0.2 sqrt(max(rows,
        columns))``, which gives its entries the root mean square of an AdamW update (arXiv:2502.16982,
        section 2.2).
    weight_decay
        Decoupled weight decay of both rules.
    """

    def __init__(
        self, params: Iterable[dict[str, Any]], lr: float = 1e-3, weight_decay: float = 1e-2, **options: Any
    ) -> None:
        groups = [
            {"lr": lr, "weight_decay": weight_decay, "use_muon": group["role"] == "hidden", **group}
            for group in params
        ]
        super().__init__(groups, use_adjusted_lr=True, **options)

    @staticmethod
    def _orthogonalize(group: dict[str, Any], updates: list[Tensor]) -> list[Tensor]:
        """Newton-Schulz in the parameters' own precision; the half precision of the library is for GPUs."""
        options = {"num_steps": group["ns_steps"], "weights": group["ns_coeffs"]}
        return [
            zero_power_via_newton_schulz_5(update.flatten(1), dtype=update.dtype, **options)
            for update in updates
        ]
