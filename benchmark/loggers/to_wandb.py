"""Weights & Biases: a run for a study, a row of its history for a cell; offline unless told otherwise."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import wandb

from benchmark.loggers import numbers

__all__ = ["ToWandb"]

_NAMES = (
    *("key", "role", "slot", "component", "host", "task", "origin"),
    *("setting", "control", "status", "reason"),
)
_COUNTS = ("repeat", "fold", "seed", "replicate")
_LONGEST = 500


class ToWandb:
    """An offline run of the project ``swapbench``, unless ``WANDB_MODE`` or ``WANDB_PROJECT`` are set."""

    def __init__(self, study: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "swapbench"),
            name=study,
            group=study,
            dir=str(folder.resolve()),  # its service may have been started elsewhere
            mode=os.environ.get("WANDB_MODE", "offline"),
            settings=wandb.Settings(
                silent=True,
                console="off",
                x_disable_stats=True,
                x_disable_meta=True,
                disable_git=True,
                save_code=False,
            ),
        )

    def log(self, cell: Mapping[str, Any]) -> None:
        """A row: coordinates, outcome and numbers."""
        names = {name: str(cell[name])[:_LONGEST] for name in _NAMES}
        counts = {name: int(cell[name]) for name in _COUNTS}
        self._run.log({**names, **counts, **dict(numbers(cell))})

    def flush(self) -> None:
        """The run's own process writes what it gets."""

    def close(self) -> None:
        """End the run."""
        self._run.finish()
