"""Many processes at one cache: racing, killed, read-only, out of room; and what opening costs in memory."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import resource
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.data import TaskData, cache
from benchmark.data.fingerprint import fingerprint, row_digests

REQUEST = "1" * 64
NOBODY = 65534

# A fork, and no new interpreter: a race needs processes that are ready at the same moment.
FORK = multiprocessing.get_context("fork")


def table(n_rows: int, n_columns: int, seed: int = 0) -> TaskData:
    block = np.random.default_rng(seed).normal(size=(n_columns, n_rows))
    X = pd.DataFrame(block.T, columns=[f"x{place}" for place in range(n_columns)], copy=False)
    X["c"] = pd.Categorical.from_codes(np.arange(n_rows) % 3, categories=["a", "b", "c"])
    data = TaskData(X, np.arange(n_rows) % 2, "binary", ("no", "yes"))
    return dataclasses.replace(data, fingerprint=fingerprint(data), row_digests=row_digests(data))


def sound(data: TaskData | None) -> bool:
    """Whether all arrays are there, to the last bit."""
    if data is None or data.row_digests is None:
        return False
    return fingerprint(data) == data.fingerprint and bool((row_digests(data) == data.row_digests).all())


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache that other users of the machine may enter, as pytest's own folders may not be."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("SWAPBENCH_CACHE", f"{folder}/cache")
        yield Path(folder) / "cache"


def in_processes(n: int, call: Callable[[int], Any]) -> list[int | None]:
    """Exit codes of ``n`` processes that call at the same moment."""
    barrier = FORK.Barrier(n)

    def body(number: int) -> None:
        barrier.wait()
        call(number)

    processes = [FORK.Process(target=body, args=(number,), daemon=True) for number in range(n)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    return [process.exitcode for process in processes]


def status(field: str) -> int:
    """Bytes of this process, by a field of its status file."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


def test_eight_writers_of_one_task_leave_it_once_and_whole(root: Path) -> None:
    data = table(20_000, 20)

    def write(_: int) -> None:
        twin = cache.keep(REQUEST, data, "mine")
        assert twin is not data and sound(twin)

    assert in_processes(8, write) == [0] * 8
    assert len(cache.entries()) == 1 and sound(cache.find(REQUEST))
    assert list((root / "partial").iterdir()) == []


def test_readers_never_see_half_a_task_while_others_remove_it(root: Path) -> None:
    tasks = [table(3000, 5, seed) for seed in range(3)]

    def work(number: int) -> None:
        for turn in range(20):
            seed = (number + turn) % 3
            assert sound(cache.keep(f"{seed:064}", tasks[seed], "mine"))
            found = cache.find(f"{seed:064}")
            assert found is None or sound(found)
            if turn % 4 == number % 4:
                cache.prune(0)

    assert in_processes(8, work) == [0] * 8
    cache.clear()
    assert list((root / "tasks").iterdir()) == [] and list((root / "partial").iterdir()) == []


def test_a_writer_that_is_killed_leaves_nothing_that_is_found(root: Path) -> None:
    data = table(200_000, 40)
    writer = FORK.Process(target=cache.keep, args=(REQUEST, data, "mine"))
    writer.start()
    while writer.is_alive() and not list(root.glob("partial/*/X_float64.npy")):
        time.sleep(0.001)
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    assert writer.exitcode == -signal.SIGKILL, "killed before it was done"
    (left,) = (root / "partial").iterdir()
    assert cache.find(REQUEST) is None and cache.entries() == []
    assert sound(cache.keep(REQUEST, data, "mine"))
    assert left.exists(), "its writer might be slow and not dead"
    for path in (*left.iterdir(), left):
        os.utime(path, (0, 0))
    cache.prune(10**12)
    assert list((root / "partial").iterdir()) == []
    assert sound(cache.find(REQUEST))


def test_a_cache_that_may_only_be_read_is_read(root: Path) -> None:
    data, other = table(50_000, 3), table(10, 1)
    cache.keep(REQUEST, data, "mine")
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}

    def read(_: int) -> None:
        if os.geteuid() == 0:  # who is root may write anywhere
            os.seteuid(NOBODY)
        assert sound(cache.find(REQUEST))
        assert sound(cache.keep(REQUEST, data, "mine"))
        assert cache.keep("2" * 64, other, "other") is other
        assert cache.prune(0) == [] and cache.clear() == []
        assert len(cache.entries()) == 1

    for folder in folders:
        folder.chmod(0o555)
    try:
        assert in_processes(1, read) == [0]
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_everybody_whom_the_umask_lets_in_may_read(root: Path) -> None:
    cache.keep(REQUEST, table(10, 1), "mine")
    umask = os.umask(0)
    os.umask(umask)
    for path in root.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o777 if path.is_dir() else 0o666) & ~umask


def test_a_full_disk_is_no_error(root: Path) -> None:
    data = table(10_000, 5)

    def write(_: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
        assert cache.keep(REQUEST, data, "mine") is data
        assert cache.find(REQUEST) is None

    assert in_processes(1, write) == [0]
    assert list((root / "partial").iterdir()) == []


def large(kind: str) -> TaskData:
    """104 MB, in an order in memory that is not the order on disk where they are images."""
    if kind == "table":
        return table(500_000, 26)
    X = np.ones((5000, 20, 130, 8), np.uint8).transpose(0, 3, 1, 2)
    return TaskData(X, np.zeros(5000), "regression", modality="image", fingerprint="f")


@pytest.mark.parametrize("kind", ["table", "images"])
def test_keeping_and_opening_make_no_copy_in_memory(kind: str) -> None:
    data = large(kind)

    def write(_: int) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        before = status("VmRSS")
        assert cache.keep(REQUEST, data, "mine") is not data
        assert status("VmHWM") - before < 40_000_000, status("VmHWM") - before

    def read(_: int) -> None:
        cache.find("2" * 64)
        before = status("RssAnon")
        found = cache.find(REQUEST)
        assert found is not None
        columns = found.X.items() if isinstance(found.X, pd.DataFrame) else enumerate([found.X])
        for name, column in columns:
            assert name == "c" or np.asarray(column).max() > 0
        found.inputs(np.arange(100))
        assert status("RssAnon") - before < 10_000_000, status("RssAnon") - before

    assert in_processes(1, write) == [0]
    assert in_processes(2, read) == [0, 0]
