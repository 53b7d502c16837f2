"""Generated data: the formulas hold, the best possible scores are what the cards say, draws never change."""

from __future__ import annotations

import hashlib
import inspect
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmark.catalog import open_catalog
from benchmark.data import Ragged, describe, generated, load
from benchmark.data.generated import ASK, GENERATORS, LEAST, NOISE
from benchmark.errors import RequestError
from benchmark.spec import Dataset

CATALOG = open_catalog()
CARDS = {name: CATALOG.dataset(name) for name in CATALOG.suite("generated").tasks}

FACTS = {
    "adding": ("sequence", "regression", 2000, 2, 0),
    "counting": ("image", "multiclass", 2000, 256, 5),
    "friedman1": ("tabular", "regression", 1000, 10, 0),
    "friedman2": ("tabular", "regression", 1000, 4, 0),
    "friedman3": ("tabular", "regression", 1000, 4, 0),
    "gratings": ("image", "multiclass", 2000, 256, 4),
    "hastie_10_2": ("tabular", "binary", 12000, 10, 2),
    "parity": ("sequence", "binary", 2000, 1, 2),
    "path": ("image", "binary", 6000, 256, 2),
    "selective_copying": ("text", "language", 2000, 1, 4),
    "shapes": ("image", "multiclass", 2000, 256, 4),
}
"""Modality, task type, rows, features and classes."""

PARTS = ("__init__", "images", "sequences", "tables")
"""The modules that generate, in the order of their names."""

KNOWN = {
    "adding": "36c087aaf5be8f23",
    "counting": "22d48f4ea4770a3e",
    "friedman1": "058f800c9fa30701",
    "friedman2": "b9c205f92eb772de",
    "friedman3": "b71ff62233ba49ce",
    "gratings": "320714d832de2743",
    "hastie_10_2": "eacf6ed98cad5363",
    "parity": "eb2e6b741cf46de4",
    "path": "14a3589bbed0a508",
    "selective_copying": "ea5aeb926177f1d2",
    "shapes": "d1b6f89bc8cd724a",
}
"""Beginnings of fingerprints."""


def test_the_suite_of_sequences_is_of_that_many_origins() -> None:
    suite = [CATALOG.dataset(name) for name in CATALOG.suite("sequences").tasks]
    ordered = [CATALOG.dataset(name) for name in CATALOG.names("dataset") if not name.startswith("openml/")]
    assert {found.name for found in suite} == {
        found.name for found in ordered if found.modality in ("sequence", "text")
    }
    assert len({found.origin for found in suite}) == len(suite) == 8


def card(location: str, **options: Any) -> Dataset:
    modality = CARDS[location].modality if location in CARDS else "tabular"
    return Dataset("mine", "generated", location, modality=modality, options=options, file="mine.yaml")


def columns(name: str, **options: Any) -> tuple[Any, Any]:
    """The features ``(n_rows, n_features)`` and target of a generated table."""
    frame = GENERATORS[name](**options).inputs
    assert isinstance(frame, pd.DataFrame)
    return frame.drop(columns="y").to_numpy(), frame["y"].to_numpy()


def reactance(x: Any) -> Any:
    return x[:, 1] * x[:, 2] - 1 / (x[:, 1] * x[:, 3])


FORMULAS = {
    "friedman1": lambda x: (
        10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    ),
    "friedman2": lambda x: np.sqrt(x[:, 0] ** 2 + reactance(x) ** 2),
    "friedman3": lambda x: np.arctan(reactance(x) / x[:, 0]),
}
"""Written down again, apart from the library's."""


def test_every_generator_has_a_card_and_stands_in_the_suite() -> None:
    every = [CATALOG.dataset(name) for name in CATALOG.names("dataset")]
    assert {found.name for found in every if found.source == "generated"} == set(CARDS) == set(FACTS)
    assert {found.location for found in CARDS.values()} == set(GENERATORS)
    assert len({found.origin for found in CARDS.values()}) == len(CARDS)


