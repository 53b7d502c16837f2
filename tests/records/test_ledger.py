"""The ledger: every variant ever run in a store, and what was found of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmark.records.ledger import LEDGER_COLUMNS, Judged
from benchmark.records.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open, empty store."""
    with open_store(tmp_path / "results", write=True) as opened:
        yield opened


def judged(digest: str, study: str = "one", **fields: object) -> Judged:
    known = {"baseline": "adamw", "setting": "tuned", "origins": 9, "effect": 0.02, "verdict": "BETTER"}
    return Judged("optimizer", "radam", digest, study, **{**known, **fields})  # type: ignore[arg-type]


def test_an_empty_ledger_has_its_columns(store: Store) -> None:
    assert list(store.ledger().columns) == list(LEDGER_COLUMNS) and store.ledger().empty


def test_a_variant_is_there_before_it_is_judged_and_after(store: Store) -> None:
    store.note_variants("one", [("optimizer", "radam", "a" * 64)])
    (before,) = store.ledger("optimizer").to_dict("records")
    assert (before["variant"], before["studies"], before["verdict"]) == ("a" * 8, "one", None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", before["first_seen"])
    store.note_judged([judged("a" * 64)])
    (after,) = store.ledger("optimizer").to_dict("records")
    assert (after["origins"], after["effect"], after["verdict"]) == (9, 0.02, "BETTER")
    assert after["first_seen"] == before["first_seen"]


def test_the_same_finding_of_two_studies_is_one_row_and_another_a_second(store: Store) -> None:
    store.note_variants("one", [("optimizer", "radam", "a" * 64)])
    store.note_variants("two", [("optimizer", "radam", "a" * 64)])
    store.note_judged([judged("a" * 64), judged("a" * 64, "two")])
    (row,) = store.ledger().to_dict("records")
    assert row["studies"] == "one, two"
    store.note_judged([judged("a" * 64, "two", effect=-0.1, verdict="WORSE")])
    assert store.ledger()["verdict"].tolist() == ["WORSE", "BETTER"]


def test_judging_again_replaces_what_the_study_found_of_that_variant_alone(store: Store) -> None:
    store.note_variants("one", [("optimizer", "radam", digest * 64) for digest in "ab"])
    store.note_judged([judged("a" * 64), judged("b" * 64, verdict="HELPS")])
    store.note_judged([judged("a" * 64, verdict="WORSE")])
    found = store.ledger().set_index("variant")["verdict"]
    assert found.to_dict() == {"a" * 8: "WORSE", "b" * 8: "HELPS"}
    assert store.variants_tried("optimizer") == {"radam": 2}


def test_one_slot_or_all(store: Store) -> None:
    store.note_variants(
        "one", [("optimizer", "radam", "1"), ("loss", "focal", "2"), ("optimizer", "lion", "3")]
    )
    assert store.ledger("optimizer")["component"].tolist() == ["lion", "radam"]
    assert len(store.ledger()) == 3 and store.ledger("schedule").empty
