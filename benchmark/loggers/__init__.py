"""Where people already look: cells for MLflow, TensorBoard and Weights & Biases, by their own libraries.

Each module has a class with the methods of :class:`CellLogger`. A logger sees plain values and nothing of the
harness; whoever calls it sees to it that no fault of a logger harms a study.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from benchmark.errors import RequestError, nearest

__all__ = ["LOGGERS", "METRICS", "CellLogger", "check_loggers", "made", "numbers"]

LOGGERS: Mapping[str, tuple[str, str]] = {
    "mlflow": ("benchmark.loggers.to_mlflow:ToMLflow", "mlflow"),
    "tensorboard": ("benchmark.loggers.to_tensorboard:ToTensorBoard", "tensorboard"),
    "wandb": ("benchmark.loggers.to_wandb:ToWandb", "wandb"),
}
"""The class and the package of each."""

METRICS = (
    "error",
    "score",
    "validation_error",
    "train_error",
    "fit_seconds",
    "predict_seconds",
    "peak_memory_mb",
)
"""Numbers of a cell that are logged, beside every column ``metric_<name>``."""


class CellLogger(Protocol):
    """Takes the cells of one study."""

    def __init__(self, study: str, folder: Path) -> None:
        """Open what is to be written, below ``folder`` where the tool keeps files.

        ``study`` is the name of its folder of results, and so a harmless one.
        """

    def log(self, cell: Mapping[str, Any]) -> None:
        """Log one cell: the columns of the records by name. Its names may be anything."""
        ...

    def flush(self) -> None:
        """See to it that what was logged outlives this process."""
        ...

    def close(self) -> None:
        """Flush, and end."""
        ...


def check_loggers(names: list[str]) -> tuple[str, ...]:
    """The names, each of a logger whose library is installed.

    Raises
    ------
    RequestError
        In one line, for any other.
    """
    for name in names:
        if name not in LOGGERS:
            raise RequestError(f"log: there is no logger '{name}'; {nearest(name, LOGGERS)}")
        if importlib.util.find_spec(LOGGERS[name][1]) is None:
            raise RequestError(f"log: '{name}' is not installed; pip install 'swapbench[log]'")
    return tuple(names)


def made(name: str, study: str, folder: Path) -> CellLogger:
    """A logger by its name."""
    module, _, cls = LOGGERS[name][0].partition(":")
    found: CellLogger = getattr(importlib.import_module(module), cls)(study, folder)
    return found


def numbers(cell: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The finite numbers of a cell, by name."""
    for name, value in cell.items():
        known = name in METRICS or name.startswith("metric_")
        if known and isinstance(value, (int, float)) and abs(value) < float("inf"):
            yield name, float(value)
