"""What an architecture is told about its input."""

from __future__ import annotations

from typing import Protocol

__all__ = ["InputSpec"]


class InputSpec(Protocol):
    """Anything with these two attributes."""

    @property
    def n_numeric(self) -> int:
        """Number of float columns."""

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Number of codes of each categorical column; code 0 means missing or not seen in training."""
