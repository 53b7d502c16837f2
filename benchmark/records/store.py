"""The store: every record and trial by key in one SQLite file, predictions in another beside it.

One transaction for everything that was completed together, in WAL mode: after ``kill -9`` everything that was
reported complete is there. Only drivers write, several at a time if need be; what a driver is about to
compute it leases first. Predictions are ``.npy`` bytes, never pickles.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.errors import RequestError
from benchmark.records import ledger
from benchmark.records.database import among, connect, is_full, marks, storable, writing
from benchmark.records.history import HISTORY_TABLES, History, Note
from benchmark.records.leases import LEASE_TABLES, Leases
from benchmark.records.links import CELLS, LINK_TABLES, TRIAL_CELLS, Links, Place, Places, TrialPlace
from benchmark.records.schema import RECORD_COLUMNS, SCHEMA_VERSION, TRIAL_COLUMNS
from benchmark.spec import Record, Trial

__all__ = ["Item", "Place", "Store", "TrialPlace", "featureless_errors", "open_store"]

Item = tuple[Trial | Record, np.ndarray | None, str]
"""A row, its test predictions if any, and the key of the record whose predictions are this one's too."""

_FIELDS = {cls: tuple(field.name for field in dataclasses.fields(cls)) for cls in (Record, Trial)}
_VALUES = {cls: attrgetter(*names) for cls, names in _FIELDS.items()}
_TABLE = {Record: "records", Trial: "trials"}
_JSON_FIELDS = ("scores", "setting")
_JSON = {cls: [names.index(name) for name in _JSON_FIELDS if name in names] for cls, names in _FIELDS.items()}
"""The places of fields that are kept as JSON."""
_PROVENANCE = _FIELDS[Record].index("provenance")
_NUMBERS = ("error", "score", "validation_error", "train_error", "featureless_error", "test_errors")
"""Columns of floats, also where all of one is missing."""

_TABLES = f"""
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records ({", ".join(_FIELDS[Record])}, PRIMARY KEY (key));
CREATE TABLE IF NOT EXISTS trials ({", ".join(_FIELDS[Trial])}, PRIMARY KEY (key));
CREATE TABLE IF NOT EXISTS provenance (digest TEXT PRIMARY KEY, facts TEXT) WITHOUT ROWID;
{LINK_TABLES}
{LEASE_TABLES}
{ledger.LEDGER_TABLES}
{HISTORY_TABLES}
"""
_PREDICTION_TABLES = "CREATE TABLE IF NOT EXISTS predictions (key TEXT PRIMARY KEY, npy BLOB);"
_PREDICTED = "INSERT OR REPLACE INTO predictions VALUES (?, ?)"
_COPIED = "INSERT OR REPLACE INTO predictions SELECT ?, npy FROM predictions WHERE key = ?"


