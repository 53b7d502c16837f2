"""The catalog as a table."""

from __future__ import annotations

import json

import pytest

from benchmark.catalog import open_catalog
from benchmark.listing import as_text, listing
from benchmark.spec import SLOTS

KINDS = ("slots", "components", "datasets", "suites", "studies", "pipelines")


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_plain_named_sorted_and_alike(kind: str) -> None:
    rows = listing(open_catalog(), kind)
    assert rows and json.loads(json.dumps(rows)) == rows
    assert all(row.keys() == rows[0].keys() for row in rows)
    keys = [(row.get("slot", ""), row["name"]) for row in rows]
    assert keys == sorted(set(keys))


def test_every_component_has_its_slot() -> None:
    catalog = open_catalog()
    rows = listing(catalog, "components")
    assert {(row["slot"], row["name"]) for row in rows} == {(s, n) for s in SLOTS for n in catalog.names(s)}
    muon = next(row for row in rows if row["name"] == "muon")
    assert "roles" in muon["needs"] and "lr" in muon["tuned"]


@pytest.mark.parametrize("kind", KINDS)
def test_text_has_one_aligned_line_per_row(kind: str) -> None:
    rows = listing(open_catalog(), kind)
    lines = as_text(rows).splitlines()
    assert len(lines) == len(rows) + 1
    second = list(rows[0])[1]
    starts = {line.index(str(row["name"])) for line, row in zip(lines[1:], rows, strict=True)}
    assert starts == {lines[0].index("name")}
    assert second in lines[0]


def test_text_of_odd_values() -> None:
    text = as_text([{"name": "a", "b": None, "c": "x" * 99}, {"name": "long name", "b": ["p", "q"], "c": ""}])
    assert "…" in text and "p, q" in text and "None" not in text
    assert as_text([]) == "(none)"