@pytest.mark.parametrize("name", CARDS)
def test_a_card_is_what_it_says(name: str) -> None:
    found = CARDS[name]
    data = load(found)
    task = describe(found, data)
    facts = (task.modality, task.task_type, task.n_rows, task.n_features, task.n_classes)
    assert facts == FACTS[name]
    assert task.generated and not task.notes
    assert (found.modality, found.task_type) == FACTS[name][:2]
    assert set(found.about) == {"description", "licence", "citation", "url", "known"}
    assert found.about["description"].startswith("Generated: ")
    # The descriptions speak of the defaults, so the card must have these and no others.
    parameters = inspect.signature(GENERATORS[found.location]).parameters
    assert found.options == {key: parameter.default for key, parameter in parameters.items()}


def test_fingerprints_are_what_they_always_were() -> None:
    # On any machine: keys of stored records rest on them.
    assert {name: load(found).fingerprint[:16] for name, found in CARDS.items()} == KNOWN


@pytest.mark.parametrize("name", GENERATORS)
def test_a_seed_decides_everything(name: str) -> None:
    first, again, other = (load(card(name, n_rows=50, seed=seed), "") for seed in (3, 3, 4))
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert len(first) == 50


@pytest.mark.parametrize("name", GENERATORS)
def test_options_of_every_generator_have_a_least_value(name: str) -> None:
    for option, parameter in inspect.signature(GENERATORS[name]).parameters.items():
        assert parameter.default >= LEAST[option]
        assert type(parameter.default) is type(LEAST[option])


@pytest.mark.parametrize("name", FORMULAS)
def test_friedman_leaves_the_noise_to_who_knows_the_formula(name: str) -> None:
    noise = float(CARDS[name].options["noise"])
    assert CARDS[name].about["known"].startswith(f"RMSE {noise if noise < 100 else int(noise)}:")
    X, y = columns(name)
    residuals = y - FORMULAS[name](X)
    # Four standard errors of a deviation over this many rows.
    assert np.sqrt(np.mean(residuals**2)) == pytest.approx(noise, rel=4 / math.sqrt(2 * len(y)))
    mean_alone = float(re.findall(r"about ([\d.]+)\.$", CARDS[name].about["known"])[0])
    assert np.std(columns(name, n_rows=200_000)[1]) == pytest.approx(mean_alone, rel=0.01)
    exact, silent = columns(name, noise=0)
    assert np.allclose(silent, FORMULAS[name](exact), atol=1e-6)


def test_hastie_is_decided_by_the_sum_of_squares() -> None:
    X, y = columns("hastie_10_2")
    squares = (X**2).sum(axis=1)
    assert np.array_equal(y == 1, squares > 9.34)
    assert set(y.tolist()) == {-1, 1}
    assert np.mean(y == 1) == pytest.approx(0.5, abs=0.02)
    assert roc_auc_score(y, squares) == 1.0
    linear = LogisticRegression().fit(X[:6000], y[:6000])
    assert roc_auc_score(y[6000:], linear.decision_function(X[6000:])) == pytest.approx(0.5, abs=0.03)


def test_adding_is_the_sum_of_the_marked_values() -> None:
    data = load(CARDS["adding"])
    rows = data.inputs(range(len(data)))
    assert {len(row) for row in rows} == set(range(20, 23))
    for row, total in zip(rows, data.y, strict=True):
        values, marks = row.T
        first, second = np.flatnonzero(marks)
        assert first < len(row) // 2 <= second
        assert set(marks.tolist()) == {0.0, 1.0}
        assert 0 <= values.min() and values.max() < 1
        assert total == np.float64(values[first]) + np.float64(values[second])
    # The variance of the sum of two uniform values; its standard error is under 0.005 here.
    assert np.mean((data.y - 1) ** 2) == pytest.approx(1 / 6, abs=0.015)


