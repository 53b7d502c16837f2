"""The cache stays in bounds, says where it is and what it cannot do, and forgets what other code parsed."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.data import TaskData, cache
from benchmark.data.fingerprint import fingerprint, row_digests
from benchmark.errors import RequestError

REQUEST = "1" * 64
OTHER = "2" * 64


def table(n_rows: int, seed: int = 0) -> TaskData:
    X = pd.DataFrame({"x": np.random.default_rng(seed).normal(size=n_rows)})
    data = TaskData(X, np.arange(n_rows) % 2, "binary", ("no", "yes"))
    return dataclasses.replace(data, fingerprint=fingerprint(data), row_digests=row_digests(data))


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWAPBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_least_recently_used_go_first(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    for number in range(4):
        cache.keep(f"{number:064}", table(1000, seed=number), f"t{number}")
        stamp = time.time() - 1000 + number
        newest = max((root / "tasks").iterdir(), key=lambda path: (path / "task.json").stat().st_mtime)
        os.utime(newest / "task.json", (stamp, stamp))
    assert cache.find(f"{0:064}") is not None
    assert [entry.name for entry in cache.entries()] == ["t1", "t2", "t3", "t0"]
    size = cache.entries()[0].bytes
    monkeypatch.setenv("SWAPBENCH_CACHE_GB", str(2.5 * size / 1e9))
    cache.keep(f"{4:064}", table(1000, seed=4), "t4")
    assert [entry.name for entry in cache.entries()] == ["t0", "t4"]
    assert len(list((root / "requests").iterdir())) == 2, "what asks for nothing goes too"
    assert [entry.name for entry in cache.prune(size + 1)] == ["t0"]
    monkeypatch.setenv("SWAPBENCH_CACHE_GB", "0")
    cache.keep(f"{5:064}", table(1000, seed=5), "t5")
    assert [entry.name for entry in cache.entries()] == ["t5"], "what was just written stays"
    assert [entry.name for entry in cache.clear()] == ["t5"]


@pytest.mark.parametrize("said", ["x", "-1", "nan", "inf", ""])
def test_a_limit_that_is_none_gets_one_line(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("SWAPBENCH_CACHE_GB", said)
    with pytest.raises(RequestError, match=f"SWAPBENCH_CACHE_GB={said}: that is no number of gigabytes"):
        cache.limit()


def test_downloads_are_counted_and_go_only_when_that_is_said(root: Path) -> None:
    cache.keep(REQUEST, table(5), "mine")
    assert cache.downloaded() == 0
    (root / "openml" / "org").mkdir(parents=True)
    (root / "openml" / "org" / "task.xml").write_bytes(bytes(1000))
    assert cache.downloaded() == 1000
    cache.prune(0)
    cache.clear()
    assert cache.downloaded() == 1000
    cache.clear(downloads=True)
    assert not (root / "openml").exists()


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, root: Path) -> None:
    assert cache.folder() == root and not root.exists()
    assert cache.find(REQUEST) is None and cache.entries() == [] and not root.exists()
    monkeypatch.setenv("SWAPBENCH_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder() == tmp_path / "swapbench"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for relative in ("", "somewhere"):
        monkeypatch.setenv("XDG_CACHE_HOME", relative)
        assert cache.folder() == tmp_path / "home" / ".cache" / "swapbench"


def test_where_nothing_can_be_written_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SWAPBENCH_CACHE", str(tmp_path / "file" / "below"))
    data = table(5)
    assert cache.keep(REQUEST, data, "mine") is data
    assert cache.keep(OTHER, data, "mine") is data
    assert cache.find(REQUEST) is None
    (record,) = caplog.records
    assert record.getMessage() == (
        f"{tmp_path / 'file' / 'below'} cannot be written (Not a directory): "
        "what is parsed is not kept, and each process parses for itself"
    )


def test_what_a_killed_writer_left_goes_after_an_hour(root: Path) -> None:
    cache.keep(REQUEST, table(5), "mine")
    for name, age in (("old", 4000), ("new", 10)):
        folder = root / "partial" / name
        folder.mkdir()
        (folder / "y.npy").touch()
        stamp = time.time() - age
        for path in (folder / "y.npy", folder):
            os.utime(path, (stamp, stamp))
    cache.keep(OTHER, table(6), "mine")
    assert [path.name for path in (root / "partial").iterdir()] == ["new"]


def test_other_code_never_finds_what_this_code_parsed(tmp_path: Path) -> None:
    package = Path(cache.__file__).parents[1]
    copy = tmp_path / "data"
    shutil.copytree(package, copy)

    def digest_of(folder: Path) -> str:
        spec = importlib.util.spec_from_file_location("places", folder / "cache" / "places.py")
        assert spec is not None and spec.loader is not None
        fresh = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(fresh)
        return str(fresh.code_digest())

    first = digest_of(copy)
    with (copy / "cache" / "store.py").open("a") as file:
        file.write("# how arrays are kept does not change them")
    assert digest_of(copy) == first
    with (copy / "table.py").open("a") as file:
        file.write("# parses")
    assert digest_of(copy) != first
