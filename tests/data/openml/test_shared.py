"""Every task of the shared cache: 28 of www.openml.org and 14 of its test server, offline."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from benchmark.data import load, openml
from benchmark.spec import Dataset
from tests.data.openml.conftest import state
from tests.data.openml.server import OpenmlServer, cached, suite_xml

pytestmark = pytest.mark.shared_data

WWW = [
    2,
    4,
    5,
    6,
    7,
    10,
    11,
    13,
    23,
    25,
    27,
    28,
    29,
    31,
    36,
    37,
    39,
    40,
    42,
    43,
    48,
    49,
    50,
    52,
    53,
    55,
    58,
    59,
]
TEST = [613, 614, 643, 644, 655, 656, 661, 662, 679, 680, 691, 692, 733, 734]
OML = {"oml": "http://openml.org/openml"}
LOCATIONS = [*map(str, WWW), *(f"test/{number}" for number in TEST)]


def card(location: str) -> Dataset:
    server, _, number = location.rpartition("/")
    return Dataset(f"openml/{server}/t/{number}".replace("//", "/"), "openml", location)


@pytest.fixture(scope="module")
def folder(shared: Path) -> Iterator[Path]:
    """The shared cache; afterwards it is what it was, to the byte and to the second."""
    cache = shared / "openml_cache"
    before = state(cache)
    yield cache
    assert state(cache) == before


@pytest.fixture
def offline(folder: Path, no_sockets: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shared cache is the user's, and there is no network."""
    monkeypatch.setenv("OPENML_CACHE_DIR", str(folder))
    no_sockets()
    return folder


def task_files(cache: Path, location: str) -> tuple[Path, Path]:
    """The folders of a task and of its data set."""
    server, _, number = location.rpartition("/")
    place = cache / "org/openml" / (server or "www")
    said = ElementTree.parse(place / "tasks" / number / "task.xml")
    return place / "tasks" / number, place / "datasets" / said.findtext(".//oml:data_set_id", "", OML)


def test_the_shared_cache_holds_these_tasks(folder: Path) -> None:
    servers = folder / "org/openml"
    found = {
        server: {int(path.name) for path in (servers / server / "tasks").iterdir()}
        for server in ("www", "test")
    }
    assert found == {"www": set(WWW), "test": set(TEST)}


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_task_loads_with_its_types_and_official_splits(offline: Path, location: str) -> None:
    raw = openml.read(card(location))
    table, (task, data_set) = raw.inputs, task_files(offline, location)
    assert isinstance(table, pd.DataFrame) and isinstance(raw.target, str)
    declared = {
        feature.findtext("oml:name", "", OML): feature.findtext("oml:data_type", "", OML)
        for feature in ElementTree.parse(data_set / "features.xml").getroot()
    }
    assert list(table) == list(declared)
    for name, kind in declared.items():
        assert table[name].dtype == (np.float64 if kind == "numeric" else "category"), name
    target = table[raw.target]
    assert not target.isna().any()
    if location.startswith("test/"):
        assert (raw.task_type, target.dtype) == ("regression", np.float64)
    else:
        assert raw.task_type == ("binary" if target.nunique() == 2 else "multiclass")

    said = ElementTree.parse(task / "task.xml").getroot()
    n_repeats, n_folds = (
        int(said.findtext(f".//oml:parameter[@name='{name}']", "", OML))
        for name in ("number_repeats", "number_folds")
    )
    assert len(raw.own) == n_repeats * n_folds
    for repeat in range(n_repeats):
        parts = [own for own in raw.own if own.repeat == repeat]
        assert [own.fold for own in parts] == list(range(n_folds))
        assert np.array_equal(np.sort(np.concatenate([own.test for own in parts])), np.arange(len(table)))
        for own in parts:
            assert np.array_equal(np.sort(np.concatenate([own.train, own.test])), np.arange(len(table)))


@pytest.mark.parametrize("location", ["31", "59", "5", "test/614"])
def test_splits_are_those_of_the_file(offline: Path, location: str) -> None:
    task, _ = task_files(offline, location)
    text = (task / "datasplits.arff").read_text()
    rows: dict[tuple[int, int, str], list[int]] = defaultdict(list)
    for line in text.partition("@data")[2].split():
        part, row, repeat, fold = line.split(",")
        rows[int(repeat), int(fold), part].append(int(row))
    own = openml.read(card(location)).own
    assert 2 * len(own) == len(rows)
    for split in own:
        assert split.train.tolist() == sorted(rows[split.repeat, split.fold, "TRAIN"])
        assert split.test.tolist() == sorted(rows[split.repeat, split.fold, "TEST"])


def test_values_are_those_of_the_file(offline: Path) -> None:
    _, data_set = task_files(offline, "37")
    lines = (data_set / "dataset.arff").read_text().partition("@data")[2].split()
    table = openml.read(card("37")).inputs
    assert isinstance(table, pd.DataFrame)
    rows = [line.split(",") for line in lines]
    assert table.iloc[:, :-1].to_numpy().tolist() == [[float(cell) for cell in row[:-1]] for row in rows]
    assert table.iloc[:, -1].tolist() == [row[-1] for row in rows]


def test_a_task_loads_from_a_read_only_copy(
    folder: Path, tmp_path: Path, no_sockets: Callable[[], None]
) -> None:
    users = tmp_path / "users"  # where conftest says that the user's cache is
    shutil.copytree(folder / "org/openml/www", users / "org/openml/www")
    for path in sorted(users.rglob("*"), reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = state(users)
    no_sockets()
    try:
        for location in ("31", "59"):
            assert len(load(card(location)).own) == 10
        # Modes mean nothing to root, so what counts is that nothing has changed.
        assert state(users) == before
    finally:
        for path in users.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_files_of_openml_are_the_same_over_http(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    www = folder / "org/openml/www"
    with OpenmlServer(cached(www, 31, 31) | cached(www, 11, 11), {99: suite_xml(99, [31, 11])}) as server:
        monkeypatch.setenv("SWAPBENCH_OPENML_SERVER", server.url)
        cards = [card(name.rpartition("/")[2]) for name in openml.members(99)]
        over_http = [load(one).fingerprint for one in cards]
        assert server.asked() == ["suite", *["task", "data", "features", "splits", "arff"] * 2]
    monkeypatch.setenv("SWAPBENCH_CACHE", str(tmp_path / "other"))
    monkeypatch.setenv("OPENML_CACHE_DIR", str(folder))
    assert [load(one).fingerprint for one in cards] == over_http
    assert not (tmp_path / "other/openml").exists()
