"""The store: every record and trial by key in one SQLite file, predictions in another beside it.

One transaction per completed trial or cell, in WAL mode: after ``kill -9`` everything that was
reported complete is there. Only the driver writes. Predictions are ``.npy`` bytes, never pickles.
"""

from __future__ import annotations

import dataclasses
import fcntl
import io
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.errors import RequestError
from benchmark.records import ledger
from benchmark.records.schema import RECORD_COLUMNS, SCHEMA_VERSION, TRIAL_COLUMNS
from benchmark.spec import Cell, Record, Trial

__all__ = ["Place", "Store", "TrialPlace", "featureless_errors", "open_store"]

_PLACE = (
    "study, role, slot, component, host, task, origin, repeat, fold, seed, setting, replicate, tuning, key"
)
_TRIAL_PLACE = "study, role, slot, component, host, task, origin, repeat, fold, replicate, tuning, trial, key"
_RECORD_FIELDS = tuple(field.name for field in dataclasses.fields(Record))
_TRIAL_FIELDS = tuple(field.name for field in dataclasses.fields(Trial))
_JSON = ("scores", "setting")

_TABLES = f"""
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records ({", ".join(_RECORD_FIELDS)}, PRIMARY KEY (key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS trials ({", ".join(_TRIAL_FIELDS)}, PRIMARY KEY (key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cells ({_PLACE},
  PRIMARY KEY (study, role, component, host, task, repeat, fold, seed, setting, replicate)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS trial_cells ({_TRIAL_PLACE},
  PRIMARY KEY (study, role, component, host, task, repeat, fold, replicate, tuning, trial)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS provenance (digest TEXT PRIMARY KEY, facts TEXT) WITHOUT ROWID;
{ledger.LEDGER_TABLES}
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


class Store:
    """An open store. Use :func:`open_store`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._db = _connect(folder / "store.sqlite", _TABLES)
        self._predictions = _connect(
            folder / "predictions.sqlite",
            "CREATE TABLE IF NOT EXISTS predictions (key TEXT PRIMARY KEY, npy BLOB) WITHOUT ROWID;",
        )
        self._check_version()
        ledger.carry_over(self._db)

    def close(self) -> None:
        """Close both files."""
        self._db.close()
        self._predictions.close()

    def put_trial(self, trial: Trial) -> None:
        """Keep a trial, durably."""
        with self._db:
            self._insert("trials", trial)

    def put_record(self, record: Record, prediction: np.ndarray | None, prediction_of: str = "") -> None:
        """Keep a record and its test predictions, durably; the predictions first.

        ``prediction_of`` names a kept record whose predictions are this one's too.
        """
        if prediction_of:
            prediction = self.prediction(prediction_of)
        if prediction is not None:
            buffer = io.BytesIO()
            np.save(buffer, prediction, allow_pickle=False)
            with self._predictions:
                self._predictions.execute(
                    "INSERT OR IGNORE INTO predictions VALUES (?, ?)", (record.key, buffer.getvalue())
                )
        with self._db:
            self._insert("records", record)

    def put_provenance(self, digest: str, facts: Mapping[str, Any]) -> None:
        """Keep what a digest of machine, packages and commit stands for."""
        with self._db:
            text = json.dumps(facts, sort_keys=True)
            self._db.execute("INSERT OR IGNORE INTO provenance VALUES (?, ?)", (digest, text))

    def link(
        self, study: str, places: Iterable[Place], trials: Iterable[TrialPlace], *, further: bool = False
    ) -> None:
        """Say which keys a study consists of; replaces what was said of it before, or adds to it."""
        with self._db:
            if not further:
                self._db.execute("DELETE FROM cells WHERE study = ?", (study,))
                self._db.execute("DELETE FROM trial_cells WHERE study = ?", (study,))
            self._db.executemany(
                f"INSERT INTO cells VALUES ({_marks(14)})",
                (
                    (
                        study,
                        p.role,
                        p.slot,
                        p.cell.component,
                        p.cell.host,
                        p.cell.task,
                        p.origin,
                        p.cell.repeat,
                    )
                    + (p.cell.fold, p.cell.seed, p.cell.setting, p.cell.replicate, p.cell.tuning, p.key)
                    for p in places
                ),
            )
            self._db.executemany(
                f"INSERT INTO trial_cells VALUES ({_marks(13)})",
                ((study, *dataclasses.astuple(trial)) for trial in trials),
            )

    def note_variants(self, study: str, variants: Iterable[tuple[str, str, str]]) -> None:
        """Add (slot, component, digest) to the ledger of everything ever run in this store."""
        ledger.note(self._db, study, variants)

    def note_judged(self, found: Iterable[ledger.Judged]) -> None:
        """Add what was found of variants to the ledger."""
        ledger.note_judged(self._db, found)

    def variants_tried(self, slot: str) -> dict[str, int]:
        """How many variants of each component of a slot this store has seen."""
        return ledger.tried(self._db, slot)

    def ledger(self, slot: str | None = None) -> pd.DataFrame:
        """Every variant of a slot's components ever run here, or of all: ``LEDGER_COLUMNS``."""
        return ledger.read(self._db, slot)

    def record_keys(self) -> set[str]:
        """Keys of all records."""
        return {key for (key,) in self._db.execute("SELECT key FROM records")}

    def trials(self, keys: Sequence[str]) -> dict[str, Trial]:
        """The trials among ``keys`` that are kept, by key."""
        return {trial.key: trial for trial in self._select("trials", Trial, keys)}

    def records(self, keys: Sequence[str]) -> dict[str, Record]:
        """The records among ``keys`` that are kept, by key."""
        return {record.key: record for record in self._select("records", Record, keys)}

    def prediction(self, key: str) -> np.ndarray | None:
        """The test predictions of a record: float32 ``(n_test, n_classes)`` or ``(n_test,)``."""
        row = self._predictions.execute("SELECT npy FROM predictions WHERE key = ?", (key,)).fetchone()
        return None if row is None else np.load(io.BytesIO(row[0]), allow_pickle=False)

    def provenance(self, study: str) -> list[dict[str, Any]]:
        """The facts of every machine and installation that a study's records come from."""
        rows = self._db.execute(
            "SELECT DISTINCT p.digest, p.facts FROM cells c JOIN records r USING (key) "
            "JOIN provenance p ON p.digest = r.provenance WHERE c.study = ? ORDER BY p.digest",
            (study,),
        )
        return [{"digest": digest, **json.loads(facts)} for digest, facts in rows]

    def fit_seconds(self, study: str | None = None) -> dict[tuple[str, str, str], float]:
        """Mean seconds of a fit by (component, host, task), over one study or over all of this store."""
        rows = self._db.execute(
            "SELECT c.component, c.host, c.task, avg(r.fit_seconds) FROM cells c JOIN records r USING (key) "
            "WHERE r.status = 'ok' AND c.study = coalesce(?, c.study) GROUP BY c.component, c.host, c.task",
            (study,),
        )
        return {(component, host, task): seconds for component, host, task, seconds in rows}

    def record_table(self, study: str) -> pd.DataFrame:
        """The records of a study: :data:`RECORD_COLUMNS`, ``traceback`` and the further metrics."""
        fields = [name for name in _RECORD_FIELDS if name not in ("key", "setting")]
        outcome = ", ".join((*(f"r.{name}" for name in fields), "r.setting AS chosen"))
        frame = pd.read_sql_query(
            f"SELECT {', '.join('c.' + name.strip() for name in _PLACE.split(','))}, {outcome} "
            "FROM cells c JOIN records r USING (key) WHERE c.study = ?",
            self._db,
            params=(study,),
        )
        scores = pd.DataFrame([json.loads(text) for text in frame.pop("scores")], index=frame.index)
        frame["featureless_error"] = featureless_errors(frame)
        frame["pooled"] = frame["imputed"] = False
        frame = frame[[*RECORD_COLUMNS, "traceback"]]
        for column in ("error", "score", "validation_error", "featureless_error", "test_errors"):
            frame[column] = pd.to_numeric(frame[column]).astype(float)
        return pd.concat([frame, scores.add_prefix("metric_").sort_index(axis=1)], axis=1)

    def trial_table(self, study: str) -> pd.DataFrame:
        """The trials of a study with the columns of :data:`TRIAL_COLUMNS`."""
        outcome = "t.status, t.reason, t.setting, t.validation_error, t.error, t.fit_seconds"
        places = ", ".join("c." + name.strip() for name in _TRIAL_PLACE.split(","))
        frame = pd.read_sql_query(
            f"SELECT {places}, {outcome} FROM trial_cells c JOIN trials t USING (key) WHERE c.study = ?",
            self._db,
            params=(study,),
        )
        for column in ("error", "validation_error"):
            frame[column] = pd.to_numeric(frame[column]).astype(float)
        return frame[list(TRIAL_COLUMNS)]

    def _insert(self, table: str, row: Record | Trial) -> None:
        values = dataclasses.asdict(row)
        for name in _JSON:
            if name in values:
                values[name] = json.dumps(values[name], sort_keys=True)
        storable = [_storable(value) if isinstance(value, str) else value for value in values.values()]
        self._db.execute(f"INSERT OR IGNORE INTO {table} VALUES ({_marks(len(values))})", storable)

    def _select(self, table: str, cls: type[Any], keys: Sequence[str]) -> Iterator[Any]:
        names = [field.name for field in dataclasses.fields(cls)]
        for start in range(0, len(keys), 500):
            some = keys[start : start + 500]
            query = f"SELECT {', '.join(names)} FROM {table} WHERE key IN ({_marks(len(some))})"
            for row in self._db.execute(query, some):
                values = dict(zip(names, row, strict=True))
                yield cls(**{k: json.loads(v) if k in _JSON else v for k, v in values.items()})

    def _check_version(self) -> None:
        with self._db:
            self._db.execute("INSERT OR IGNORE INTO meta VALUES ('schema', ?)", (str(SCHEMA_VERSION),))
        (version,) = self._db.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
        if version != str(SCHEMA_VERSION):
            file = self.folder / "store.sqlite"
            raise RequestError(
                f"{file}: has schema {version}, this version reads {SCHEMA_VERSION}; use another results_dir="
            )


