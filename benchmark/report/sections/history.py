"""Under which rules, on which machines, from which sources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from benchmark.report.sections.material import Material, Part, Section

__all__ = ["flat", "link", "metrics_of", "protocol", "provenance"]

_IDENTIFIERS = (
    (re.compile(r"arxiv:\s*([\w.\-]+(?:/\d+)?(?:v\d+)?)", re.IGNORECASE), "https://arxiv.org/abs/"),
    (re.compile(r"doi:\s*(10\.[\w./()\-]+)", re.IGNORECASE), "https://doi.org/"),
)


def protocol(material: Material) -> Section:
    """What was the same for every arm, and where the components come from."""
    metrics = metrics_of(material.records)
    metric = [("Metric", ", ".join(metrics))] if metrics else []
    sources = Part(title="Where the components come from", facts=list(_sources(material.sources)))
    return Section("protocol", "Protocol", (Part(facts=[*metric, *material.about.protocol]), sources))


def metrics_of(records: pd.DataFrame) -> tuple[str, ...]:
    """The metrics that records name, in alphabetical order."""
    return tuple(sorted(set(records.get("metric", pd.Series(dtype=str)).dropna()) - {""}))


def provenance(material: Material) -> Section:
    """The environments that computed the records, with their packages folded."""
    parts = []
    for number, place in enumerate(material.provenance, start=1):
        packages = place.get("packages", {})
        listed = sorted(packages.items()) if isinstance(packages, Mapping) else [("", str(packages))]
        title = f"Environment {number}" if len(material.provenance) > 1 else ""
        parts += [
            Part(title=title, facts=flat({key: value for key, value in place.items() if key != "packages"})),
            Part(facts=listed, fold=f"{len(listed)} packages"),
        ]
    return Section("provenance", "Provenance", parts)


def _sources(sources: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    """Every component with its sources, those that are an address as links."""
    for name, source in sorted(sources.items()):
        entries = [_entry(kind, str(says)) for kind, says in source.items() if says]
        if entries:
            yield name, Markup("; ").join(entries)


def _entry(kind: str, says: str) -> Markup:
    url = link(says)
    shown = Markup('<a href="{}" rel="noreferrer">{}</a>').format(url, says) if url else says
    return Markup("{}: {}").format(kind, shown)


def link(reference: str) -> str | None:
    """The address that ``reference`` names (http, https, arXiv or DOI), or None."""
    if re.fullmatch(r"https?://[^\s\"'<>]+", reference):
        return reference
    for pattern, prefix in _IDENTIFIERS:
        if found := pattern.fullmatch(reference.strip()):
            return prefix + found[1]
    return None


def flat(mapping: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """A nested mapping as (path, text) pairs in its own order."""
    rows: list[tuple[str, str]] = []
    for key, value in mapping.items():
        name = f"{prefix} {key}".strip().replace("_", " ")
        if isinstance(value, Mapping):
            rows += flat(value, name)
        elif isinstance(value, (list, tuple)):
            rows.append((name, ", ".join(str(item) for item in value)))
        elif value is not None and value != "":
            rows.append((name, {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)))
    return rows