class Store:
    """An open store. Use :func:`open_store`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._db = connect(folder / "store.sqlite", _TABLES)
        self._predictions = connect(folder / "predictions.sqlite", _PREDICTION_TABLES)
        self._check_version()
        self.leases = Leases(self._db, folder)
        self._links = Links(self._db)
        self._history = History(self._db)

    def join(self) -> None:
        """Be one of the store's drivers until it is closed; clear up after those that are dead."""
        with writing(self._db):
            self.leases.join()
            others = self.leases.others()
            self.leases.forget(others)
            if not others:
                self._links.forget()

    def close(self) -> None:
        """Give back all leases and close both files."""
        try:
            self.leases.leave()
        finally:
            self._db.close()
            self._predictions.close()

    def put(self, items: Iterable[Item], provenance: str) -> None:
        """Keep rows that came together, all of them or, should this be interrupted, none; their leases end.

        Predictions are kept first: without its row a prediction is never read.

        Parameters
        ----------
        provenance
            Digest that every record carries from now on.
        """
        items = list(items)
        with writing(self._db):
            self._keep_predictions(items)
            for row, _, _ in items:
                self._insert(row, provenance)
            self._db.executemany("DELETE FROM leases WHERE key = ?", ((item[0].key,) for item in items))

    def _keep_predictions(self, items: Iterable[Item]) -> None:
        """Keep the predictions of rows that are not kept yet, instead of any that never got their row."""
        predictions = {item[0].key: item for item in items if item[1] is not None or item[2]}
        for (kept,) in among(self._db, "SELECT key FROM records WHERE key IN", list(predictions)):
            del predictions[kept]
        if not predictions:
            return
        with writing(self._predictions):
            for key, (_, prediction, prediction_of) in predictions.items():
                if prediction_of:
                    self._predictions.execute(_COPIED, (key, prediction_of))
                    continue
                self._predictions.execute(_PREDICTED, (key, _npy(np.asarray(prediction))))

    def _insert(self, row: Trial | Record, provenance: str) -> None:
        cls = type(row)
        values = [*_VALUES[cls](row)]
        for place in _JSON[cls]:
            values[place] = json.dumps(values[place], sort_keys=True)
        if cls is Record:
            values[_PROVENANCE] = provenance
        self._db.execute(
            f"INSERT OR IGNORE INTO {_TABLE[cls]} VALUES ({marks(len(values))})", storable(values)
        )

    def put_provenance(self, digest: str, facts: Mapping[str, Any]) -> None:
        """Keep what a digest of machine, packages and commit stands for."""
        text = json.dumps(facts, sort_keys=True)
        self._db.execute("INSERT OR IGNORE INTO provenance VALUES (?, ?)", (digest, text))

    def link(
        self,
        study: str,
        digest: str,
        places: Iterable[Place],
        trials: Iterable[TrialPlace],
        *,
        further: bool = False,
    ) -> None:
        """Say which keys a study consists of, instead of what was said of it before, or which further ones.

        ``digest`` tells all of ``places`` and ``trials`` from any others; they are asked for only where the
        store does not have them yet.
        """
        self._links.set(study, digest, places, trials, further=further)

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

    def note_report(self, study: str, verdict: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
        """Add what a report judged to the study's history; False where that is what was noted last."""
        return self._history.note(study, self._links.of(study), verdict, facts)

    def history(self, study: str) -> list[Note]:
        """What every report of a study judged, the oldest first."""
        return self._history.of(study)

    def note_at(self, study: str, at: str) -> Note:
        """The newest note of a study on or before a date, which means its end, or a moment.

        Raises
        ------
        RequestError
            When there is none.
        """
        return self._history.at(study, at)

    def record_keys(self) -> set[str]:
        """Keys of all records."""
        return {key for (key,) in self._db.execute("SELECT key FROM records")}

    def trials(self, keys: Iterable[str]) -> dict[str, Trial]:
        """The trials among ``keys`` that are kept, by key."""
        return {trial.key: trial for trial in self._select(Trial, keys)}

    def records(self, keys: Iterable[str]) -> dict[str, Record]:
        """The records among ``keys`` that are kept, by key."""
        return {record.key: record for record in self._select(Record, keys)}

    def prediction(self, key: str) -> np.ndarray | None:
        """The test predictions of a record: float32 ``(n_test, n_classes)`` or ``(n_test,)``."""
        row = self._predictions.execute("SELECT npy FROM predictions WHERE key = ?", (key,)).fetchone()
        return None if row is None else np.load(io.BytesIO(row[0]), allow_pickle=False)

    def provenance(self, study: str, *, at: str | None = None) -> list[dict[str, Any]]:
        """The facts of every machine and installation that a study's records come from, or came from then."""
        links = self._links_of(study, at)
        rows = self._db.execute(
            "SELECT DISTINCT p.digest, p.facts FROM cells c JOIN records r USING (key) "
            f"JOIN provenance p ON p.digest = r.provenance WHERE c.link IN ({marks(len(links))}) "
            "ORDER BY p.digest",
            links,
        )
        return [{"digest": digest, **json.loads(facts)} for digest, facts in rows]

    def fit_seconds(self, study: str | None = None) -> dict[tuple[str, str, str], float]:
        """Mean seconds of a fit by (component, host, task), over one study or over all of this store.

        Of the first seed on the first split alone, default and tuned, controls left out: it is for estimates,
        and must not take longer the more there is in the store.
        """
        links = [] if study is None else self._links.of(study) or [0]  # no link has that number
        of_study = f"AND c.link IN ({marks(len(links))})" if links else ""
        rows = self._db.execute(
            "SELECT c.component, c.host, c.task, avg(r.fit_seconds) "
            "FROM cells c INDEXED BY first_cells CROSS JOIN records r USING (key) "
            f"WHERE c.repeat = 0 AND c.fold = 0 AND c.seed = 0 AND c.control = '' {of_study} "
            "AND r.status = 'ok' "
            "GROUP BY c.component, c.host, c.task",
            links,
        )
        return {(component, host, task): seconds for component, host, task, seconds in rows}

    def record_table(self, study: str, *, at: str | None = None) -> pd.DataFrame:
        """The records of a study: :data:`RECORD_COLUMNS`, ``traceback`` and the further metrics.

        With ``at`` those that its newest report on or before that date judged.
        """
        outcome = {name: f"r.{name}" for name in _FIELDS[Record] if name not in ("key", "setting")}
        frame = self._linked(study, at, CELLS, "records r", {**outcome, "chosen": "r.setting"})
        scores = pd.DataFrame([json.loads(text) for text in frame.pop("scores")], index=frame.index)
        frame["featureless_error"] = featureless_errors(frame)
        frame["pooled"] = frame["imputed"] = False
        frame = frame[[*RECORD_COLUMNS, "traceback"]]
        for column in _NUMBERS:
            frame[column] = pd.to_numeric(frame[column]).astype(float)
        return pd.concat([frame, scores.add_prefix("metric_").sort_index(axis=1)], axis=1)

    def trial_table(self, study: str, *, at: str | None = None) -> pd.DataFrame:
        """The trials of a study, as for :meth:`record_table`, with the columns of :data:`TRIAL_COLUMNS`."""
        outcome = {name: f"t.{name}" for name in TRIAL_COLUMNS if name not in ("study", *TRIAL_CELLS.columns)}
        frame = self._linked(study, at, TRIAL_CELLS, "trials t", outcome)
        for column in ("error", "validation_error"):
            frame[column] = pd.to_numeric(frame[column]).astype(float)
        return frame[list(TRIAL_COLUMNS)]

    def _links_of(self, study: str, at: str | None) -> Sequence[int]:
        return self._links.of(study) if at is None else self.note_at(study, at).links

    def _linked(
        self, study: str, at: str | None, places: Places, rows: str, outcome: Mapping[str, str]
    ) -> pd.DataFrame:
        """What is kept under the keys of a study, with its places and in the order of these."""
        links = self._links_of(study, at)
        chosen = (*map("c.{}".format, places.columns), *map("{0[1]} AS {0[0]}".format, outcome.items()))
        return pd.read_sql_query(
            f"SELECT ? AS study, {', '.join(chosen)} FROM {places.table} c CROSS JOIN {rows} USING (key) "
            f"WHERE c.link IN ({marks(len(links))}) ORDER BY {', '.join(map('c.{}'.format, places.order))}",
            self._db,
            params=(study, *links),
        )

    def _select(self, cls: type[Any], keys: Iterable[str]) -> Iterator[Any]:
        names = _FIELDS[cls]
        query = f"SELECT {', '.join(names)} FROM {_TABLE[cls]} WHERE key IN"
        for row in among(self._db, query, keys):
            values = dict(zip(names, row, strict=True))
            yield cls(**{k: json.loads(v) if k in _JSON_FIELDS else v for k, v in values.items()})

    def _check_version(self) -> None:
        query = "SELECT value FROM meta WHERE name = 'schema'"
        if self._db.execute(query).fetchone() is None:
            self._db.execute("INSERT OR IGNORE INTO meta VALUES ('schema', ?)", (str(SCHEMA_VERSION),))
        (version,) = self._db.execute(query).fetchone()
        if version != str(SCHEMA_VERSION):
            file = self.folder / "store.sqlite"
            raise RequestError(
                f"{file}: has schema {version}, this version reads {SCHEMA_VERSION}; use another results_dir="
            )


@contextmanager
def open_store(folder: Path, *, write: bool) -> Iterator[Store]:
    """The store in ``folder``; with ``write``, made if it is not there, and opened by one more driver.

    Raises
    ------
    RequestError
        When there is no store to read, or none can be made, or the disk is full.
    """
    if not write and not (folder / "store.sqlite").is_file():
        raise RequestError(f"{folder}: there is no store here; `swapbench run` makes one")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"results_dir={folder}: cannot be made: {error.strerror}") from error
    try:
        with closing(Store(folder)) as store:
            if write:
                store.join()
            yield store
    except (sqlite3.DatabaseError, OSError) as error:
        if is_full(error):
            raise RequestError(
                f"{folder}: no space left on the disk; everything kept so far is intact: "
                "make room, and the same command goes on"
            ) from error
        if isinstance(error, (OSError, sqlite3.IntegrityError, sqlite3.ProgrammingError)):
            raise  # a mistake of ours, or of another file
        raise RequestError(f"{folder / 'store.sqlite'}: not usable as a store: {error}") from error


def _npy(array: np.ndarray) -> bytes:
    """The array as the bytes of a ``.npy`` file.

    Raises
    ------
    ValueError
        When it holds Python objects.
    """
    if array.dtype.hasobject:
        raise ValueError("predictions are numbers, never Python objects")
    return _npy_header(array.dtype.str, array.shape) + array.tobytes()


@functools.lru_cache(maxsize=256)
def _npy_header(dtype: str, shape: tuple[int, ...]) -> bytes:
    header = io.BytesIO()
    described = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, described)
    return header.getvalue()


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
