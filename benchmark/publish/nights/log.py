"""The log of nights: a line of JSON for every night that was told to its end.

A night that died has no line. What it judged is still news for the next one, which compares with the reports
that the last line names.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmark.errors import RequestError

__all__ = ["Log", "Night"]


@dataclass(frozen=True, slots=True)
class Night:
    """What the next nights must know of one."""

    at: str
    """When it began: the name of its folder."""
    summary: str
    reported: Mapping[str, str] = field(default_factory=dict)
    """By study, when the last report was judged whose changes have been told."""
    anchors: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By study and baseline, when the report was judged that it is held against for drift."""


class Log:
    """The nights of a folder of results."""

    def __init__(self, results: Path) -> None:
        self._file = results / "nights.jsonl"

    def nights(self) -> list[Night]:
        """The oldest first.

        Raises
        ------
        RequestError
            Where the file is something else.
        """
        try:
            lines = self._file.read_text(encoding="utf-8").splitlines()
            return [Night(**json.loads(line)) for line in lines]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError) as error:
            said = " ".join(str(error).split())[:200]
            raise RequestError(f"{self._file}: is no log of nights: {said}") from error

    def add(self, night: Night) -> None:
        """Add a night, whole or not at all."""
        text = "".join(json.dumps(asdict(one)) + "\n" for one in [*self.nights(), night])
        partial = self._file.with_suffix(f".{os.getpid()}")
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, self._file)
