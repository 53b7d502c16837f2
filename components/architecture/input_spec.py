"""What an architecture is told about its input."""

from __future__ import annotations

from typing import Protocol

__all__ = ["InputSpec"]


class InputSpec(Protocol):
    """Anything with these attributes."""

    @property
    def n_numeric(self) -> int:
        """Number of float columns of a table."""

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Number of codes of each categorical column; code 0 means missing or not seen in training."""

    @property
    def form(self) -> str:
        """``table``, ``image``, ``sequence`` or ``tokens``."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Image ``(channels, height, width)``; sequence ``(longest, channels)``; tokens ``(longest,)``.

        Longest of the training rows: others may be longer.
        """

    @property
    def n_tokens(self) -> int:
        """Number of token codes, 0 (padding) and 1 (not seen in training) among them."""

    @property
    def every_step(self) -> bool:
        """An output is wanted at every position, computed from it and those before alone."""
