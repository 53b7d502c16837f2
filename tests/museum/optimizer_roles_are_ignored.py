"""An optimizer for matrices and the rest that asks for roles and treats all alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

SLOT = "optimizer"
CLASS = "Split"
FINDING = "reads_the_roles"
SO = ()
NEEDS = ("roles",)


class Split(torch.optim.AdamW):
    def __init__(self, params: Iterable[dict[str, Any]], lr: float = 1e-3) -> None:
        super().__init__([{"params": group["params"]} for group in params], lr=lr)
