"""Two caches: Swapbench's own, which is mended, and the user's, which is only read."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from benchmark.data import openml
from benchmark.errors import RequestError
from tests.data.openml.conftest import CARD, Kept, Serve, put, state
from tests.data.openml.server import OpenmlServer, SmallTask, refuse

ARFF = "datasets/7/dataset.arff"
NAMES_OF_SMALL = (
    "tasks/1/task.xml",
    "tasks/1/datasplits.arff",
    "datasets/7/description.xml",
    "datasets/7/features.xml",
)


def users_file(tmp_path: Path, name: str) -> Path:
    return tmp_path / "users/org/openml/www" / name


def test_the_users_cache_is_read_and_left_as_it_is(tmp_path: Path, no_sockets: Callable[[], None]) -> None:
    put(SmallTask(), tmp_path / "users")
    before = state(tmp_path / "users")
    no_sockets()
    assert openml.fetch(CARD) == "cached"
    assert len(openml.read(CARD).own) == 6
    assert state(tmp_path / "users") == before
    assert not (tmp_path / "own/openml").exists()


def test_pickles_of_the_users_client_are_not_read(tmp_path: Path) -> None:
    put(SmallTask(), tmp_path / "users")
    for name in ("features.xml.pkl", "dataset.pkl.py3"):
        # Protocol 0, and what it would do: call os._exit(3).
        users_file(tmp_path, f"datasets/7/{name}").write_bytes(b"cos\n_exit\n(I3\ntR.")
    users_file(tmp_path, "tasks/1/datasplits.pkl.py3").write_bytes(b"cos\n_exit\n(I3\ntR.")
    assert openml.read(CARD).task_type == "binary"


@pytest.mark.parametrize("missing", ["tasks/1/datasplits.arff", "datasets/7/features.xml", ARFF])
def test_what_the_users_cache_lacks_goes_to_the_own_one(
    server: OpenmlServer, tmp_path: Path, kept: Kept, missing: str
) -> None:
    put(SmallTask(), tmp_path / "users")
    description = users_file(tmp_path, "datasets/7/description.xml")
    description.write_bytes(server.routes["/api/v1/xml/data/7"])
    task = users_file(tmp_path, "tasks/1/task.xml")
    task.write_bytes(server.routes["/api/v1/xml/task/1"])
    users_file(tmp_path, missing).unlink()
    before = state(tmp_path / "users")
    assert openml.fetch(CARD) == "downloaded"
    assert len(server.asked()) == 1
    assert set(kept()) == {missing, f"{missing}.sha256"}
    assert state(tmp_path / "users") == before


def test_a_damaged_file_is_downloaded_again(server: OpenmlServer, kept: Kept) -> None:
    openml.fetch(CARD)
    for name in ("tasks/1/datasplits.arff", ARFF):
        whole = kept()[name].read_bytes()
        kept()[name].write_bytes(whole.replace(b"TRAIN,", b"TEST,", 1) + b"% damaged\n")
        server.asked()
        assert openml.fetch(CARD) == "downloaded"
        assert len(server.asked()) == 1
        assert kept()[name].read_bytes() == whole


def test_a_damaged_file_of_the_users_is_named_where_there_is_no_connection(tmp_path: Path) -> None:
    put(SmallTask(), tmp_path / "users")
    damaged = users_file(tmp_path, ARFF)
    damaged.write_bytes(damaged.read_bytes().replace(b"1.5", b"1.6"))
    before = state(tmp_path / "users")
    with pytest.raises(RequestError, match=rf"'{damaged}' is damaged; .*no connection to"):
        openml.read(CARD)
    assert state(tmp_path / "users") == before


@pytest.mark.parametrize("note", [b"", b"\xff\xfe", b"0 *dataset.arff\n"])
def test_a_file_whose_note_cannot_be_read_is_downloaded_again(
    server: OpenmlServer, kept: Kept, note: bytes
) -> None:
    openml.fetch(CARD)
    whole = kept()[f"{ARFF}.sha256"].read_bytes()
    kept()[f"{ARFF}.sha256"].write_bytes(note)
    server.asked()
    assert openml.fetch(CARD) == "downloaded"
    assert len(server.asked()) == 1
    assert kept()[f"{ARFF}.sha256"].read_bytes() == whole


def test_a_note_is_on_the_disk_before_it_has_its_name(
    server: OpenmlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def noted(name: str) -> Callable[..., None]:
        real = getattr(os, name)

        def call(*given: object) -> None:
            done.append(name)
            real(*given)

        return call

    for name in ("fsync", "replace"):
        monkeypatch.setattr(os, name, noted(name))
    openml.fetch(CARD)
    assert server.requests and done == ["fsync", "replace", "replace"] * 5  # a note, then its file


@pytest.mark.parametrize("name", [*NAMES_OF_SMALL, ARFF])
def test_where_the_own_copy_is_damaged_the_users_whole_one_is_read(
    tmp_path: Path, serve: Serve, kept: Kept, no_sockets: Callable[[], None], name: str
) -> None:
    server = serve(SmallTask())
    openml.fetch(CARD)
    put(SmallTask(), tmp_path / "users")
    for part in ("tasks/1/task.xml", "datasets/7/description.xml"):  # these name the server's address
        users_file(tmp_path, part).write_bytes(kept()[part].read_bytes())
    server.close()
    no_sockets()
    expected, stamp = openml.read(CARD), openml.stamp(CARD)
    damaged = kept()[name]
    damaged.write_bytes(damaged.read_bytes()[:-9])
    assert openml.stamp(CARD) not in ("", stamp)
    assert openml.fetch(CARD) == "cached"
    found = openml.read(CARD)
    assert isinstance(found.inputs, pd.DataFrame) and found.inputs.equals(expected.inputs)
    moved = openml.stamp(CARD)
    os.utime(users_file(tmp_path, name), ns=(1, 1))
    assert openml.stamp(CARD) != moved, "what is read may have changed"


@pytest.mark.parametrize(
    "name", ["tasks/1/task.xml", "datasets/7/description.xml", "datasets/7/features.xml"]
)
def test_half_an_xml_file_of_the_users_is_downloaded_again(
    server: OpenmlServer, tmp_path: Path, kept: Kept, name: str
) -> None:
    put(SmallTask(), tmp_path / "users")
    half = users_file(tmp_path, name)
    half.write_bytes(half.read_bytes()[:99])
    before = state(tmp_path / "users")
    assert openml.fetch(CARD) == "downloaded"
    assert name in kept() and openml.fetch(CARD) == "cached"
    assert len(openml.read(CARD).own) == 6
    assert state(tmp_path / "users") == before
    assert server.requests


def test_splits_that_broke_off_in_the_users_cache_are_refused_with_their_place(tmp_path: Path) -> None:
    put(SmallTask(), tmp_path / "users")
    splits = users_file(tmp_path, "tasks/1/datasplits.arff")
    splits.write_bytes(splits.read_bytes()[: -len("TRAIN,11,1,2\n")])
    with pytest.raises(RequestError, match=f"fold 2 of its splits lacks rows .*{splits.parent}"):
        openml.read(CARD)


def test_an_incomplete_task_says_so_where_there_is_no_connection(tmp_path: Path) -> None:
    put(SmallTask(), tmp_path / "users")
    users_file(tmp_path, ARFF).unlink()
    with pytest.raises(RequestError, match="openml/t/1: its files are not all in .*/own/openml and .*/users"):
        openml.read(CARD)


@pytest.mark.usefixtures("server")
def test_a_cache_that_cannot_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_sockets: Callable[[], None]
) -> None:
    (tmp_path / "file").write_text("where the cache should be")  # root, too, can make no folder in it
    monkeypatch.setenv("SWAPBENCH_CACHE", str(tmp_path / "file/own"))
    with pytest.raises(
        RequestError, match=r"openml/t/1: cannot be kept in .*/file/own/openml: .*SWAPBENCH_CACHE"
    ):
        openml.read(CARD)
    put(SmallTask(), tmp_path / "users")
    no_sockets()
    assert len(openml.read(CARD).own) == 6


def test_the_stamp_changes_with_the_files(tmp_path: Path) -> None:
    put(SmallTask(), tmp_path / "users")
    first = openml.stamp(CARD)
    assert first and openml.stamp(CARD) == first
    splits = users_file(tmp_path, "tasks/1/datasplits.arff")
    os.utime(splits, ns=(1, 1))
    assert openml.stamp(CARD) != first
    splits.unlink()
    assert openml.stamp(CARD) == ""


def test_the_clients_settings_are_as_they_were(server: OpenmlServer, monkeypatch: pytest.MonkeyPatch) -> None:
    config = importlib.import_module("openml.config")
    calls = importlib.import_module("openml._api_calls")
    monkeypatch.setattr(config, "apikey", "secret")
    monkeypatch.setattr(config, "connection_n_retries", 7)
    monkeypatch.setenv("OPENML_SKIP_PARQUET", "maybe")
    before = (config.get_config_as_dict(), calls.requests, calls.logging)
    openml.fetch(CARD)
    server.faults["/study/"] = refuse(500, b"")
    with pytest.raises(RequestError):
        openml.members(99)
    assert (config.get_config_as_dict(), calls.requests, calls.logging) == before
    assert os.environ["OPENML_SKIP_PARQUET"] == "maybe"
    assert len(server.requests) == 6 and not any("secret" in path for path in server.requests)


FETCH = """
import os, sys
from benchmark.data import openml
from benchmark.spec import Dataset
assert "openml.config" not in sys.modules
openml.fetch(Dataset("openml/t/1", "openml", "1"))
print(os.path.exists(os.environ["OPENML_CACHE_DIR"]))
"""


@pytest.mark.usefixtures("server")
def test_two_processes_fetch_one_task(tmp_path: Path, kept: Kept) -> None:
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", FETCH], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    for process in started:
        out, err = process.communicate(timeout=60)
        # Not even the folder of the user's cache is made, and nothing is said.
        assert (out, err) == (b"False\n", b"")
    assert len(kept()) == 10
    assert openml.fetch(CARD) == "cached"
    assert len(openml.read(CARD).own) == 6
