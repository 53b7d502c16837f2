"""What is kept comes back whole, mapped and read-only; what is damaged or too much goes."""

from __future__ import annotations

import dataclasses
import importlib
import mmap
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.data import Ragged, TaskData, cache, load
from benchmark.data.fingerprint import fingerprint, row_digests
from benchmark.errors import RequestError
from benchmark.spec import Dataset, OwnSplit

REQUEST = "1" * 64
OTHER = "2" * 64


def finished(X: Any, y: npt.NDArray[Any], task_type: str, **fields: Any) -> TaskData:
    """A task as loading would give it to the cache."""
    data = TaskData(X, y, task_type, **fields)
    return dataclasses.replace(data, fingerprint=fingerprint(data), row_digests=row_digests(data))


def table(n_rows: int, n_numbers: int = 2, n_categories: int = 1, seed: int = 0, **fields: Any) -> TaskData:
    """A table whose columns alternate in type as long as there are any of both."""
    draw = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    for place in range(max(n_numbers, n_categories)):
        if place < n_categories:
            codes = draw.integers(-1, 3, n_rows)
            columns[f"c{place}"] = pd.Categorical.from_codes(codes, categories=["ä", "b", "c"])
        if place < n_numbers:
            columns[f"x{place}"] = np.where(draw.random(n_rows) < 0.1, np.nan, draw.normal(size=n_rows))
    y = draw.integers(0, 2, n_rows)
    return finished(pd.DataFrame(columns), y, "binary", classes=("no", "yes"), **fields)


def assert_same(found: TaskData | None, data: TaskData) -> None:
    """Every field of a task is what it was."""
    assert found is not None
    for field in dataclasses.fields(TaskData):
        is_now, was = getattr(found, field.name), getattr(data, field.name)
        if isinstance(was, pd.DataFrame):
            pd.testing.assert_frame_equal(is_now, was)
        elif isinstance(was, Ragged):
            np.testing.assert_array_equal(is_now.offsets, was.offsets, strict=True)
            np.testing.assert_array_equal(is_now.values, was.values, strict=True)
        elif isinstance(was, np.ndarray):
            np.testing.assert_array_equal(is_now, was, strict=True)
        elif field.name == "own":
            assert [(own.repeat, own.fold) for own in is_now] == [(own.repeat, own.fold) for own in was]
            for new, old in zip(is_now, was, strict=True):
                for part in ("train", "test", "validation"):
                    np.testing.assert_array_equal(getattr(new, part), getattr(old, part))
        else:
            assert is_now == was, field.name


