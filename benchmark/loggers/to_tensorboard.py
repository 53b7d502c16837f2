"""TensorBoard: a run for every arm and setting, a scalar for every number, host and task."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from benchmark.loggers import numbers

__all__ = ["ToTensorBoard"]

_LONGEST = 120
"""Characters of a name in a tag."""


class ToTensorBoard:
    """Event files below ``<study>/<arm>``; the step of a cell is repeat, fold and seed, two digits each."""

    def __init__(self, study: str, folder: Path) -> None:
        self._folder = folder / study
        self._folder.mkdir(parents=True, exist_ok=True)
        self._writers: dict[str, SummaryWriter] = {}

    def log(self, cell: Mapping[str, Any]) -> None:
        """The numbers of the cell, as scalars."""
        parts = (cell[name] for name in ("role", "component", "replicate", "control", "setting"))
        writer = self._writer(" ".join(str(part) for part in parts if part))
        step = 10_000 * int(cell["repeat"]) + 100 * int(cell["fold"]) + int(cell["seed"])
        place = f"{_tag(cell['task'])}/{_tag(cell['host'] or cell['component'])}"
        for name, value in numbers(cell):
            writer.add_scalar(f"{name}/{place}", value, step)
        if cell["status"] != "ok":
            writer.add_text(f"failures/{place}", _tag(f"{cell['status']}: {cell['reason']}"), step)

    def _writer(self, arm: str) -> SummaryWriter:
        if arm not in self._writers:
            stem = re.sub(r"[^A-Za-z0-9_.]+", "-", arm).strip("-.")[:80]
            # Different names stay apart, whatever is left of them.
            own = f"{stem}-{hashlib.sha256(arm.encode('utf-8', 'replace')).hexdigest()[:6]}"
            self._writers[arm] = SummaryWriter(str(self._folder / own))
        return self._writers[arm]

    def flush(self) -> None:
        """Write what is waiting."""
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        """Close the event files."""
        for writer in self._writers.values():
            writer.close()


def _tag(name: str) -> str:
    """A name as a part of a tag: printable, not too long, without the sign that makes groups."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(name))
    return text.replace("/", "∕")[:_LONGEST] or "-"
