"""What the cache holds, and how it is kept in bounds."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmark.data.cache import layout
from benchmark.data.cache.places import discard, folder, requests, sweep, tasks
from benchmark.data.fingerprint import fingerprint

__all__ = ["Entry", "clear", "downloaded", "entries", "prune", "verify"]


@dataclass(frozen=True)
class Entry:
    """One parsed task in the cache."""

    address: str
    """Digest of all that it holds; the name of its folder."""
    bytes: int
    used: float
    """When it was last opened, in seconds since 1970; or written, in a cache that may only be read."""
    name: str = "(damaged)"
    """What it was called when it was first kept."""
    task_type: str = ""
    modality: str = ""
    n_rows: int = 0
    n_features: int = 0
    fingerprint: str = ""


class _Place(NamedTuple):
    path: Path
    bytes: int
    used: float


def entries() -> list[Entry]:
    """Every parsed task, the least recently used first."""
    return [_entry(place) for place in _places()]


def downloaded() -> int:
    """Bytes that were downloaded from OpenML; no limit removes them, since an offline machine needs them."""
    return sum(_size(Path(top) / file) for top, _, files in os.walk(folder() / "openml") for file in files)


def prune(max_bytes: int, spare: str = "") -> list[Entry]:
    """Remove least recently used tasks until the rest takes at most ``max_bytes``; what was removed.

    Parameters
    ----------
    max_bytes
        Downloads do not count.
    spare
        An address that stays, whatever its size.
    """
    places, removed = _places(), []
    total = sum(place.bytes for place in places)
    for place in places:
        if total > max_bytes and place.path.name != spare:
            entry = _entry(place)
            if discard(place.path):
                removed.append(entry)
                total -= place.bytes
    if removed:
        _forget()
    sweep()
    return removed


def verify() -> list[Entry]:
    """Recompute every digest from the arrays; what did not agree, and was removed."""
    damaged = []
    for place in _places():
        try:
            data = layout.read(place.path)
            sound = fingerprint(data) == data.fingerprint and layout.address_of(data) == place.path.name
        except layout.Damaged:
            sound = False
        if not sound and place.path.exists():  # else another process has removed it meanwhile
            damaged.append(_entry(place))
            discard(place.path)
    if damaged:
        _forget()
    return damaged


def clear(downloads: bool = False) -> list[Entry]:
    """Remove every parsed task, and the OpenML downloads where ``downloads``; which tasks these were."""
    removed = prune(-1)
    _forget()
    if downloads:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder() / "openml")
    return removed


def _places() -> list[_Place]:
    found = []
    with contextlib.suppress(FileNotFoundError):
        for path in tasks().iterdir():
            with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                size = sum(file.stat().st_size for file in path.iterdir())
                facts = path / "task.json"
                found.append(_Place(path, size, (facts if facts.exists() else path).stat().st_mtime))
    return sorted(found, key=lambda place: place.used)


def _entry(place: _Place) -> Entry:
    try:
        facts = layout.facts_of(place.path)
    except layout.Damaged:
        return Entry(place.path.name, place.bytes, place.used)
    keys = ("name", "task_type", "modality", "n_rows", "n_features", "fingerprint")
    return Entry(place.path.name, place.bytes, place.used, **{key: facts[key] for key in keys})


def _size(file: Path) -> int:
    try:
        return file.lstat().st_size
    except FileNotFoundError:  # a download that is just being finished
        return 0


def _forget() -> None:
    """Drop requests whose answer is gone."""
    here = {place.path.name for place in _places()}
    with contextlib.suppress(FileNotFoundError):
        for file in requests().iterdir():
            with contextlib.suppress(OSError):
                if file.read_text(encoding="ascii", errors="replace") not in here:
                    file.unlink()
