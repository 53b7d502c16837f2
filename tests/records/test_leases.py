"""Leases: drivers on one store never run the same unit, and a dead one holds nothing up."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import RequestError
from benchmark.records.store import Store, open_store
from benchmark.spec import Record, Trial

ROOT = Path(__file__).resolve().parents[2]
KEYS = [f"k{n}" for n in range(500)]
FORK = multiprocessing.get_context("fork")


def keep(store: Store, *keys: str) -> None:
    store.put([(Record(key, "ok"), None, "") for key in keys], "")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """One store, opened by two drivers."""
    with open_store(tmp_path, write=True) as one, open_store(tmp_path, write=True) as other:
        yield one, other


def test_what_one_driver_claims_no_other_gets(two: tuple[Store, Store]) -> None:
    one, other = two
    assert one.leases.claim(["a", "b"]) == {"a", "b"}
    assert one.leases.claim(["a", "b"]) == {"a", "b"}  # they are ours already
    assert other.leases.claim(["b", "c"]) == {"c"}
    assert one.leases.held_by_others(["a", "b", "c"]) == {"c"}
    assert other.leases.held_by_others(["a", "b", "c"]) == {"a", "b"}


def test_what_is_kept_is_not_claimed_and_its_lease_ends(two: tuple[Store, Store]) -> None:
    one, other = two
    other.put([(Trial("t", 0, {}, "ok"), None, "")], "")
    one.leases.claim(["a"])
    keep(one, "a")
    assert one.leases.held_by_others(["a"]) == other.leases.held_by_others(["a"]) == set()
    assert other.leases.claim(["a", "t", "b"]) == {"b"}


def test_a_lease_is_given_back_by_its_holder_alone(two: tuple[Store, Store]) -> None:
    one, other = two
    one.leases.claim(["a", "b"])
    other.leases.release(["a"])
    assert other.leases.claim(["a"]) == set()
    one.leases.release(["a"])
    assert other.leases.claim(["a", "b"]) == {"a"}


def test_a_driver_that_leaves_holds_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path, write=True) as one:
        with open_store(tmp_path, write=True) as other:
            other.leases.claim(["a"])
            assert len(list((tmp_path / "drivers").iterdir())) == 2
        assert len(list((tmp_path / "drivers").iterdir())) == 1
        assert one.leases.claim(["a"]) == {"a"}


def test_a_dead_driver_holds_nothing_at_once(tmp_path: Path) -> None:
    claims = "import sys, os, signal; from pathlib import Path; from benchmark.records.store import Store\n"
    claims += "store = Store(Path(sys.argv[1])); store.join(); store.leases.claim(['a'])\n"
    with open_store(tmp_path, write=True) as store:
        process = subprocess.Popen(
            [sys.executable, "-c", claims + "print('claimed', flush=True); signal.pause()", str(tmp_path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None and process.stdout.readline()
        assert store.leases.claim(["a"]) == set()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert store.leases.held_by_others(["a"]) == set()
        assert store.leases.claim(["a"]) == {"a"}
        assert len(list((tmp_path / "drivers").iterdir())) == 1


def test_a_reader_is_no_driver(tmp_path: Path) -> None:
    with open_store(tmp_path, write=True) as store:
        store.leases.claim(["a"])
        with open_store(tmp_path, write=False) as reader:
            assert reader.leases.held_by_others(["a"]) == {"a"}
            assert store.leases.others() == set()


def drive(folder: Path, seed: int) -> None:
    """A driver that runs whatever nobody else does, and writes down what it began and what it has kept."""
    draw = random.Random(seed)
    log = os.open(folder / f"{seed}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with open_store(folder, write=True) as store:
        while left := sorted(set(KEYS) - store.record_keys()):
            claimed = sorted(store.leases.claim(draw.sample(left, min(len(left), draw.randint(1, 20)))))
            draw.shuffle(claimed)
            while claimed:
                some = [claimed.pop() for _ in range(min(len(claimed), draw.randint(1, 4)))]
                os.write(log, "".join(f"began {key}\n" for key in some).encode())
                store.put([(Record(key, "ok"), np.array([seed], np.float32), "") for key in some], str(seed))
                os.write(log, "".join(f"kept {key}\n" for key in some).encode())


@settings(max_examples=6, deadline=None)
@given(st.integers(2, 4), st.lists(st.floats(0.0, 0.2), max_size=3), st.integers(0, 2**20))
def test_no_key_is_run_twice_whoever_is_killed(
    tmp_path_factory: pytest.TempPathFactory, drivers: int, delays: list[float], seed: int
) -> None:
    folder = tmp_path_factory.mktemp("store")
    running = {n: FORK.Process(target=drive, args=(folder, n)) for n in range(seed, seed + drivers)}
    for process in running.values():
        process.start()
    victims = list(running)[: min(len(delays), drivers - 1)]
    for victim, delay in zip(victims, delays, strict=False):
        time.sleep(delay)
        running[victim].kill()
    for number, process in running.items():
        process.join(60)
        assert process.exitcode == 0 or number in victims
    with open_store(folder, write=False) as store:
        kept = store.records(KEYS)
        assert set(kept) == set(KEYS)
        assert all(store.prediction(key) == [int(kept[key].provenance)] for key in KEYS)
    began = {number: said(folder, number, "began") for number in running}
    of_the_killed = set().union(*(began[number] - said(folder, number, "kept") for number in victims))
    for key in KEYS:
        by = [number for number in running if key in began[number]]
        assert int(kept[key].provenance) in by
        assert len(by) == 1 or key in of_the_killed  # they had it from one who died before it was kept


def said(folder: Path, number: int, word: str) -> set[str]:
    """The keys that a driver wrote ``word`` of."""
    log = folder / f"{number}.log"
    lines = log.read_text().splitlines() if log.exists() else []
    return {line.removeprefix(f"{word} ") for line in lines if line.startswith(word)}


def fill(store: Store) -> None:
    """Put large records until something gives."""
    for n in range(100_000):
        store.leases.claim([f"k{n}"])
        store.put([(Record(f"k{n}", "ok", traceback="x" * 4000), np.zeros(500, np.float32), "")], "")


@pytest.mark.parametrize("file", ["_db", "_predictions"])
def test_a_full_disk_is_one_line_and_what_was_kept_stays(tmp_path: Path, file: str) -> None:
    with pytest.raises(
        RequestError, match="no space left on the disk; everything kept so far is intact"
    ) as caught:
        with open_store(tmp_path, write=True) as store:
            getattr(store, file).execute("PRAGMA max_page_count = 100")  # SQLite's own full disk
            fill(store)
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)
    with open_store(tmp_path, write=True) as store:
        keys = store.record_keys()
        assert len(keys) > 10 and all(store.prediction(key) is not None for key in keys)
        assert store._db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        keep(store, "later")
        assert "later" in store.record_keys()


def test_a_full_disk_under_another_file_of_the_run_is_the_same_line(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no space left on the disk"):
        with open_store(tmp_path, write=True), open("/dev/full", "w") as full:
            full.write("x")
            full.flush()
    with pytest.raises(FileNotFoundError):  # and no other error is taken for it
        with open_store(tmp_path, write=True):
            (tmp_path / "nothing").read_text()
