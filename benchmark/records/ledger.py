"""The ledger of a store: every variant of a component ever run in it, and what was found of each.

The best of many variants looks better than it is; only who knows how many there were can say by how much.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import astuple, dataclass

import pandas as pd

from benchmark.records.database import writing

__all__ = ["LEDGER_COLUMNS", "LEDGER_TABLES", "Judged", "note", "note_judged", "read", "tried"]

LEDGER_TABLES = """
CREATE TABLE IF NOT EXISTS ledger (slot, component, digest, study, first_seen,
  PRIMARY KEY (slot, component, digest, study)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS judged
  (slot, component, digest, study, baseline, setting, origins, effect, verdict,
  PRIMARY KEY (slot, component, digest, study, baseline, setting)) WITHOUT ROWID;
"""

LEDGER_COLUMNS = (
    "slot",
    "component",
    "variant",
    "first_seen",
    "studies",
    "baseline",
    "setting",
    "origins",
    "effect",
    "verdict",
)
"""``variant``: the first eight hex digits of a digest of its arguments and code; ``first_seen``: in UTC (ISO
8601); ``studies``: every study it was in, by comma.
The others say what was found of it against one baseline, and are missing where it was not judged."""

_NOW = "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"


@dataclass(frozen=True, slots=True)
class Judged:
    """What a study found of one variant."""

    slot: str
    component: str
    digest: str
    study: str
    baseline: str
    setting: str
    origins: int
    effect: float
    """Mean relative effect."""
    verdict: str


def note(db: sqlite3.Connection, study: str, variants: Iterable[tuple[str, str, str]]) -> None:
    """Add (slot, component, digest) as run for a study now, unless that was noted before."""
    with writing(db):
        db.executemany(
            f"INSERT OR IGNORE INTO ledger VALUES (?, ?, ?, ?, {_NOW})",
            ((*variant, study) for variant in variants),
        )


def note_judged(db: sqlite3.Connection, found: Iterable[Judged]) -> None:
    """Keep what was found; of the same variant, study, baseline and setting the last finding stays."""
    with writing(db):
        marks = ", ".join("?" * len(Judged.__slots__))
        db.executemany(f"INSERT OR REPLACE INTO judged VALUES ({marks})", (astuple(one) for one in found))


def tried(db: sqlite3.Connection, slot: str) -> dict[str, int]:
    """How many variants of each component of a slot were run."""
    rows = db.execute(
        "SELECT component, count(DISTINCT digest) FROM ledger WHERE slot = ? GROUP BY component", (slot,)
    )
    return dict(rows.fetchall())


def read(db: sqlite3.Connection, slot: str | None) -> pd.DataFrame:
    """The ledger of one slot, or of all: :data:`LEDGER_COLUMNS`, one row per variant and finding."""
    return pd.read_sql_query(
        """
        SELECT slot, component, substr(digest, 1, 8) AS variant, first_seen, studies, baseline, setting,
               origins, effect, verdict
        FROM (SELECT slot, component, digest, min(first_seen) AS first_seen,
                     coalesce(group_concat(nullif(study, ''), ', '), '') AS studies
              FROM (SELECT * FROM ledger ORDER BY study) GROUP BY slot, component, digest)
        LEFT JOIN (SELECT DISTINCT slot, component, digest, baseline, setting, origins, effect, verdict
                   FROM judged) USING (slot, component, digest)
        WHERE slot = coalesce(?, slot)
        ORDER BY slot, component, first_seen, digest, baseline, setting, origins, effect
        """,
        db,
        params=(slot,),
    )
