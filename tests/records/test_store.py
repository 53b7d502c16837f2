"""The store: what was acknowledged is there, whatever happens."""

from __future__ import annotations

import dataclasses
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmark.errors import RequestError
from benchmark.records.database import writing
from benchmark.records.schema import RECORD_COLUMNS, TRIAL_COLUMNS
from benchmark.records.store import Place, Store, TrialPlace, open_store
from benchmark.spec import STATUSES, Cell, Record, Trial

ROOT = Path(__file__).resolve().parents[2]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
FINITE = st.floats(allow_nan=False)
PLAIN = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | FINITE | TEXT
SETTING = st.dictionaries(TEXT, PLAIN, max_size=3)
COUNT = st.integers(0, 2**40)
TRIALS = st.builds(
    Trial,
    key=TEXT,
    number=COUNT,
    setting=SETTING,
    status=st.sampled_from(STATUSES),
    reason=TEXT,
    validation_error=st.none() | FINITE,
    error=st.none() | FINITE,
    fit_seconds=FINITE,
)
RECORDS = st.builds(
    Record,
    key=TEXT,
    status=st.sampled_from(STATUSES),
    reason=TEXT,
    traceback=TEXT,
    metric=TEXT,
    error=st.none() | FINITE,
    score=st.none() | FINITE,
    validation_error=st.none() | FINITE,
    train_error=st.none() | FINITE,
    scores=st.dictionaries(TEXT, FINITE, max_size=3),
    test_errors=st.none() | COUNT,
    steps=COUNT,
    setting=SETTING,
    provenance=TEXT,
)
HOSTILE = ["'; DROP TABLE records; --", "a\0b", '"', "\n", "\ud800half", "𝔘nicode", "%s ? :x", "x" * 100_000]


def record(key: str, **fields: Any) -> Record:
    return Record(key, **{"status": "ok", "error": 0.5, "score": 0.5, "scores": {"log_loss": 0.1}, **fields})


def place(key: str, **fields: Any) -> Place:
    known = {"component": "radam", "host": "mlp", "task": "iris", "repeat": 0, "fold": 0, "seed": 0}
    cell = Cell(**{**known, "setting": "default", **fields})
    return Place("candidate", "optimizer", cell, "origin", key)


def put(store: Store, *rows: Trial | Record, provenance: str = "") -> None:
    store.put([(row, None, "") for row in rows], provenance)


def link(
    store: Store, study: str, places: Sequence[Place], trials: Sequence[TrialPlace] = (), **how: Any
) -> None:
    store.link(study, repr([places, trials]), places, trials, **how)


def reference(key: str, **fields: Any) -> Place:
    there = place(key, component="featureless", host="", **fields)
    return dataclasses.replace(there, role="reference", slot="pipeline")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(RECORDS, max_size=4, unique_by=lambda r: r.key),
    st.lists(TRIALS, max_size=4, unique_by=lambda t: t.key),
)
def test_what_is_put_is_what_comes_back(store: Store, records: list[Record], trials: list[Trial]) -> None:
    with writing(store._db):
        store._db.execute("DELETE FROM records")
        store._db.execute("DELETE FROM trials")
    put(store, *records, *trials, provenance="p")
    assert store.records([row.key for row in records]) == {
        row.key: dataclasses.replace(row, provenance="p") for row in records
    }
    assert store.trials([trial.key for trial in trials]) == {trial.key: trial for trial in trials}
    assert store.record_keys() == {row.key for row in records}


@pytest.fixture
def store(tmp_path: Path) -> Any:
    """An open, empty store."""
    with open_store(tmp_path / "results", write=True) as opened:
        yield opened


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(store: Store, text: str) -> None:
    put(store, record("k", reason=text, traceback=text, setting={text: text}))
    put(store, Trial(key="k", number=0, setting={text: 1}, status="failed", reason=text))
    kept, escaped = store.records(["k"])["k"], text.replace("\ud800", "\\ud800")
    assert (kept.reason, kept.traceback, kept.setting) == (escaped, escaped, {text: text})
    assert store.trials(["k"])["k"].reason == escaped
    link(store, escaped, [place("k", component=escaped, task=escaped)])
    assert store.record_table(escaped)["component"].tolist() == [escaped]


