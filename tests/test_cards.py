"""The cards of OpenML's tasks and the suites: what they state, and which documents they rest on."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from benchmark.catalog import open_catalog
from benchmark.spec import TASK_TYPES

CATALOG = open_catalog()
CARDS = {name: CATALOG.dataset(name) for name in CATALOG.names("dataset")}
OPENML = {name: card for name, card in CARDS.items() if name.startswith("openml/")}
SUITES = {name: CATALOG.suite(name) for name in CATALOG.names("suite")}
NUMBERS = {
    "amlb_classification": 271,
    "amlb_regression": 269,
    "cc18": 99,
    "grinsztajn_classification_categorical": 334,
    "grinsztajn_classification_numerical": 337,
    "grinsztajn_regression_categorical": 335,
    "grinsztajn_regression_numerical": 336,
}
LISTS = {
    "amlb_large": "amlb-large",
    "amlb_medium": "amlb-medium",
    "amlb_small": "amlb-small",
    "amlb_test": "amlb-test",
    "amlb_validation": "amlb-validation",
    "tabarena_v0_1": "tabarena-v0.1",
    "tabzilla_hard": "tabzilla-hard",
}
"""Names of suites here and in the table of ids."""
TWINS = {
    "adult": ("7592", "3896", "211985"),
    "amazon_employee_access": ("34539", "363613"),
    "anneal": ("2", "363614"),
    "apsfailure": ("168868", "363616"),
    "bank_marketing": ("14965", "363618"),
    "bioresponse": ("9910", "363620"),
    "blood_transfusion_service_center": ("10101", "363621"),
    "colic": ("25", "27"),
    "credit_approval": ("29", "146818"),
    "credit_g": ("31", "363626"),
    "diabetes130us": ("168877", "363630"),
    "diabetes_pima": ("37", "363629"),
    "heart_cleveland": ("48", "52", "2295", "test/643", "test/644"),
    "kddcup09": ("3945", "363683"),
    "mfeat": ("12", "14", "22"),
    "qsar_biodeg": ("9957", "363696"),
    "segment": ("36", "146822"),
    "splice": ("45", "363702"),
}
BUNDLED_TWINS = {"digits": "28", "iris": "59"}
STRANGERS = [
    ("breast_cancer", "openml/t/13"),
    ("diabetes", "openml/t/37"),
    ("wine", "openml/t/363708"),
    ("openml/t/363619", "openml/t/363623"),
    ("openml/t/363694", "openml/t/363706"),
    ("openml/t/3917", "openml/t/3913"),
    ("openml/t/3917", "openml/t/363712"),
    ("openml/t/48", "openml/t/50"),
    ("openml/t/28", "openml/t/12"),
]
"""Alike in name or kind, but other data."""


def named(task: str) -> str:
    """The name of the card of a task; ``test/613`` is one of the test server."""
    server, _, number = task.rpartition("/")
    return "/".join(["openml", *([server] if server else []), "t", number])


def test_every_card_and_suite_is_where_its_header_says() -> None:
    for kind, group in (("dataset", "datasets"), ("suite", "datasets.suite")):
        for name in CATALOG.names(kind):
            first = CATALOG.path(kind, name).read_text(encoding="utf-8").splitlines()[0]
            assert first == f"# @package {group}.{name.replace('/', '.')}"


@pytest.mark.parametrize("name", OPENML)
def test_a_card_names_its_task_its_data_and_the_document_that_states_it(name: str) -> None:
    card = OPENML[name]
    assert card.source == "openml" and name == named(card.location)
    server, _, number = card.location.rpartition("/")
    assert card.about["url"] == f"https://{server or 'www'}.openml.org/t/{number}"
    assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", card.origin)
    assert card.task_type is None or card.task_type in TASK_TYPES
    assert card.target == "", "the task says it"
    assert re.match(r"[\w.-]+/[\w.-]+@[0-9a-f]{12}: ?\S+", card.about["evidence"])
    assert card.about["description"]


def test_a_suite_has_tasks_with_cards_or_the_number_of_one() -> None:
    assert {name: suite.openml for name, suite in SUITES.items() if suite.openml is not None} == NUMBERS
    for suite in SUITES.values():
        assert set(suite.tasks) <= set(CARDS) and len(set(suite.tasks)) == len(suite.tasks)
    for name in (*NUMBERS, *LISTS):
        assert set(SUITES[name].about) == {"description", "evidence", "url"}


@pytest.mark.parametrize("origin", TWINS)
def test_tasks_of_the_same_data_share_their_origin(origin: str) -> None:
    assert {CARDS[named(task)].origin for task in TWINS[origin]} == {origin}


@pytest.mark.parametrize("card", BUNDLED_TWINS)
def test_a_task_of_bundled_data_shares_its_origin(card: str) -> None:
    assert CARDS[card].origin == CARDS[named(BUNDLED_TWINS[card])].origin


@pytest.mark.parametrize(("one", "other"), STRANGERS)
def test_tasks_that_are_only_alike_have_two_origins(one: str, other: str) -> None:
    assert CARDS[one].origin != CARDS[other].origin


def test_both_tasks_of_a_data_set_of_the_test_server_share_its_origin() -> None:
    origins = [card.origin for name, card in OPENML.items() if name.startswith("openml/test/")]
    assert len(origins) == 14 and all(origins.count(origin) == 2 for origin in origins)


@pytest.fixture(scope="module")
def stated(shared: Path) -> list[dict[str, str]]:
    """The rows of the table of ids; task 0 is the placeholder of a format, not a task."""
    with (shared / "data" / "openml_ids.csv").open(encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["openml_task_id"] != "0"]


@pytest.fixture(scope="module")
def cache(shared: Path) -> Path:
    """The folder of OpenML's files."""
    return shared / "openml_cache" / "org" / "openml"


