"""Tasks of OpenML through its real client and real HTTP, from a server on this machine."""

from __future__ import annotations

import hashlib
import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.data import load, openml
from benchmark.errors import RequestError
from benchmark.spec import Dataset
from tests.data.openml.conftest import CARD, Serve
from tests.data.openml.server import COLUMNS, Columns, OpenmlServer, SmallTask, instead


@pytest.mark.usefixtures("server")
def test_a_task_is_what_openml_declares() -> None:
    raw = openml.read(CARD)
    assert raw.declared and (raw.target, raw.task_type, raw.origin) == ("Class", "binary", "small_data_v2")
    assert isinstance(raw.inputs, pd.DataFrame)
    assert list(raw.inputs) == ["size", "count", "empty", "colour", "flag", "memo", "Class"]
    # Row 8 has no target. The client makes uint8 of whole numbers up to 255, and bools of true and false.
    assert len(raw.inputs) == 11
    for name in ("size", "count", "empty"):
        assert raw.inputs[name].dtype == np.float64
    assert raw.inputs["count"].tolist() == [90.0 + row for row in range(12) if row != 8]
    assert raw.inputs["size"].isna().sum() == 1 and raw.inputs["empty"].isna().all()
    assert list(raw.inputs["flag"].cat.categories) == ["TRUE", "FALSE"]
    assert raw.inputs["colour"].isna().sum() == 4
    assert raw.inputs["memo"].dropna().unique().tolist() == ["a b", "c"]
    assert any("'id', 'old'" in note for note in raw.notes)
    assert any("1 of 12 rows have no target" in note for note in raw.notes)
    assert any("no row has: 'never'" in note for note in raw.notes)


@pytest.mark.usefixtures("server")
def test_official_splits_lose_the_rows_without_target() -> None:
    raw = openml.read(CARD)
    assert [(own.repeat, own.fold) for own in raw.own] == [(r, f) for r in range(2) for f in range(3)]
    old_numbers = np.delete(np.arange(12), 8)
    for own in raw.own:
        assert np.array_equal(
            old_numbers[own.test], [n for n in old_numbers if (n + own.repeat) % 3 == own.fold]
        )
        assert np.array_equal(np.sort(np.concatenate([own.train, own.test])), np.arange(11))


@pytest.mark.usefixtures("server")
def test_a_card_may_give_a_role_to_a_column_that_openml_hides() -> None:
    card = Dataset(name="mine", source="openml", location="1", groups="old")
    raw = openml.read(card)
    assert isinstance(raw.inputs, pd.DataFrame)
    assert "old" in raw.inputs and "id" not in raw.inputs


def test_columns_listed_in_one_text_are_left_out(serve: Serve) -> None:
    listed = "<oml:ignore_attribute>id, memo</oml:ignore_attribute>"
    serve(SmallTask(description=listed))
    inputs = openml.read(CARD).inputs
    assert isinstance(inputs, pd.DataFrame)
    assert list(inputs) == ["size", "count", "empty", "colour", "flag", "Class"]


def test_regression_targets_are_float64(serve: Serve) -> None:
    serve(SmallTask(kind=2, kind_name="Supervised Regression", target="count"))
    raw = openml.read(CARD)
    data = load(CARD)
    assert raw.task_type == "regression"
    assert data.y.dtype == np.float64 and (data.y - 95).min() == -5


def test_a_sparse_file_has_labels_and_numbers(serve: Serve) -> None:
    columns: Columns = {
        "a": ("numeric", ["0"] * 6, {}),
        "b": ("numeric", ["0"] * 6, {}),
        "y": ("{no,yes}", ["no"] * 6, {}),
    }
    names = "@attribute a numeric\n@attribute b numeric\n@attribute y {no,yes}\n"
    arff = (
        f"@relation s\n{names}@data\n{{0 0.1,2 yes}}\n{{1 300}}\n{{2 yes}}\n{{2 yes}}\n{{0 ?,2 ?}}\n{{ }}\n"
    )
    small = SmallTask(columns=columns, arff=arff, format="Sparse_ARFF", target="y", description="")
    serve(small)
    inputs = openml.read(CARD).inputs
    assert isinstance(inputs, pd.DataFrame)
    assert inputs["a"].tolist() == [0.1, 0, 0, 0, 0]
    assert inputs["b"].tolist() == [0, 300, 0, 0, 0]
    assert inputs["y"].tolist() == ["yes", "no", "yes", "yes", "no"]