def test_a_key_is_kept_once_and_the_first_stays(store: Store) -> None:
    put(store, record("k", error=0.25))
    put(store, record("k", error=0.75))
    assert store.records(["k"])["k"].error == 0.25


def test_many_keys_are_asked_at_once(store: Store) -> None:
    put(store, *(record(f"k{n}") for n in range(1203)))
    keys = [f"k{n}" for n in range(2000)]
    assert len(store.records(keys)) == 1203


@pytest.mark.parametrize("shape", [(5,), (5, 3), (0,), (0, 2)])
def test_predictions_come_back_bit_by_bit(store: Store, shape: tuple[int, ...]) -> None:
    prediction = np.random.default_rng(0).random(shape).astype(np.float32)
    store.put([(record("k"), prediction, ""), (record("twin"), None, "k")], "")
    store.put([(record("later"), None, "twin")], "")
    for key in ("k", "twin", "later"):
        kept = store.prediction(key)
        assert kept is not None and kept.dtype == np.float32 and np.array_equal(kept, prediction)
    assert store.prediction("nothing") is None


def test_objects_are_never_pickled(store: Store) -> None:
    with pytest.raises(ValueError, match="never Python objects"):
        store.put([(record("k"), np.array([{}], dtype=object), "")], "")
    assert store.record_keys() == set()


def test_a_store_is_read_again_after_it_was_closed(tmp_path: Path) -> None:
    with open_store(tmp_path, write=True) as store:
        store.put([(record("k"), np.zeros(2, np.float32), "")], "")
    with open_store(tmp_path, write=False) as store:
        assert store.record_keys() == {"k"} and store.prediction("k") is not None


def test_tables_have_the_columns_of_the_schema(store: Store) -> None:
    for key in ("a", "b"):
        put(store, record(key, scores={"log_loss": 0.1, "auc": 0.9} if key == "a" else {}))
    put(store, record("f", error=0.6))
    put(store, Trial("t", 0, {"optimizer.lr": 1}, "ok", validation_error=0.5))
    link(
        store,
        "s",
        [place("a"), place("b", fold=1, setting="tuned", tuning=1), reference("f")],
        [TrialPlace("candidate", "optimizer", "radam", "mlp", "iris", "origin", 0, 0, 0, 1, 0, "t")],
    )
    records, trials = store.record_table("s"), store.trial_table("s")
    assert list(records.columns) == [*RECORD_COLUMNS, "traceback", "metric_auc", "metric_log_loss"]
    assert list(trials.columns) == list(TRIAL_COLUMNS)
    assert (len(records), len(trials)) == (3, 1)
    by_key = records.set_index("key")
    assert by_key["tuning"].to_dict() == {"a": 0, "b": 1, "f": 0}
    assert trials["tuning"].tolist() == [1]
    assert by_key.loc["a", "featureless_error"] == 0.6
    assert np.isnan(by_key.loc["b", "featureless_error"])
    assert not records["imputed"].any() and records["slot"].tolist().count("pipeline") == 1


def test_a_study_without_records_is_an_empty_table_of_the_same_columns(store: Store) -> None:
    assert list(store.record_table("nothing").columns) == [*RECORD_COLUMNS, "traceback"]
    assert list(store.trial_table("nothing").columns) == list(TRIAL_COLUMNS)


def test_errors_are_floats_even_where_all_are_missing(store: Store) -> None:
    put(store, Record("k", "failed"))
    link(store, "s", [place("k")])
    table = store.record_table("s")
    for column in ("error", "score", "validation_error", "train_error", "featureless_error", "test_errors"):
        assert table[column].dtype == float and table[column].isna().all()