def test_selective_copying_asks_for_the_letters_in_their_order() -> None:
    data = load(CARDS["selective_copying"])
    for text, codes in zip(data.inputs(range(len(data))), data.y, strict=True):
        assert len(text) == 32 and text.endswith(ASK * 4)
        letters = text[:28].replace(NOISE, "")
        assert [data.classes[code] for code in codes[28:]] == list(letters)
        assert (codes[:28] == -1).all()
    counts = np.bincount(data.y[data.y >= 0], minlength=4)
    shares = counts / counts.sum()
    assert -np.sum(shares * np.log2(shares)) == pytest.approx(2.0, abs=0.01)
    places = [place for text in data.inputs(range(len(data))) for place in range(28) if text[place] != NOISE]
    assert np.bincount(places).min() > 230


def test_parity_is_whether_the_ones_are_odd() -> None:
    data = load(CARDS["parity"])
    rows = data.inputs(range(len(data)))
    assert {len(row) for row in rows} == set(range(2, 17))
    assert all(set(row.ravel().tolist()) <= {0.0, 1.0} for row in rows)
    assert data.classes == ("even", "odd")
    assert data.y.tolist() == [int(row.sum()) % 2 for row in rows]
    assert np.mean(data.y) == pytest.approx(0.5, abs=0.05)
    without_the_last = np.array([int(row[:-1].sum()) % 2 for row in rows])
    assert np.mean(without_the_last == data.y) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("name", ["adding", "parity", "selective_copying"])
def test_no_row_is_on_both_sides_of_a_split(name: str) -> None:
    digests = load(CARDS[name]).row_digests
    assert digests is not None
    assert len(set(digests.tolist())) == len(digests)


def test_lengths_are_as_asked() -> None:
    data = load(card("parity", n_rows=10, shortest=5, longest=5))
    assert isinstance(data.X, Ragged)
    assert np.diff(data.X.offsets).tolist() == [5] * 10


@pytest.mark.parametrize(
    ("location", "options", "message"),
    [
        ("freidman1", {}, "location: there is no generator 'freidman1'; did you mean 'friedman1'?"),
        ("adding", {"lenght": 3}, "options: there is no option 'lenght'; did you mean 'longest'?"),
        ("adding", {"length": 3}, "options: there is no option 'length'"),
        ("adding", {"n_rows": 9}, "options.n_rows: expected a whole number from 10, got 9"),
        ("adding", {"n_rows": 20.5}, "options.n_rows: expected a whole number from 10, got 20.5"),
        ("adding", {"n_rows": "20"}, "options.n_rows: expected a whole number from 10, got '20'"),
        ("adding", {"seed": True}, "options.seed: expected a whole number from 0, got True"),
        ("adding", {"seed": 2**32}, "options: Seed must be between 0 and 2**32 - 1"),
        ("adding", {"shortest": 9, "longest": 8}, "options: shortest: 9 is more than longest, 8"),
        (
            "parity",
            {"shortest": 5, "longest": 6},
            "n_rows: at most 48 rows of 5 to 6 bits are drawn, not 2000",
        ),
        ("parity", {"shortest": 9, "longest": 8}, "options: shortest: 9 is more than longest, 8"),
        ("friedman1", {"noise": -1}, "options.noise: expected a number from 0, got -1"),
        ("friedman1", {"noise": float("inf")}, "options.noise: expected a number from 0, got inf"),
        ("friedman1", {"noise": float("nan")}, "options.noise: expected a number from 0, got nan"),
        ("shapes", {"noise": -1.0}, "options.noise: expected a number from 0, got -1.0"),
        ("path", {"length": 4}, "options: there is no option 'length'; choose from n_rows, noise, seed"),
        ("friedman1", {"n_features": 4}, "options.n_features: expected a whole number from 5, got 4"),
        ("selective_copying", {"letters": 27}, "options: letters: there are 26 letters, not 27"),
        ("selective_copying", {"remembered": 29}, "29 letters do not fit into a length of 28"),
    ],
)
def test_options_that_make_no_sense_are_refused(location: str, options: Any, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        load(card(location, **options))
    assert str(caught.value).startswith("mine.yaml: ")
    assert message in str(caught.value)


def test_the_stamp_changes_with_the_code() -> None:
    files = [Path(generated.__file__).with_name(f"{name}.py") for name in PARTS]
    source = b"".join(file.read_bytes() for file in files)
    assert hashlib.sha256(source).hexdigest() in generated.stamp(CARDS["parity"])
