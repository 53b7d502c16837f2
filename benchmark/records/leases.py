"""Who computes what: two drivers on one store never run the same unit.

A driver that is about to run units leases their keys. It lives as long as it holds the lock on its file in
``drivers/``; the system lets go of that lock however the driver ends, and its leases are void from then on.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmark.errors import RequestError
from benchmark.records.database import among, is_full, marks, writing

__all__ = ["LEASE_TABLES", "Leases", "alone", "held", "is_driven"]

LEASE_TABLES = "CREATE TABLE IF NOT EXISTS leases (key TEXT PRIMARY KEY, driver TEXT) WITHOUT ROWID;"


class Leases:
    """The leases of a store, as one driver sees them; a reader has none of its own."""

    def __init__(self, db: sqlite3.Connection, folder: Path) -> None:
        self._db = db
        self._folder = folder / "drivers"
        self._driver = ""
        self._lock = -1

    def join(self) -> None:
        """Be a driver from now until :meth:`leave`; inside a transaction."""
        driver = secrets.token_hex(8)
        file = self._folder / f"{driver}.new"
        try:
            self._folder.mkdir(exist_ok=True)
            self._lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        except OSError as error:
            if is_full(error):
                raise
            raise RequestError(f"{self._folder}: cannot be written: {error.strerror}") from error
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        file.rename(file.with_suffix(".lock"))  # whoever sees it by this name sees it locked
        self._driver = driver

    def forget(self, living: Collection[str]) -> None:
        """Remove what all but this driver and those that are living have left, inside a transaction."""
        for file in self._folder.glob("*.new"):  # whoever joins is alone
            file.unlink(missing_ok=True)
        kept = (self._driver, *living)
        self._db.execute(f"DELETE FROM leases WHERE driver NOT IN ({marks(len(kept))})", kept)

    def leave(self) -> None:
        """Give back every lease."""
        if not self._driver:
            return
        try:
            with writing(self._db):
                self._db.execute("DELETE FROM leases WHERE driver = ?", (self._driver,))
        finally:  # without its file its leases are void all the same
            (self._folder / f"{self._driver}.lock").unlink(missing_ok=True)
            os.close(self._lock)
            self._driver = ""

    def claim(self, keys: Collection[str]) -> set[str]:
        """Those of ``keys`` that are neither kept nor leased by another living driver; they are ours now."""
        assert self._driver, "the store was opened for reading"
        with writing(self._db):
            taken = self.held_by_others(keys)
            for table in ("records", "trials"):
                taken |= {key for (key,) in among(self._db, f"SELECT key FROM {table} WHERE key IN", keys)}
            ours = set(keys) - taken
            self._db.executemany(
                "INSERT OR REPLACE INTO leases VALUES (?, ?)", ((key, self._driver) for key in ours)
            )
        return ours

    def release(self, keys: Iterable[str]) -> None:
        """Give back some leases."""
        with writing(self._db):
            self._db.executemany(
                "DELETE FROM leases WHERE key = ? AND driver = ?", ((key, self._driver) for key in keys)
            )

    def held_by_others(self, keys: Collection[str]) -> set[str]:
        """Those of ``keys`` that another living driver is at."""
        if not (others := self.others()):
            return set()
        held_by = dict(among(self._db, "SELECT key, driver FROM leases WHERE key IN", keys))
        return {key for key, driver in held_by.items() if driver in others}

    def others(self) -> set[str]:
        """The other living drivers; what dead ones have left in the folder is removed."""
        found = set()
        for file in self._folder.glob("*.lock"):
            if file.stem == self._driver:
                continue
            if _is_held(file):
                found.add(file.stem)
            else:
                file.unlink(missing_ok=True)
        return found


@contextmanager
def held(file: Path) -> Iterator[None]:
    """The lock on ``file``, once everybody else has let go of it."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def alone(file: Path) -> Iterator[bool]:
    """The lock on ``file`` as long as this lasts; False where somebody else has it."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(handle)


def is_driven(results: Path) -> bool:
    """Whether a driver is at the store of a folder of results; what dead ones have left stays there."""
    return any(map(_is_held, (results / "drivers").glob("*.lock")))


def _is_held(file: Path) -> bool:
    try:
        handle = os.open(file, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two may look at once
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