def test_only_records_that_are_there_are_in_the_table(store: Store) -> None:
    put(store, record("a"))
    link(store, "s", [place("a"), place("later", fold=1)])
    assert store.record_table("s")["key"].tolist() == ["a"]


def test_one_record_serves_two_studies_and_linking_again_replaces(store: Store) -> None:
    put(store, record("a"))
    link(store, "one", [place("a"), place("a", component="twin")])
    link(store, "two", [place("a")])
    link(store, "one", [place("a", component="twin")])
    assert store.record_table("one")["component"].tolist() == ["twin"]
    assert len(store.record_table("two")) == 1


def parts(store: Store, study: str = "s") -> list[str]:
    return list(store.record_table(study)["key"])


def test_a_study_in_parts_is_all_of_them(store: Store) -> None:
    put(store, record("a"), record("b"), record("c"))
    link(store, "s", [place("b", fold=1)])
    link(store, "s", [place("a")], further=True)
    assert parts(store) == ["a", "b"]  # by place, not by part
    link(store, "s", [place("c")])
    assert parts(store) == ["c"]


def test_linking_again_changes_nothing_and_asks_for_no_place(store: Store) -> None:
    link(store, "s", [place("a"), place("b", fold=1)])
    changes = store._db.total_changes

    def unwanted() -> Iterator[Place]:
        raise AssertionError("the places are in the store already")
        yield

    store.link("s", repr([[place("a"), place("b", fold=1)], ()]), unwanted(), [])
    assert store._db.total_changes == changes


def test_a_driver_reads_what_it_linked_whatever_another_says_of_the_study(tmp_path: Path) -> None:
    with open_store(tmp_path, write=True) as one, open_store(tmp_path, write=True) as other:
        put(one, *(record(key) for key in "abcd"))
        link(one, "s", [place("a")])
        link(one, "s", [place("b", fold=1)], further=True)
        link(other, "s", [place("a")])  # begins the same study
        assert (parts(one), parts(other)) == (["a", "b"], ["a"])
        link(other, "s", [place("c")])  # with an edited component
        assert (parts(one), parts(other)) == (["a", "b"], ["c"])
        with open_store(tmp_path, write=False) as reader:
            assert parts(reader) == ["c"]
        with open_store(tmp_path, write=True):
            pass
        assert parts(one) == ["a", "b"]
    with open_store(tmp_path, write=True) as alone:  # only now nobody needs the old ones
        assert alone._db.execute("SELECT count(*) FROM cells").fetchone() == (1,)


def test_the_ledger_counts_different_variants(store: Store) -> None:
    assert store.variants_tried("optimizer") == {}
    store.note_variants(
        "one", [("optimizer", "radam", "1"), ("optimizer", "radam", "2"), ("optimizer", "lion", "1")]
    )
    store.note_variants("two", [("optimizer", "radam", "2"), ("loss", "radam", "3")])
    assert store.variants_tried("optimizer") == {"radam": 2, "lion": 1}


def test_provenance_and_times_of_what_was_run(store: Store) -> None:
    store.put_provenance("p", {"cpu": "x", "cores": 2})
    store.put_provenance("unused", {"cpu": "y"})
    for n, seconds in enumerate((1.0, 3.0)):
        put(store, record(f"k{n}", fit_seconds=seconds), provenance="p")
    put(store, record("failed", status="failed", fit_seconds=99.0), record("other", fit_seconds=7.0))
    first = [place("k0"), place("k1", setting="tuned"), place("failed", replicate=1)]
    link(store, "s", [*first, place("other", seed=1)])
    assert store.provenance("s") == [{"digest": "p", "cpu": "x", "cores": 2}]
    assert store.fit_seconds() == {("radam", "mlp", "iris"): 2.0}
    assert store.fit_seconds("another") == {}


