"""What a source hands on: data as it was read, before its types are settled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import pandas as pd

from benchmark.spec import OwnSplit

__all__ = ["Raw"]


@dataclass(frozen=True, eq=False)
class Raw:
    """Data as it was read."""

    inputs: pd.DataFrame | npt.NDArray[Any] | list[npt.NDArray[Any]] | list[str] | str
    """A table, its target and every column that the card names among its columns; images ``(n_rows, height,
    width)``, ``(n_rows, height, width, channels)`` or, floats, ``(n_rows, channels, height, width)``;
    sequences ``(time, channels)``; texts; or one running text."""
    target: str | pd.Series | npt.NDArray[Any] | None = None
    """The target's values; or the name of its column, where the source says it rather than the card."""
    task_type: str | None = None
    """Where the source declares it."""
    declared: bool = False
    """The columns' types are the source's word: nothing is inferred from their values."""
    own: tuple[OwnSplit, ...] = ()
    """Splits that come with the data."""
    origin: str = ""
    """What the source calls the data."""
    notes: tuple[str, ...] = ()
    """One line each, for people."""
    classes: tuple[str, ...] = ()
    """Labels in the order of the codes, where ``target`` already holds codes (of a language task, say)."""

    def name_of_target(self, said: str) -> str:
        """Name of the target column: the card's word, else the source's."""
        return said or (self.target if isinstance(self.target, str) else "")
