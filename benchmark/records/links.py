"""What a study consists of: a table from its coordinates to keys, so that one computation serves every study.

A link is one part of a study (the whole, or a stage), known by a digest of all that is in it. A study is its
links in order. What a driver reads of a study is what it has linked itself: another driver that has begun the
study anew, or with edited components, takes nothing away from under it.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Iterable
from operator import attrgetter
from typing import Any, NamedTuple

from benchmark.records.database import marks, writing
from benchmark.spec import Cell

__all__ = ["CELLS", "LINK_TABLES", "TRIAL_CELLS", "Links", "Place", "Places", "TrialPlace"]


class Places(NamedTuple):
    """A table of places."""

    table: str
    order: tuple[str, ...]
    """The columns that tell places of one link apart, and that they are sorted by."""
    columns: tuple[str, ...]


_SPLIT = ("role", "component", "host", "task", "repeat", "fold")
_WHERE = ("role", "slot", "component", "host", "task", "origin", "repeat", "fold")
CELLS = Places(
    "cells",
    (*_SPLIT, "seed", "setting", "replicate", "control"),
    (*_WHERE, "seed", "setting", "replicate", "control", "tuning", "key"),
)
"""Places of records."""
TRIAL_CELLS = Places(
    "trial_cells", (*_SPLIT, "replicate", "tuning", "trial"), (*_WHERE, "replicate", "tuning", "trial", "key")
)
"""Places of trials."""


def _made(places: Places) -> str:
    columns, order = ", ".join(places.columns), ", ".join(places.order)
    key = f"PRIMARY KEY (link, {order})"
    return f"CREATE TABLE IF NOT EXISTS {places.table} (link, {columns}, {key}) WITHOUT ROWID;"


LINK_TABLES = f"""
CREATE TABLE IF NOT EXISTS links (link INTEGER PRIMARY KEY, digest TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS studies (study, part, link, PRIMARY KEY (study, part)) WITHOUT ROWID;
{_made(CELLS)}
{_made(TRIAL_CELLS)}
CREATE INDEX IF NOT EXISTS first_cells ON cells (component, host, task, key)
  WHERE repeat = 0 AND fold = 0 AND seed = 0 AND control = '';
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands in a study: its coordinate with role, slot and origin, and its key."""

    role: str
    slot: str
    cell: Cell
    origin: str
    key: str


@dataclasses.dataclass(frozen=True, slots=True)
class TrialPlace:
    """Where a trial stands in a study."""

    role: str
    slot: str
    component: str
    host: str
    task: str
    origin: str
    repeat: int
    fold: int
    replicate: int
    tuning: int
    trial: int
    key: str


_OF_CELL = attrgetter(
    *(name if name in Place.__slots__ else f"cell.{name}" for name in CELLS.columns)  # in the table's order
)
_OF_TRIAL = attrgetter(*TRIAL_CELLS.columns)


class Links:
    """The links of a store, as one driver or reader sees them."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._ours: dict[str, list[int]] = {}

    def set(
        self, study: str, digest: str, places: Iterable[Place], trials: Iterable[TrialPlace], *, further: bool
    ) -> None:
        """Say what a study consists of, or what else; costs next to nothing where that was said before.

        ``digest`` tells all of ``places`` and ``trials`` from any others; they are asked for only where the
        store does not have them.
        """
        ours = self._ours.get(study, []) if further else []
        with writing(self._db):
            link = self._link(digest, places, trials)
            if self._at(study, len(ours)) != link:  # what followed it followed from something else
                self._db.execute("DELETE FROM studies WHERE study = ? AND part >= ?", (study, len(ours)))
                self._db.execute("INSERT INTO studies VALUES (?, ?, ?)", (study, len(ours), link))
        self._ours[study] = [*ours, link]

    def of(self, study: str) -> list[int]:
        """The links of a study: those that this driver has set, else all."""
        if study in self._ours:
            return self._ours[study]
        rows = self._db.execute("SELECT link FROM studies WHERE study = ? ORDER BY part", (study,))
        return [link for (link,) in rows.fetchall()]

    def forget(self) -> None:
        """Remove the links that no study has any more and no report judged; for a driver that is alone.

        Inside a transaction.
        """
        used = "SELECT link FROM studies UNION SELECT link FROM history_links"
        unused = f"SELECT link FROM links WHERE link NOT IN ({used})"
        for (link,) in self._db.execute(unused).fetchall():
            for table in ("cells", "trial_cells", "links"):
                self._db.execute(f"DELETE FROM {table} WHERE link = ?", (link,))

    def _at(self, study: str, part: int) -> int | None:
        row = self._db.execute(
            "SELECT link FROM studies WHERE study = ? AND part = ?", (study, part)
        ).fetchone()
        return None if row is None else int(row[0])

    def _link(self, digest: str, places: Iterable[Place], trials: Iterable[TrialPlace]) -> int:
        """The number of the link with this digest, made where it is not there."""
        if row := self._db.execute("SELECT link FROM links WHERE digest = ?", (digest,)).fetchone():
            return int(row[0])
        link = self._db.execute("INSERT INTO links (digest) VALUES (?)", (digest,)).lastrowid
        assert link is not None
        self._fill(CELLS, link, map(_OF_CELL, places))
        self._fill(TRIAL_CELLS, link, map(_OF_TRIAL, trials))
        return link

    def _fill(self, places: Places, link: int, rows: Iterable[tuple[Any, ...]]) -> None:
        query = f"INSERT INTO {places.table} VALUES ({marks(1 + len(places.columns))})"
        self._db.executemany(query, ((link, *row) for row in rows))
