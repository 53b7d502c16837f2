"""From the name of a study that was run to the overrides that ask for it again."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import RequestError, nearest

__all__ = ["Named", "named", "newest_run"]


@dataclass(frozen=True)
class Named:
    """What stands for a study on the command line, spelled out."""

    overrides: tuple[str, ...]
    config_dirs: tuple[Path, ...] = ()
    """Of its first run."""
    folder: Path | None = None
    """That of the run that was meant; None where nobody gave a name."""


def named(words: Sequence[str]) -> Named:
    """The overrides themselves, or where a bare name comes first those of its newest run.

    Further words follow those of the run, and so take precedence.

    Raises
    ------
    RequestError
        Where no study of that name was run, or its first run left no word of what it asked.
    """
    if not words or "=" in words[0]:
        return Named(tuple(words))
    name, *further = words
    results = Path(
        next((w.partition("=")[2] for w in reversed(further) if w.startswith("results_dir=")), "results")
    )
    lock = newest_run(name, results) / "study.lock"
    try:
        asked = json.loads(lock.read_text(encoding="utf-8"))
        overrides, folders = asked["overrides"], asked["config_dirs"]
    except (ValueError, KeyError, TypeError) as error:
        raise RequestError(
            f"{lock}: does not say what was asked; give the overrides of `swapbench run`"
        ) from error
    # A study whose folder has another name than its file was named by a digest, or by name=.
    return Named((*overrides, *further), tuple(map(Path, folders)), lock.parent)


def newest_run(name: str, results: Path) -> Path:
    """The folder of the study of that name, with or without its digest, that was last run or reported.

    Raises
    ------
    RequestError
        When none was run there.
    """
    locks = {lock.parent.name: lock for lock in sorted(results.glob("*/study.lock"))}
    runs = [
        lock
        for run, lock in locks.items()
        if run == name or re.fullmatch(rf"{re.escape(name)}-[0-9a-f]{{8}}", run)
    ]
    if not runs:
        raise RequestError(
            f"{name}: no study of this name was run in {results}; {nearest(name, sorted(locks))}"
        )
    return max(runs, key=_last_touched).parent


def _last_touched(lock: Path) -> float:
    """When a study was last run or reported."""
    report = lock.parent / "report"
    return max(file.stat().st_mtime for file in (lock, report) if file.exists())
