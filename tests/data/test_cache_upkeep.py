"""The cache stays in bounds, says where it is and what it cannot do, and forgets what other code parsed."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.data import Ragged, TaskData, cache
from benchmark.data.fingerprint import fingerprint, row_digests
from benchmark.errors import RequestError
from benchmark.spec import OwnSplit

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


@pytest.mark.parametrize("modality", ["image", "sequence", "text", "tabular"])
def test_where_nothing_can_be_written_arrays_are_read_only_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, modality: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SWAPBENCH_CACHE", str(tmp_path / "file" / "below"))
    rows = np.arange(4)
    X: Any = {
        "image": np.ones((4, 1, 2, 2), np.float32),
        "sequence": Ragged.of_arrays([np.ones((2, 1))] * 4),
        "text": Ragged.of_texts(["ab"] * 4),
        "tabular": pd.DataFrame({"a": np.ones(4), "b": pd.Categorical(["u", "v"] * 2)}),
    }[modality]
    own = (OwnSplit(0, 0, rows[:2].copy(), rows[2:].copy()),)
    made = TaskData(X, rows % 2, "binary", ("a", "b"), modality, groups=rows, own=own)
    made = dataclasses.replace(made, fingerprint=fingerprint(made), row_digests=row_digests(made))
    data: Any = cache.keep(REQUEST, made, "mine")
    kept = [data.y, data.groups, data.row_digests, own[0].train, own[0].test]
    if modality == "tabular":
        taken = data.inputs(rows)
        taken["a"] *= 2
        taken.iloc[0, 1] = "v"
        kept += [data.X["a"].to_numpy(), data.X["b"].array.codes]
    else:
        kept += data.X.arrays() if isinstance(data.X, Ragged) else [data.X]
    for array in kept:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    assert fingerprint(data) == data.fingerprint


def test_what_a_killed_writer_left_goes_after_an_hour(root: Path) -> None:
    cache.keep(REQUEST, table(5), "mine")
    old, new = time.time() - 4000, time.time() - 10
    deep = Path("org/openml/www/datasets")
    for name, stamp in (("old", old), ("new", new), ("deep", new)):
        folder = root / "partial" / name
        (folder / deep).mkdir(parents=True)
        (folder / deep / "dataset.arff").touch()
        (folder / "gone").symlink_to("nowhere")
        os.utime(folder / "gone", (old, old), follow_symlinks=False)
        for path in (deep, *deep.parents):
            # A download deep inside moves no time further up.
            moved = old if name == "deep" else stamp
            os.utime(folder / path, (moved, moved))
        os.utime(folder / deep / "dataset.arff", (stamp, stamp))
    cache.keep(OTHER, table(6), "mine")
    assert {path.name for path in (root / "partial").iterdir()} == {"new", "deep"}


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
