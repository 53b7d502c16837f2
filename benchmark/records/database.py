"""One SQLite file as the store uses it: by several drivers at once, each transaction whole or not at all."""

from __future__ import annotations

import errno
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from benchmark.errors import RequestError

__all__ = ["among", "connect", "is_full", "marks", "storable", "writing"]

_BUSY_SECONDS = 300
"""How long another driver's transaction is waited for: the plan of a large study takes many seconds."""
_CACHE_KIB = 65536
_AT_ONCE = 500
_FULL = ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")
"""A full disk as SQLite says it, and as it says it of the file that it maps into memory."""


def connect(file: Path, tables: str) -> sqlite3.Connection:
    """A connection to ``file``, with its ``tables`` made where they are not there.

    Raises
    ------
    RequestError
        When the file is something else.
    """
    try:
        connection = sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None)
        _switch_to_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.executescript(tables)
    except sqlite3.DatabaseError as error:
        if is_full(error):
            raise
        raise RequestError(f"{file}: not usable as a store: {error}") from error
    return connection


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Keep a write-ahead log from now on. Two that switch a new file at once do not wait for each other."""
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > until:
                raise
            time.sleep(0.01)


@contextmanager
def writing(db: sqlite3.Connection) -> Iterator[None]:
    """A transaction that no other driver's can come between; undone when its body raises."""
    try:
        db.execute("BEGIN IMMEDIATE")  # in here: an interrupt may come right after it
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # some errors have undone it already
            db.execute("ROLLBACK")
        raise


def among(db: sqlite3.Connection, query: str, keys: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    """What ``query`` (up to its last word, ``IN``) finds for ``keys``, some hundreds at a time."""
    left = iter(keys)
    while some := list(islice(left, _AT_ONCE)):
        yield from db.execute(f"{query} ({marks(len(some))})", some).fetchall()


def is_full(error: BaseException) -> bool:
    """Whether an error says that the disk is full."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorname", "") in _FULL
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def storable(values: Sequence[Any]) -> list[Any]:
    """The values, with what UTF-8 cannot hold (halves of surrogate pairs, from odd file names) escaped."""
    return [
        value.encode("utf-8", "backslashreplace").decode("utf-8")
        if isinstance(value, str) and not value.isascii()
        else value
        for value in values
    ]


def marks(count: int) -> str:
    """Placeholders for so many values."""
    return ", ".join("?" * count)
