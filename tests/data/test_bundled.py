"""The bundled cards: each loads without a network and is what it says."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from statsmodels.datasets import co2, fair, modechoice, star98

from benchmark.catalog import load_yaml, open_catalog
from benchmark.data import describe, load
from benchmark.data.bundled import LOADERS
from benchmark.errors import RequestError
from benchmark.spec import MODALITIES, TASK_TYPES, Dataset, Task

CATALOG = open_catalog()
CARDS = [card for name in CATALOG.names("dataset") if (card := CATALOG.dataset(name)).source == "bundled"]
NAMES = [card.name for card in CARDS]
TABLES = [card for card in CARDS if card.modality == "tabular"]

FACTS = {
    "anes96": ("binary", 944, 9),
    "breast_cancer": ("binary", 569, 30),
    "co2": ("forecasting", 526 - 36 - 12 + 1, 1),
    "dataset_descriptions": ("language", (len(str(LOADERS["sklearn.descriptions"]())) - 1) // 64, 1),
    "diabetes": ("regression", 442, 10),
    "digits": ("multiclass", 1797, 64),
    "digits_images": ("multiclass", 1797, 64),
    "digits_pixels": ("multiclass", 1797, 1),
    "elnino": ("forecasting", 12 * 61 - 36 - 12 + 1, 1),
    "engel": ("regression", 235, 1),
    "fair": ("binary", 6366, 8),
    "iris": ("multiclass", 150, 4),
    "modechoice": ("multiclass", 210, 17),
    "randhie": ("regression", 20190, 9),
    "star98": ("regression", 303, 12),
    "sunspots": ("forecasting", 309 - 33 - 11 + 1, 1),
    "wine": ("multiclass", 178, 13),
}
"""Task type, rows and features; rows and classes agree with the libraries' own descriptions. The texts are
those of the installed version."""


KNOWN = {
    "co2": "ee3cf7a5eac3c13f",
    "digits_images": "c261de42f36b5058",
    "digits_pixels": "65a2473a607ff158",
    "elnino": "b66ec3f45f96af42",
    "engel": "13ed3997d9335f3c",
    "fair": "686c75d1cd93e1e5",
    "iris": "a2151b5e8710f993",
    "modechoice": "7bb4bcefb10942b9",
    "sunspots": "9072deea9fd3ae4e",
}
"""Beginnings of fingerprints."""


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every attempt to connect an error."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("a bundled data set asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def inputs_of(name: str) -> Any:
    """What is predicted from, in the form of the task's modality."""
    return load(CATALOG.dataset(name)).X


def read(location: str) -> Any:
    """What a loader gives."""
    return LOADERS[location]()


def task_of(card: Dataset) -> Task:
    return describe(card, load(card))


@pytest.mark.parametrize("card", CARDS, ids=NAMES)
def test_a_card_is_what_it_says(card: Dataset) -> None:
    data = load(card)
    task = describe(card, data)
    assert (task.task_type, task.n_rows, task.n_features) == FACTS[card.name]
    assert task.task_type == card.task_type
    assert task.modality == card.modality
    assert task.n_classes == len(data.classes)
    assert not data.notes or task.task_type == "language"
    assert len(data.y) == task.n_rows
    assert np.isfinite(data.y).all()
    assert {"description", "licence", "citation", "url"} == set(card.about)


@pytest.mark.parametrize("card", TABLES, ids=[card.name for card in TABLES])
def test_a_table_has_the_columns_that_its_card_says(card: Dataset) -> None:
    table = inputs_of(card.name)
    categorical = table.select_dtypes("category")
    assert set(card.categorical) <= set(categorical.columns)
    assert (table.drop(columns=categorical.columns).dtypes == np.float64).all()
    assert all(isinstance(label, str) for name in categorical for label in table[name].cat.categories)
    assert card.target not in table


@pytest.mark.parametrize("card", CARDS, ids=NAMES)
def test_two_loads_are_one_task(card: Dataset) -> None:
    assert task_of(card) == task_of(card)


def test_fingerprints_are_what_they_always_were() -> None:
    # Keys of stored records rest on them; engel has long decimals, which must be read exactly.
    found = {name: task_of(CATALOG.dataset(name)).fingerprint[:16] for name in KNOWN}
    assert found == KNOWN


def test_the_suite_has_every_bundled_card_and_only_modalities_share_an_origin() -> None:
    suite = CATALOG.suite("bundled")
    assert sorted(suite.tasks) == sorted(NAMES) == sorted(FACTS)
    assert CATALOG.suite("bundled_tables").tasks == tuple(card.name for card in TABLES)
    assert set(CATALOG.suite("bundled_small").tasks) == {card.name for card in TABLES} - {"randhie"}
    assert len({card.origin for card in TABLES}) == len(TABLES) == 11
    shared = {card.name for card in CARDS if sum(other.origin == card.origin for other in CARDS) > 1}
    assert shared == {"digits", "digits_images", "digits_pixels"}
    assert {task_type for task_type, _, _ in FACTS.values()} == set(TASK_TYPES)
    assert {card.modality for card in CARDS} == set(MODALITIES)
    assert {card.location for card in CARDS} == set(LOADERS)