def is_mapped(array: npt.NDArray[Any]) -> bool:
    """Whether an array's memory is a file's."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return isinstance(base, mmap.mmap)


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWAPBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def place_of(root: Path) -> Path:
    """The folder of the only task."""
    (place,) = (root / "tasks").iterdir()
    return place


@st.composite
def inputs(draw: st.DrawFn, n_rows: int) -> Any:
    """Inputs of any modality, as a task holds them."""
    number = np.random.default_rng(draw(st.integers(0, 99)))
    kind = draw(st.sampled_from(["table", "image", "strided image", "sequence", "text"]))
    if kind == "table":
        names = draw(st.lists(st.text(max_size=5), min_size=1, max_size=5, unique=True).map(sorted))
        labels = draw(st.lists(st.text(max_size=5), max_size=200, unique=True))
        return pd.DataFrame(
            {
                name: pd.Categorical.from_codes(number.integers(-1, len(labels), n_rows), categories=labels)
                if draw(st.booleans())
                else number.normal(size=n_rows)
                for name in names
            }
        )
    if kind == "sequence":
        lengths = number.integers(0, 4, n_rows)
        return Ragged.of_arrays([number.normal(size=(length, 2)) for length in lengths])
    if kind == "text":
        return Ragged.of_texts(draw(st.lists(st.text(max_size=5), min_size=n_rows, max_size=n_rows)))
    images = number.integers(0, 256, (n_rows, 2, 3, 4)).astype(np.uint8)
    return images if kind == "image" else images.transpose(0, 3, 1, 2).astype(np.float32, order="K")


@st.composite
def some_task(draw: st.DrawFn) -> TaskData:
    """Any task at all, with any of the fields that only some tasks have."""
    n_rows = draw(st.integers(1, 6))
    rows = np.arange(n_rows)
    targets = [rows % 2, rows / 3, np.ones((n_rows, 2)), np.full((n_rows, 3), -1)]
    fields = {
        "classes": draw(st.sampled_from([(), ("a", "b"), ("ü", "\n")])),
        "modality": draw(st.sampled_from(["tabular", "text"])),
        "groups": draw(st.sampled_from([None, rows // 2])),
        "time": draw(st.sampled_from([None, rows[::-1]])),
        "weights": draw(st.sampled_from([None, np.ones(n_rows)])),
        "gap": draw(st.integers(0, 3)),
        "own": draw(st.sampled_from([(), (OwnSplit(0, 1, rows[:1], rows), OwnSplit(2, 0, rows, (), rows))])),
        "origin": draw(st.text(max_size=3)),
        "notes": tuple(draw(st.lists(st.text(max_size=9), max_size=2))),
    }
    return finished(draw(inputs(n_rows)), draw(st.sampled_from(targets)), "any", **fields)


@settings(deadline=None, max_examples=60)
@given(some_task())
def test_every_task_comes_back_whole(data: TaskData) -> None:
    cache.clear()
    assert_same(cache.keep(REQUEST, data, "mine"), data)
    found = cache.find(REQUEST)
    assert_same(found, data)
    assert cache.verify() == []
    (entry,) = cache.entries()
    assert (entry.n_rows, entry.n_features, entry.name) == (len(data), data.n_features, "mine")


def test_a_table_of_numbers_is_one_mapped_block() -> None:
    twin = cache.keep(REQUEST, table(40_000, 5, 0), "mine")
    X: Any = twin.X
    (block,) = X._mgr.blocks
    assert is_mapped(block.values) and not block.values.flags.writeable
    assert is_mapped(twin.y) and twin.row_digests is not None and is_mapped(twin.row_digests)


def test_columns_of_both_types_are_mapped_and_keep_their_order() -> None:
    data = table(300_000, 3, 3)
    twin = cache.keep(REQUEST, data, "mine")
    X: Any = twin.X
    assert list(X) == ["c0", "x0", "c1", "x1", "c2", "x2"]
    assert len(X._mgr.blocks) == 4, "the numbers stay together, whatever lies between them"
    assert all(is_mapped(X[name].to_numpy()) for name in ("x0", "x1", "x2"))
    assert all(is_mapped(X[name].array.codes) for name in ("c0", "c1", "c2"))
    taken = twin.inputs(np.arange(0, 300_000, 7))
    pd.testing.assert_frame_equal(taken, data.inputs(np.arange(0, 300_000, 7)))
    taken.iloc[0, 1] = 5.0  # what is taken is the learner's own


@pytest.mark.parametrize("kind", ["image", "sequence", "text"])
def test_other_modalities_are_mapped(kind: str) -> None:
    X: Any = {
        "image": np.zeros((300, 3, 20, 20), np.uint8),
        "sequence": Ragged.of_arrays([np.zeros((1000, 3))] * 300),
        "text": Ragged.of_texts(["word " * 60] * 300),
    }[kind]
    twin = cache.keep(REQUEST, finished(X, np.zeros(300), "regression", modality=kind), "mine")
    arrays: Any = twin.X.values if isinstance(twin.X, Ragged) else twin.X
    assert is_mapped(arrays) and type(arrays) is np.ndarray
    assert len(twin.inputs([1, 2])) == 2


def test_a_small_task_holds_no_file_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    held = [cache.keep(f"{number:064}", table(50, seed=number), "mine") for number in range(20)]
    assert len(held) == 20 and len(os.listdir("/proc/self/fd")) == before
    assert not held[0].y.flags.writeable


def test_two_thousand_columns_are_no_matter() -> None:
    data = table(20, 1000, 1000)
    twin = cache.keep(REQUEST, data, "mine")
    columns: list[Any] = [task.X for task in (twin, data)]
    assert list(columns[0]) == list(columns[1])
    assert len(list(place_of(cache.folder()).iterdir())) == 5
    np.testing.assert_array_equal(row_digests(twin), data.row_digests)


def test_a_column_of_another_type_is_refused() -> None:
    data = table(5)
    X: Any = data.X
    with pytest.raises(TypeError, match="column 'x0' is int64, neither float64 nor category"):
        cache.keep(REQUEST, dataclasses.replace(data, X=X.assign(x0=1)), "mine")
    with pytest.raises(TypeError, match="y holds objects"):
        cache.keep(REQUEST, dataclasses.replace(data, y=data.y.astype(object)), "mine")
    assert list((cache.folder() / "partial").iterdir()) == []


def test_requests_with_one_answer_share_it_and_others_do_not() -> None:
    data = table(9)
    split = (OwnSplit(0, 0, np.arange(5), np.arange(5, 9)),)
    cache.keep(REQUEST, data, "one")
    cache.keep(OTHER, data, "two")
    assert len(cache.entries()) == 1
    # The fingerprint does not cover these, and a worker must still get the splits of its own job.
    for number, change in enumerate(
        [{"own": split}, {"groups": np.arange(9)}, {"time": np.arange(9)}, {"notes": ("!",)}]
    ):
        changed = dataclasses.replace(data, **change)  # type: ignore[arg-type]
        cache.keep(f"{number:064}", changed, "three")
        assert changed.fingerprint == data.fingerprint
        assert_same(cache.find(f"{number:064}"), changed)
    assert_same(cache.find(REQUEST), data)
    assert len(cache.entries()) == 5


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("y.npy", b""),
        ("y.npy", None),
        ("task.json", b"{"),
        ("task.json", b"[]"),
        ("task.json", b'{"format": 2}'),
        ("task.json", b'{"format": 0, "files": {}}'),
        ("task.json", b'{"format": 2, "files": {}}'),
        ("task.json", None),
        ("X_float64.npy", "cut"),
        ("X_float64.npy", "other header"),
        ("X_float64.npy", "header that does not end"),
        ("task.json", "splits of nothing"),
        ("task.json", "columns of nothing"),
        ("task.json", "no name"),
        ("X_int8.npy", "other codes"),
    ],
)
def test_a_damaged_task_is_noticed_removed_and_kept_anew(root: Path, file: str, content: Any) -> None:
    data = table(100)
    cache.keep(REQUEST, data, "mine")
    path = place_of(root) / file
    whole = path.read_bytes()
    if content is None:
        path.unlink()
    else:
        changed = {
            "cut": whole[:-1],
            "other header": whole.replace(b"<f8", b"|O8"),  # pickled objects, it says
            "header that does not end": whole.replace(b"), }", b"(, }"),
            "splits of nothing": whole.replace(b'"own": []', b'"own": [[0, 0, 1, 1, 1]]'),
            "columns of nothing": whole.replace(
                b'"columns": [', b'"columns": [["z", "int8", ["a", "b", "c"]], '
            ),
            "no name": whole.replace(b'"name"', b'"game"'),
            "other codes": whole[:-1] + b"\x7f",  # pandas may crash on a code that has no label
        }
        assert content not in changed or changed[content] != whole
        path.write_bytes(changed.get(content, content))
    assert [entry.n_rows for entry in cache.entries()]
    assert cache.find(REQUEST) is None
    assert list((root / "tasks").iterdir()) == []
    assert_same(cache.keep(REQUEST, data, "mine"), data)


def test_a_damaged_request_finds_nothing(root: Path) -> None:
    for text in ("", "../../etc", "g" * 64, "0" * 64, "\xff" * 64):
        (root / "requests").mkdir(parents=True, exist_ok=True)
        (root / "requests" / REQUEST).write_text(text, encoding="utf-8")
        assert cache.find(REQUEST) is None


@pytest.mark.parametrize(
    "file", ["X_float64.npy", "X_int8.npy", "y.npy", "groups.npy", "own.npy", "row_digests.npy", "task.json"]
)
def test_verify_finds_one_changed_bit(root: Path, file: str) -> None:
    rows = np.arange(100)
    data = table(100, groups=rows, own=(OwnSplit(0, 0, rows[:50], rows[50:]),), notes=("said",))
    cache.keep(REQUEST, data, "mine")
    path = place_of(root) / file
    content = path.read_bytes()
    if file == "task.json":
        path.write_bytes(content.replace(b"said", b"paid"))
    else:
        changed = {0: b"\x01", 1: b"\x00"}.get(content[-8], b"\x00")
        path.write_bytes(content[:-8] + changed + content[-7:])
    cache.keep(OTHER, table(7), "sound")
    assert [entry.name for entry in cache.verify()] == ["mine"]
    assert [entry.name for entry in cache.entries()] == ["sound"]
    assert not (root / "requests" / REQUEST).exists()
    assert cache.verify() == []


def test_a_removed_task_stays_readable_for_who_has_opened_it() -> None:
    data = table(100_000)
    twin = cache.keep(REQUEST, data, "mine")
    cache.clear()
    assert cache.find(REQUEST) is None and is_mapped(twin.y)
    assert_same(twin, data)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Cards that were really read."""
    module = importlib.import_module("benchmark.data.load")
    source, cards = module.SOURCES["file"], []

    def read(dataset: Dataset) -> Any:
        cards.append(dataset.name)
        return source.read(dataset)

    monkeypatch.setitem(module.SOURCES, "file", source._replace(read=read))
    yield cards


