"""What every report of a study judged, and when: the verdicts of a store through time.

A note says of which links the study consisted; those are then never forgotten, so the records that a verdict
rested on, and with them their machines and packages, can be read again.
"""

from __future__ import annotations

import datetime
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.errors import RequestError
from benchmark.records.database import storable, writing

__all__ = ["HISTORY_TABLES", "History", "Note", "moment"]

HISTORY_TABLES = """
CREATE TABLE IF NOT EXISTS history (note INTEGER PRIMARY KEY, study, at, verdict, facts);
CREATE INDEX IF NOT EXISTS history_of ON history (study, note);
CREATE TABLE IF NOT EXISTS history_links (note, part, link, PRIMARY KEY (note, part)) WITHOUT ROWID;
"""
_SECONDS = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Note:
    """One report of a study."""

    at: str
    """In UTC (ISO 8601, to the second)."""
    links: tuple[int, ...]
    """What the study consisted of."""
    verdict: Mapping[str, Any]
    """The content of its verdict.json."""
    facts: Mapping[str, Any]
    """What the numbers followed from, as the report said it."""


class History:
    """The notes of a store."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def note(
        self, study: str, links: Sequence[int], verdict: Mapping[str, Any], facts: Mapping[str, Any]
    ) -> bool:
        """Note what a report judged, now; False where the last note says the same.

        What rests on time or on the store's history (``volatile``) makes no other verdict.
        """
        (study,) = storable([study])
        text, known = (json.dumps(values, sort_keys=True) for values in (verdict, facts))
        with writing(self._db):
            last = self._db.execute(
                "SELECT note, verdict FROM history WHERE study = ? ORDER BY note DESC LIMIT 1", (study,)
            ).fetchone()
            if last and self._links(last[0]) == tuple(links) and _stable(last[1]) == _stable(text):
                return False
            now = datetime.datetime.now(datetime.UTC).strftime(_SECONDS)
            note = self._db.execute(
                "INSERT INTO history (study, at, verdict, facts) VALUES (?, ?, ?, ?)",
                (study, now, text, known),
            ).lastrowid
            parts = ((note, part, link) for part, link in enumerate(links))
            self._db.executemany("INSERT INTO history_links VALUES (?, ?, ?)", parts)
        return True

    def of(self, study: str) -> list[Note]:
        """The notes of a study, the oldest first."""
        rows = self._db.execute(
            "SELECT note, at, verdict, facts FROM history WHERE study = ? ORDER BY at, note",
            storable([study]),
        )
        return [
            Note(at, self._links(note), json.loads(verdict), json.loads(facts))
            for note, at, verdict, facts in rows.fetchall()
        ]

    def at(self, study: str, when: str) -> Note:
        """The newest note of a study on or before a date or moment.

        Raises
        ------
        RequestError
            When there is none, or ``when`` is no date.
        """
        until, notes = moment(when), self.of(study)
        before = [note for note in notes if note.at <= until]
        if before:
            return before[-1]
        first = f"its first report was at {notes[0].at}" if notes else "no report of it was written here"
        raise RequestError(f"{study}@{when}: {first}")

    def _links(self, note: int) -> tuple[int, ...]:
        rows = self._db.execute("SELECT link FROM history_links WHERE note = ? ORDER BY part", (note,))
        return tuple(link for (link,) in rows.fetchall())


def moment(when: str) -> str:
    """A date (which means its end) or a moment, as notes write it; without a zone it is UTC.

    Raises
    ------
    RequestError
        When it is neither.
    """
    try:
        day = datetime.date.fromisoformat(when)
        return datetime.datetime.combine(day, datetime.time(23, 59, 59)).strftime(_SECONDS)
    except ValueError:
        pass
    try:
        found = datetime.datetime.fromisoformat(when)
        zoned = found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
        return zoned.astimezone(datetime.UTC).strftime(_SECONDS)
    except (ValueError, OverflowError) as error:
        raise RequestError(f"{when!r}: expected a date such as 2026-11-20 or 2026-11-20T18:30Z") from error


def _stable(text: str) -> Any:
    """A verdict without what is volatile."""
    return json.loads(text, object_hook=lambda found: {k: v for k, v in found.items() if k != "volatile"})
