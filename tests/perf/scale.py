"""What a large study costs before its first fit: planning it, opening its store, going on with half of it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.perf.measure import RUNS, Row

__all__ = ["rows"]

SCRIPT = Path(__file__).with_name("large.py")
MILLION, HUNDRED_THOUSAND = 100, 10
"""Tasks of a study of so many cells."""


def rows(quick: bool) -> Iterator[Row]:
    """Seconds and megabytes; the quick look is at a tenth of each study, to which no budget belongs."""
    yield from _rows(
        "plan", MILLION, quick, ("plan 1,000,000 cells", "s", 10), ("peak memory of that", "MB", 1000)
    )
    opened = "open a store of 1,000,000 records"
    yield from _rows("open", MILLION, quick, (opened, "s", 2), folds=10)
    half = "go on with half of 100,000 cells: run() up to the first job"
    whole = "the same, a whole process with imports and plan"
    yield from _rows("resume", HUNDRED_THOUSAND, quick, (half, "s", 3), (whole, "s", None), folds=5)


def _rows(
    what: str, tasks: int, quick: bool, *measures: tuple[str, str, float | None], folds: int = 0
) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        size = tasks // 10 if quick else tasks
        if folds:
            _measured("fill", folder, size, folds)
        taken = [_measured(what, folder, size) for _ in range(1 if quick else RUNS)]
    for number, (name, unit, most) in enumerate(measures):
        samples = tuple(sample[number] for sample in taken)
        yield Row(f"{name}{', a tenth' if quick else ''}", unit, samples, most=None if quick else most)


def _measured(*arguments: object) -> list[float]:
    """What a process of its own measures, and last the seconds of the whole process."""
    start = time.perf_counter()
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [*map(float, done.stdout.split()), time.perf_counter() - start]
