"""What is found when a bundle is checked: places that contradict, and what nothing could contradict."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.report.words import label

__all__ = ["Mismatch", "Unverifiable"]

_WIDTH = 160


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One place of a bundle that is not what it should be; one line as a string."""

    file: str
    what: str
    """Which part of the file."""
    found: str
    expected: str

    def __str__(self) -> str:
        file, what, found, expected = (
            label(text, _WIDTH) for text in (self.file, self.what, self.found, self.expected)
        )
        return f"{file}: {what}: found {found}, expected {expected}"


@dataclass(frozen=True, slots=True)
class Unverifiable:
    """A part of a bundle that nothing here could contradict; one line as a string."""

    what: str
    why: str

    def __str__(self) -> str:
        return f"{label(self.what, _WIDTH)}: {label(self.why, _WIDTH)}"
