"""MARS with one learning rate and one weight decay for all parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytorch_optimizer

__all__ = ["MARS"]


class MARS(pytorch_optimizer.MARS):  # type: ignore[misc]
    """Variance-reduced AdamW for matrices, plain AdamW for vectors (MARS-AdamW, arXiv:2411.10438).

    The gradient's difference is taken to the batch before, not recomputed on the same batch (the paper's
    MARS-approx), so that a step takes one pass.

    Parameters
    ----------
    params
        Parameters or parameter groups.
    lr, weight_decay
        Of matrices and vectors alike: the library has a second pair for vectors, out of tuning's reach.
    options
        Other arguments of ``pytorch_optimizer.MARS``.
    """

    def __init__(
        self, params: Iterable[Any], lr: float = 3e-3, weight_decay: float = 1e-2, **options: Any
    ) -> None:
        super().__init__(
            params, lr=lr, lr_1d=lr, weight_decay=weight_decay, weight_decay_1d=weight_decay, **options
        )
