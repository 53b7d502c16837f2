"""A few made-up rows in every form that a slot's contract knows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from benchmark.spec import InputSpec

__all__ = ["STEPS", "architecture_rows", "raw_rows", "target_of"]

STEPS = 6
"""Of the longest sequence."""
_ROWS, _TOKENS = 5, 9


def architecture_rows(
    form: str, steps: int, *, every_step: bool = False
) -> tuple[InputSpec, tuple[Tensor | None, ...]]:
    """What an architecture is told and passed; sequences have up to so many steps."""
    if form == "table":
        codes = torch.tensor([[0, 1, 2, 3, 1], [2, 1, 0, 1, 2]]).T
        return InputSpec(n_numeric=3, cardinalities=(4, 3)), (torch.randn(_ROWS, 3), codes)
    if form == "image":
        return InputSpec(form=form, shape=(1, 8, 8)), (torch.randn(_ROWS, 1, 8, 8),)
    lengths = torch.tensor([steps, 2, 1, 3, 2])
    inside = torch.arange(steps) < lengths[:, None]
    if form == "sequence":
        spec = InputSpec(form=form, shape=(STEPS, 2), every_step=every_step)
        return spec, (torch.randn(_ROWS, steps, 2) * inside[..., None], lengths)
    spec = InputSpec(form=form, shape=(STEPS,), n_tokens=_TOKENS, every_step=every_step)
    return spec, (torch.randint(1, _TOKENS, (_ROWS, steps)) * inside, lengths)


def raw_rows(modality: str) -> Any:
    """Rows of a modality as preprocessors get them; ``numbers``: a table as learners get it."""
    random = np.random.default_rng(0)
    if modality == "numbers":
        table = pd.DataFrame(random.normal(size=(60, 3)), columns=["a", "b", "c"])
        return table.assign(kind=np.arange(60) % 3)
    if modality == "tabular":
        table = pd.DataFrame({"number": random.normal(size=40), "other": random.lognormal(size=40)})
        table.loc[3, "number"] = np.nan
        return table.assign(kind=pd.Categorical(random.choice(["a", "b", "c"], 40)))
    if modality == "image":
        return random.integers(0, 256, (7, 3, 4, 5), dtype=np.uint8)
    if modality == "sequence":
        return [random.normal(3, 7, (length, 2)).astype(np.float32) for length in (4, 1, 6, 2, 5, 9, 2)]
    return ["abba", "", "Zürich", "b c", "new: öäü", "ab", "a"]


def target_of(task_type: str) -> tuple[Tensor, Tensor, int]:
    """Outputs and targets of eight rows as losses get them, and ``n_outputs``."""
    generator = torch.Generator().manual_seed(0)
    if task_type in ("regression", "forecasting"):
        return torch.randn(8, generator=generator).requires_grad_(), torch.randn(8, generator=generator), 1
    n_outputs = 2 if task_type == "binary" else 5
    target = torch.randint(n_outputs, (8,), generator=generator)
    return torch.randn(8, n_outputs, generator=generator).requires_grad_(), target, n_outputs