def test_what_is_downloaded_is_kept_with_its_checksum_and_nothing_else_is(
    server: OpenmlServer, tmp_path: Path, kept: Callable[[], dict[str, Path]]
) -> None:
    assert openml.stamp(CARD) == ""
    assert openml.fetch(CARD) == "downloaded"
    assert server.asked() == ["task", "data", "features", "splits", "arff"]
    assert openml.fetch(CARD) == "cached"
    assert openml.stamp(CARD) != ""
    files = kept()
    served = {name for name in SmallTask().files()}
    assert set(files) == served | {f"{name}.sha256" for name in served}
    for name in served:
        digest, noted = files[f"{name}.sha256"].read_text().split()
        assert (digest, noted) == (hashlib.sha256(files[name].read_bytes()).hexdigest(), Path(name).name)
    assert not any(path.is_file() for path in (tmp_path / "own/partial").rglob("*"))
    assert not (tmp_path / "users").exists()
    assert server.asked() == []


@pytest.mark.usefixtures("server")
def test_a_complete_task_needs_no_network(no_sockets: Callable[[], None]) -> None:
    openml.fetch(CARD)
    no_sockets()
    assert openml.fetch(CARD) == "cached"
    assert len(openml.read(CARD).own) == 6


@pytest.mark.usefixtures("server")
def test_a_downloaded_task_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(CARD)
    loading = importlib.import_module("benchmark.data.load")
    once = loading.SOURCES["openml"]._replace(
        read=lambda dataset: pytest.fail(f"{dataset.name} is read again")
    )
    monkeypatch.setattr(loading, "SOURCES", {"openml": once})
    assert load(CARD).fingerprint == first.fingerprint


def test_what_cannot_be_benchmarked_is_refused_before_it_is_downloaded(serve: Serve) -> None:
    server = serve(SmallTask(kind=5, kind_name="Clustering"))
    for _ in range(2):
        with pytest.raises(
            RequestError, match="^openml/t/1: OpenML's type of task is 'Clustering'; only super"
        ):
            openml.read(CARD)
    assert "arff" not in server.asked()


@pytest.mark.parametrize("location", ["", "0", "x", "31/2", "www/31", "-1"])
def test_a_location_is_a_number(location: str) -> None:
    card = Dataset(name="mine", source="openml", location=location, file="cards/mine.yaml")
    with pytest.raises(RequestError, match=f"^cards/mine.yaml: location: '{location}' is no task of OpenML"):
        openml.fetch(card)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"target": "nothing"}, "its target 'nothing' is none of the columns of its data"),
        (
            {"columns": {**COLUMNS, "empty": ("date yyyy", ["?"] * 12, {"data_type": "date"})}},
            "'empty' holds dates",
        ),
        (
            {"columns": {**COLUMNS, "memo": ("string", ["z"] * 12, {"data_type": "numeric"})}},
            "'memo' is declared numeric",
        ),
        ({"columns": {**COLUMNS, "memo": ("{a", ["z"] * 12, {})}}, "as OpenML writes it: BadAttributeType"),
        ({"format": "XLS"}, "Unknown data format XLS"),
        ({"kind": 2, "target": "colour"}, "target: column 'colour' holds labels such as 'blue'"),
    ],
)
def test_data_that_is_not_as_declared_is_one_line(serve: Serve, changed: dict[str, Any], reason: str) -> None:
    serve(SmallTask(**changed))
    with pytest.raises(RequestError) as caught:
        load(CARD)
    assert str(caught.value).startswith("openml/t/1: ") and reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_fewer_declared_columns_than_data_are_refused(serve: Serve) -> None:
    server = serve(SmallTask())
    cut = instead(lambda body: re.sub(rb"<oml:feature><oml:index>8.*?</oml:feature>", b"", body))
    server.faults["/features/"] = cut
    with pytest.raises(RequestError, match="its data has 9 columns, and OpenML declares 8"):
        openml.read(CARD)