def test_several_drivers_and_readers_at_a_time(tmp_path: Path) -> None:
    with open_store(tmp_path, write=True) as store, open_store(tmp_path, write=True) as second:
        put(store, record("k"))
        put(second, record("l"), record("k", error=0.9))
        with open_store(tmp_path, write=False) as reader:
            assert reader.record_keys() == {"k", "l"}
            assert reader.records(["k"])["k"].error == 0.5


def test_reading_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="there is no store here"):
        with open_store(tmp_path / "nowhere", write=False):
            pass
    assert not (tmp_path / "nowhere").exists()


def test_another_schema_is_one_line(tmp_path: Path) -> None:
    with open_store(tmp_path, write=True) as store:
        with writing(store._db):
            store._db.execute("UPDATE meta SET value = '999' WHERE name = 'schema'")
    with pytest.raises(RequestError, match="has schema 999, this version reads 4; use another results_dir="):
        with open_store(tmp_path, write=True):
            pass


@pytest.mark.parametrize("name", ["store.sqlite", "predictions.sqlite"])
def test_a_file_that_is_no_store_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "store.sqlite").touch()
    (tmp_path / name).write_bytes(b"this is no database at all" * 100)
    with pytest.raises(RequestError, match=f"{name}: not usable as a store") as caught:
        with open_store(tmp_path, write=True):
            pass
    assert "\n" not in str(caught.value)


def test_a_store_that_is_corrupt_inside_is_one_line(tmp_path: Path) -> None:
    with open_store(tmp_path, write=True) as store:
        for n in range(200):
            put(store, record(f"k{n}", traceback="x" * 2000))
    file = tmp_path / "store.sqlite"
    content = bytearray(file.read_bytes())
    content[8192:] = random.Random(0).randbytes(len(content) - 8192)
    file.write_bytes(bytes(content))
    with pytest.raises(RequestError, match="store.sqlite: not usable as a store"):
        with open_store(tmp_path, write=False) as store:
            store.record_keys()
            store.records([f"k{n}" for n in range(200)])


def test_a_mistake_of_ours_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        with open_store(tmp_path, write=True) as store:
            link(store, "s", [place("a"), place("a")])


def test_a_failed_link_leaves_the_old_one(store: Store) -> None:
    put(store, record("a"))
    link(store, "s", [place("a")])
    with pytest.raises(sqlite3.IntegrityError):
        link(store, "s", [place("b"), place("b")])
    assert store.record_table("s")["key"].tolist() == ["a"]


WRITER = """
import sys
from pathlib import Path

import numpy as np

from benchmark.records.store import open_store
from benchmark.spec import Record, Trial

with open_store(Path(sys.argv[1]), write=True) as store:
    for n in range(100_000):
        record, prediction = Record(f"k{n}", "ok", traceback="x" * 5000), np.full(2000, n, np.float32)
        store.leases.claim([f"t{n}", f"k{n}", f"later{n}"])
        store.put([(Trial(f"t{n}", 0, {}, "ok"), None, ""), (record, prediction, "")], "")
        print(n, flush=True)
"""


def test_a_killed_driver_leaves_everything_it_acknowledged(tmp_path: Path) -> None:
    done = -1
    for delay in (0.05, 0.13):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        lines = process.stdout.read().splitlines()
        process.wait()
        done = max(done, *(int(line) for line in lines if line.isdigit()))
        with open_store(tmp_path, write=True) as store:
            keys = store.record_keys()
            assert {f"k{n}" for n in range(done + 1)} <= keys
            assert store.trials(f"t{key[1:]}" for key in keys).keys() == {f"t{key[1:]}" for key in keys}
            assert store.leases.claim(["later0", "k0"]) == {"later0"}  # its leases went with it
            for key in keys:
                kept = store.prediction(key)
                assert kept is not None and (kept == int(key[1:])).all()
            assert store._db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert done > 0
