"""The catalog as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.catalog import Catalog
from benchmark.spec import FAMILIES, SLOTS

__all__ = ["as_text", "listing"]


def listing(catalog: Catalog, kind: str) -> list[dict[str, Any]]:
    """One row per entry of a kind: slots, components, datasets, suites, studies or pipelines."""
    rows = {
        "slots": _slots,
        "components": _components,
        "datasets": _datasets,
        "suites": _suites,
        "studies": _studies,
        "pipelines": _pipelines,
    }[kind](catalog)
    return sorted(rows, key=lambda row: (str(row.get("slot", "")), row["name"]))


def as_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as aligned columns, each as wide as its widest value, the last one as it comes."""
    if not rows:
        return "(none)"
    table = [[*rows[0]], *([_short(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    )


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value if value is not None else "")
    return text if len(text) <= 60 else text[:57] + "…"


def _slots(catalog: Catalog) -> list[dict[str, Any]]:
    return [
        {
            "name": slot,
            "families": [family for family, slots in FAMILIES.items() if slot in slots],
            "components": catalog.names(slot),
        }
        for slot in SLOTS
    ]


def _components(catalog: Catalog) -> list[dict[str, Any]]:
    rows = []
    for slot in SLOTS:
        for name in catalog.names(slot):
            document = catalog.document(slot, name)
            source = document.get("source") or {}
            rows.append(
                {
                    "slot": slot,
                    "name": name,
                    "needs": document.get("needs") or [],
                    "tuned": list(document.get("space") or {}),
                    "code": source.get("code", ""),
                    "paper": source.get("paper", ""),
                }
            )
    return rows


def _datasets(catalog: Catalog) -> list[dict[str, Any]]:
    cards = [catalog.dataset(name) for name in catalog.names("dataset")]
    return [
        {
            "name": card.name,
            "task_type": card.task_type,
            "modality": card.modality,
            "origin": card.origin,
            "source": f"{card.source}:{card.location}",
            "licence": card.about.get("licence", ""),
        }
        for card in cards
    ]


def _suites(catalog: Catalog) -> list[dict[str, Any]]:
    suites = [catalog.suite(name) for name in catalog.names("suite")]
    return [
        {
            "name": suite.name,
            "openml": suite.openml,
            "n_tasks": len(suite.tasks) or None,
            "tasks": list(suite.tasks),
            "description": suite.about.get("description", ""),
        }
        for suite in suites
    ]


def _studies(catalog: Catalog) -> list[dict[str, Any]]:
    rows = []
    for name in catalog.names("study"):
        document = catalog.document("study", name)
        slots = document.get("slot")
        rest = {key: document.get(key) for key in ("question", "candidates", "baselines", "hosts")}
        slot = "+".join(map(str, slots)) if isinstance(slots, list) else slots
        rows.append({"name": name, "slot": slot, **rest})
    return rows


def _pipelines(catalog: Catalog) -> list[dict[str, Any]]:
    documents = {name: catalog.document("pipeline", name) for name in catalog.names("pipeline")}
    return [
        {
            "name": name,
            "family": document.get("family"),
            "parts": [str(part) for part in (document.get("slots") or {}).values()],
        }
        for name, document in documents.items()
    ]