@pytest.mark.shared_data
def test_there_is_a_card_for_every_task_that_a_document_states_and_for_no_other(
    stated: list[dict[str, str]], cache: Path
) -> None:
    listed = {named(row["openml_task_id"]) for row in stated}
    www = {named(folder.name) for folder in (cache / "www" / "tasks").iterdir()}
    test = {named(f"test/{folder.name}") for folder in (cache / "test" / "tasks").iterdir()}
    assert set(OPENML) == listed | www | test
    assert (len(listed), len(www), len(test)) == (121, 28, 14)


@pytest.mark.shared_data
def test_cards_and_suites_agree_with_the_documents(stated: list[dict[str, str]]) -> None:
    for row in stated:
        card = CARDS[named(row["openml_task_id"])]
        assert row["source"] in card.about["evidence"]
        assert row["name"].lower() in card.about["description"].lower()
        assert not row["problem_type"] or card.task_type == row["problem_type"]
    for name, there in LISTS.items():
        tasks = [named(row["openml_task_id"]) for row in stated if row["suite"] == there]
        assert list(SUITES[name].tasks) == tasks != []


@pytest.mark.shared_data
@pytest.mark.parametrize("server", ["www", "test"])
def test_the_task_type_and_size_of_a_card_are_those_of_the_files(cache: Path, server: str) -> None:
    for folder in (cache / server / "tasks").iterdir():
        card = CARDS[named(folder.name if server == "www" else f"test/{folder.name}")]
        kind, data, target = task_of(folder)
        rows = table(cache / server / "datasets" / data)
        column = next(name for name in rows if name.lower() == target.lower())
        n_classes = rows[column].nunique()
        expected = "binary" if n_classes == 2 else "multiclass"
        assert card.task_type == ("regression" if kind == "Supervised Regression" else expected)
        size = f"{len(rows):,} rows, {rows.shape[1] - 1} columns"
        assert size in (text := card.about["description"]), card.name
        assert kind == "Supervised Regression" or f"{n_classes} classes" in text, card.name


@pytest.mark.shared_data
def test_twins_have_the_rows_in_common_that_the_cards_say(cache: Path) -> None:
    www, test = cache / "www" / "datasets", cache / "test" / "datasets"
    digits = set(map(tuple, table(www / "28").iloc[:, :64].astype(int).to_numpy().tolist()))
    assert all(tuple(row) in digits for row in load_digits().data.astype(int).tolist())
    columns = [0, 3, 4, 7, 9]  # age, pressure, cholesterol, heart rate, oldpeak
    hearts = {
        name: [
            tuple(row)
            for row in table(folder).iloc[:, columns].apply(pd.to_numeric, errors="coerce").to_numpy()
        ]
        for name, folder in {
            "c": www / "49",
            "statlog": www / "53",
            "h": www / "51",
            "cleveland": test / "108",
        }.items()
    }
    shared = {
        name: (sum(row in set(hearts["c"]) for row in rows), len(rows)) for name, rows in hearts.items()
    }
    assert shared == {"c": (303, 303), "statlog": (269, 270), "h": (0, 294), "cleveland": (302, 303)}


def task_of(folder: Path) -> tuple[str, str, str]:
    """Type, number of the data and target, as the task's XML has them."""
    root = ElementTree.parse(folder / "task.xml").getroot()
    found = [root.findtext(f".//{{*}}{key}") for key in ("task_type", "data_set_id", "target_feature")]
    kind, data, target = (text or "" for text in found)
    return kind, data, target


def table(folder: Path) -> pd.DataFrame:
    """The rows of an OpenML data set, as text; a missing cell is NaN."""
    if (parquet := next(folder.glob("*.pq"), None)) is not None:
        return pd.read_parquet(parquet)
    head, body = re.split(
        r"(?mi)^@data\s*$", (folder / "dataset.arff").read_text(errors="replace"), maxsplit=1
    )
    names = re.findall(r"(?mi)^@attribute\s+('[^']+'|\"[^\"]+\"|\S+)", head)
    lines = [line for line in body.splitlines() if line.strip() and not line.startswith("%")]
    cells = list(csv.reader(lines, quotechar="'", skipinitialspace=True))
    frame = pd.DataFrame(
        [[cell.strip() for cell in row] for row in cells], columns=[n.strip("'\"") for n in names]
    )
    return frame.replace("?", np.nan)