def test_a_file_is_parsed_once_until_it_or_the_card_changes(counted: list[str], tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"a": draw.normal(size=500), "b": draw.integers(0, 9, 500), "y": [0, 1] * 250})
    frame.to_csv(tmp_path / "table.csv", index=False)
    card = Dataset("one", "file", "table.csv", target="y", file=str(tmp_path / "one.yaml"))
    data = load(card)
    renamed = dataclasses.replace(card, name="two", origin="o", about={"url": "u"}, metric="accuracy")
    assert_same(load(renamed), data)
    assert_same(load(card, data.fingerprint), data)
    assert counted == ["one"]
    assert load(dataclasses.replace(card, name="three", categorical=("b",))).fingerprint != data.fingerprint
    assert counted == ["one", "three"]
    frame.assign(a=0.0 + np.arange(500) % 7).to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(RequestError, match="the data has changed since the study was planned"):
        load(card, data.fingerprint)
    assert counted == ["one", "three", "one"]
    shutil.rmtree(cache.folder())
    load(card)
    assert counted[3:] == ["one"]


@pytest.mark.parametrize("n_changes", [1, 9])
def test_what_changes_while_it_is_read_is_never_kept_under_the_stamp_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_changes: int
) -> None:
    module = importlib.import_module("benchmark.data.load")
    source, path = module.SOURCES["file"], tmp_path / "table.csv"
    first = "a,y\n" + "1.5,u\n2.5,v\n" * 5
    path.write_text(first)
    card = Dataset("mine", "file", "table.csv", target="y", file=str(tmp_path / "mine.yaml"))
    changes = iter(range(n_changes))

    def read(dataset: Dataset) -> Any:
        for change in changes:
            path.write_text(first.replace("2.5", f"{change}.25"))
            break
        return source.read(dataset)

    def values() -> list[float]:
        X: Any = load(card).X
        return list(X["a"])

    monkeypatch.setitem(module.SOURCES, "file", source._replace(read=read))
    if n_changes > 1:
        line = r"mine\.yaml: location: 'table\.csv' changes while it is read; wait until it is whole$"
        with pytest.raises(RequestError, match=line):
            load(card)
        assert cache.entries() == []
    else:
        assert values() == [1.5, 0.25] * 5
    path.write_text(first)
    changes = iter(())
    assert values() == [1.5, 2.5] * 5