@pytest.mark.parametrize("kind", ["dataset", "suite"])
def test_headers_equal_paths(kind: str) -> None:
    group = {"dataset": "datasets", "suite": "datasets.suite"}[kind]
    for name in CATALOG.names(kind):
        path = Path(CATALOG.path(kind, name))
        package = f"{group}.{name.replace('/', '.')}"
        assert path.read_text(encoding="utf-8").splitlines()[0] == f"# @package {package}"
        assert load_yaml(path)


def test_fair_is_whether_there_was_any_affair() -> None:
    data, raw = load(CATALOG.dataset("fair")), fair.load_pandas().data
    assert data.classes == ("no", "yes")
    assert np.array_equal(data.y == 1, raw["affairs"] > 0)
    assert "affairs" not in inputs_of("fair")


def test_modechoice_has_one_row_per_traveller() -> None:
    data, raw = load(CATALOG.dataset("modechoice")), modechoice.load_pandas().data
    modes, table = {1: "air", 2: "train", 3: "bus", 4: "car"}, inputs_of("modechoice")
    for row in (0, 57, 209):
        own = raw[raw["individual"] == row + 1].set_index("mode")
        assert data.classes[data.y[row]] == modes[int(own["choice"].idxmax())]
        assert table.loc[row, "hinc"] == own["hinc"].iloc[0]
        for code, mode in modes.items():
            assert table.loc[row, f"gc_{mode}"] == own.loc[code, "gc"]
    assert (table.nunique() > 1).all()


def test_star98_is_the_share_above_the_median() -> None:
    data, raw = load(CATALOG.dataset("star98")), star98.load_pandas().data
    assert np.array_equal(data.y, raw["NABOVE"] / (raw["NABOVE"] + raw["NBELOW"]))
    assert data.y.min() >= 0
    assert data.y.max() <= 1
    assert not any("_" in name or name.startswith("N") for name in inputs_of("star98"))


def test_diabetes_is_as_measured() -> None:
    table = inputs_of("diabetes")
    assert table["age"].between(18, 80).all()
    assert sorted(table["sex"].cat.categories) == ["1", "2"]


def test_classes_bear_their_names() -> None:
    assert load(CATALOG.dataset("iris")).classes == ("setosa", "versicolor", "virginica")
    cancer = load(CATALOG.dataset("breast_cancer"))
    assert cancer.classes == ("benign", "malignant")
    assert list(np.bincount(cancer.y)) == [357, 212]


def test_digits_are_one_set_in_three_forms() -> None:
    names = ("digits", "digits_images", "digits_pixels")
    table, images, pixels = map(inputs_of, names)
    assert (images.shape, str(images.dtype)) == ((1797, 1, 8, 8), "uint8")
    assert np.array_equal(images.reshape(1797, 64), table)
    assert np.array_equal(pixels.values.reshape(1797, 64), table)
    first, *others = (load(CATALOG.dataset(name)) for name in names)
    assert first.classes == tuple("0123456789")
    assert all(other.classes == first.classes and np.array_equal(other.y, first.y) for other in others)


@pytest.mark.parametrize(
    ("name", "n_values", "season", "first", "last"),
    [
        ("sunspots", 309, 11, 5.0, 2.9),
        ("co2", 526, 12, 316.1, np.mean([370.3, 370.8, 371.2, 371.3, 371.5])),
        ("elnino", 732, 12, 23.11, 22.07),
    ],
)
def test_a_series_is_whole_and_in_order(
    name: str, n_values: int, season: int, first: float, last: float
) -> None:
    card = CATALOG.dataset(name)
    data = load(card)
    context, horizon = (card.options[key] for key in ("context", "horizon"))
    assert (data.gap, len(data)) == (horizon - 1, n_values - context - horizon + 1)
    assert context >= card.options["season"] == season
    # Windows one step apart, laid over each other, are the series again.
    inputs = np.array(data.inputs(range(len(data))))[:, :, 0]
    series = np.concatenate([inputs[0], data.y[:, 0], data.y[-1, 1:]])
    assert len(series) == n_values
    assert series[0] == pytest.approx(first) and series[-1] == pytest.approx(last)
    assert np.array_equal(inputs[-1], series[n_values - context - horizon : -horizon].astype(np.float32))


def test_an_empty_month_of_co2_is_as_the_one_before() -> None:
    raw = co2.load_pandas().data["co2"]
    frame = read("statsmodels.co2")
    empty = [("1958-06", "1958-05"), ("1958-10", "1958-09"), ("1964-04", "1964-01")]
    for month, before in empty:
        assert raw[month].isna().all()
        (value,) = frame.loc[frame["month"] == f"{month}-01", "co2"]
        assert value == pytest.approx(raw[before].mean())
    assert not frame["co2"].isna().any()


def test_the_descriptions_are_english_text() -> None:
    data = load(CATALOG.dataset("dataset_descriptions"))
    text = "".join(data.inputs(range(len(data))))
    assert "Breast cancer Wisconsin (diagnostic) dataset" in text
    assert len(text) > 30_000
    assert 60 < len(data.classes) < 200
    assert data.y.shape == (len(data), 64)


def test_an_unknown_location_names_the_nearest() -> None:
    card = Dataset("wines", "bundled", "sklearn.wines", target="target", file="wines.yaml")
    with pytest.raises(RequestError, match=r"^wines\.yaml: location: .*did you mean 'sklearn\.wine'\?$"):
        load(card)
