"""The bundled cards: each loads without a network and is what it says."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from statsmodels.datasets import fair, modechoice, star98

from benchmark.catalog import load_yaml, open_catalog
from benchmark.data import describe, load
from benchmark.data.bundled import LOADERS
from benchmark.errors import RequestError
from benchmark.spec import Dataset, Task

CATALOG = open_catalog()
CARDS = [card for name in CATALOG.names("dataset") if (card := CATALOG.dataset(name)).source == "bundled"]
NAMES = [card.name for card in CARDS]

FACTS = {
    "anes96": ("binary", 944, 9),
    "breast_cancer": ("binary", 569, 30),
    "diabetes": ("regression", 442, 10),
    "digits": ("multiclass", 1797, 64),
    "engel": ("regression", 235, 1),
    "fair": ("binary", 6366, 8),
    "iris": ("multiclass", 150, 4),
    "modechoice": ("multiclass", 210, 17),
    "randhie": ("regression", 20190, 9),
    "star98": ("regression", 303, 12),
    "wine": ("multiclass", 178, 13),
}
"""Task type, rows and features; rows and classes agree with the libraries' own descriptions."""


KNOWN = {
    "engel": "ee9528a11b6e54ce",
    "fair": "08e48986010e060b",
    "iris": "86e6b63681edb677",
    "modechoice": "4b50eea978eb52a1",
}
"""Beginnings of fingerprints."""


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every attempt to connect an error."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("a bundled data set asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def task_of(card: Dataset) -> Task:
    return describe(card, load(card))


@pytest.mark.parametrize("card", CARDS, ids=NAMES)
def test_a_card_is_what_it_says(card: Dataset) -> None:
    data = load(card)
    task = describe(card, data)
    assert (task.task_type, task.n_rows, task.n_features) == FACTS[card.name]
    assert task.task_type == card.task_type
    assert task.n_classes == len(data.classes)
    assert not data.notes
    assert data.y.shape == (task.n_rows,)
    assert np.isfinite(data.y).all()
    categorical = data.X.select_dtypes("category")
    assert set(card.categorical) <= set(categorical.columns)
    assert (data.X.drop(columns=categorical.columns).dtypes == np.float64).all()
    assert all(isinstance(label, str) for name in categorical for label in data.X[name].cat.categories)
    assert card.target not in data.X
    assert {"description", "licence", "citation", "url"} == set(card.about)


@pytest.mark.parametrize("card", CARDS, ids=NAMES)
def test_two_loads_are_one_task(card: Dataset) -> None:
    assert task_of(card) == task_of(card)


def test_fingerprints_are_what_they_always_were() -> None:
    # Keys of stored records rest on them; engel has long decimals, which must be read exactly.
    found = {name: task_of(CATALOG.dataset(name)).fingerprint[:16] for name in KNOWN}
    assert found == KNOWN


def test_the_suite_has_every_bundled_card_and_no_two_of_one_origin() -> None:
    suite = CATALOG.suite("bundled")
    assert sorted(suite.tasks) == sorted(NAMES) == sorted(FACTS)
    assert len({CATALOG.dataset(name).origin for name in suite.tasks}) == len(suite.tasks) >= 9
    assert {task_type for task_type, _, _ in FACTS.values()} == {"binary", "multiclass", "regression"}
    assert {card.location for card in CARDS} == set(LOADERS)


@pytest.mark.parametrize("kind", ["dataset", "suite"])
def test_headers_equal_paths(kind: str) -> None:
    group = {"dataset": "datasets", "suite": "datasets.suite"}[kind]
    for name in CATALOG.names(kind):
        path = Path(CATALOG.path(kind, name))
        assert path.read_text(encoding="utf-8").splitlines()[0] == f"# @package {group}.{name}"
        assert load_yaml(path)


def test_fair_is_whether_there_was_any_affair() -> None:
    data, raw = load(CATALOG.dataset("fair")), fair.load_pandas().data
    assert data.classes == ("no", "yes")
    assert np.array_equal(data.y == 1, raw["affairs"] > 0)
    assert "affairs" not in data.X


def test_modechoice_has_one_row_per_traveller() -> None:
    data, raw = load(CATALOG.dataset("modechoice")), modechoice.load_pandas().data
    modes = {1: "air", 2: "train", 3: "bus", 4: "car"}
    for row in (0, 57, 209):
        own = raw[raw["individual"] == row + 1].set_index("mode")
        assert data.classes[data.y[row]] == modes[int(own["choice"].idxmax())]
        assert data.X.loc[row, "hinc"] == own["hinc"].iloc[0]
        for code, mode in modes.items():
            assert data.X.loc[row, f"gc_{mode}"] == own.loc[code, "gc"]
    assert (data.X.nunique() > 1).all()


def test_star98_is_the_share_above_the_median() -> None:
    data, raw = load(CATALOG.dataset("star98")), star98.load_pandas().data
    assert np.array_equal(data.y, raw["NABOVE"] / (raw["NABOVE"] + raw["NBELOW"]))
    assert data.y.min() >= 0
    assert data.y.max() <= 1
    assert not any("_" in name or name.startswith("N") for name in data.X)


def test_diabetes_is_as_measured() -> None:
    data = load(CATALOG.dataset("diabetes"))
    assert data.X["age"].between(18, 80).all()
    assert sorted(data.X["sex"].cat.categories) == ["1", "2"]


def test_classes_bear_their_names() -> None:
    assert load(CATALOG.dataset("iris")).classes == ("setosa", "versicolor", "virginica")
    cancer = load(CATALOG.dataset("breast_cancer"))
    assert cancer.classes == ("benign", "malignant")
    assert list(np.bincount(cancer.y)) == [357, 212]


def test_an_unknown_location_names_the_nearest() -> None:
    card = Dataset("wines", "bundled", "target", "sklearn.wines", "wines", file="wines.yaml")
    with pytest.raises(RequestError, match=r"^wines\.yaml: location: .*did you mean 'sklearn\.wine'\?$"):
        load(card)