@contextmanager
def open_store(folder: Path, *, write: bool) -> Iterator[Store]:
    """The store in ``folder``; with ``write``, made if it is not there and held alone until closed.

    Raises
    ------
    RequestError
        When there is no store to read, or another driver is writing to it.
    """
    if not write and not (folder / "store.sqlite").is_file():
        raise RequestError(f"{folder}: there is no store here; `swapbench run` makes one")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"results_dir={folder}: cannot be made: {error.strerror}") from error
    with _alone(folder / "store.lock") if write else _nothing():
        try:
            with closing(Store(folder)) as store:
                yield store
        except sqlite3.DatabaseError as error:
            if isinstance(error, (sqlite3.IntegrityError, sqlite3.ProgrammingError)):
                raise  # a mistake of ours, not of the disk
            raise RequestError(f"{folder / 'store.sqlite'}: not usable as a store: {error}") from error


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise RequestError(f"{lock}: cannot be written: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RequestError(
                f"{lock.parent}: another run is writing to this store; use another results_dir="
            ) from error
        yield
    finally:
        os.close(handle)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _connect(file: Path, tables: str) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(file, timeout=30)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(tables)
    except sqlite3.DatabaseError as error:
        raise RequestError(f"{file}: not usable as a store: {error}") from error
    return connection


def _storable(text: str) -> str:
    """The text with what UTF-8 cannot hold (halves of surrogate pairs, from odd file names) escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def featureless_errors(frame: pd.DataFrame) -> pd.Series:
    """The featureless reference's error on each row's split; NaN where there is none."""
    split = ["task", "repeat", "fold"]
    chosen = frame[
        (frame["role"] == "reference")
        & (frame["component"] == "featureless")
        & (frame["setting"] == "default")
    ]
    errors = chosen.groupby(split)["error"].first()
    return frame[split].merge(errors.rename("floor"), on=split, how="left")["floor"].set_axis(frame.index)
