"""One SQLite file: opened by several at once, and whole after an interrupt at any moment."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from benchmark.records.database import connect, writing

TABLES = "CREATE TABLE IF NOT EXISTS kept (key);"


def test_a_new_file_that_another_opens_at_the_same_time_is_waited_for(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "s.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE early (key)")
    other.execute("BEGIN IMMEDIATE")  # it writes what is not in WAL mode yet
    writer = threading.Timer(0.3, lambda: other.execute("COMMIT"))
    writer.start()
    began = time.monotonic()
    connection = connect(tmp_path / "s.sqlite", TABLES)
    assert time.monotonic() - began > 0.2
    assert connection.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    writer.join()


class Interrupted(sqlite3.Connection):
    """A connection whose next transaction is interrupted as soon as it has begun."""

    def execute(self, query: str, *arguments: Any) -> sqlite3.Cursor:
        found = super().execute(query, *arguments)
        if query.startswith("BEGIN"):
            raise KeyboardInterrupt
        return found


def test_an_interrupt_right_after_a_transaction_began_undoes_it(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "s.sqlite", isolation_level=None, factory=Interrupted)
    with pytest.raises(KeyboardInterrupt), writing(connection):
        pass
    assert not connection.in_transaction
