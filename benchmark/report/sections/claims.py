"""What the study claims, each claim with the name that machines know it by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from benchmark.report.claims import Claim, claims_of
from benchmark.report.sections.material import Material, Part, Section
from benchmark.report.tables import Table
from benchmark.report.words import number, seconds, slugs

__all__ = ["claims"]

_MOST = 30
"""Level claims that are shown."""
_COLUMNS = ["component", "role", "host", "task", "setting", "metric", "value", "tolerance", "tolerance_from"]
_COLUMNS += ["spread", "error", "failures", "seconds"]
_FORMATS: dict[str, Callable[[Any], str]] = {
    **dict.fromkeys(("value", "spread", "error"), number),
    "tolerance": lambda value: number(value, 2),
    "seconds": seconds,
}


def claims(material: Material) -> Section:
    """Comparison claims as sentences with their ids, level claims of the leading setting as a table."""
    m = material
    found = claims_of(m.about, m.judgement, m.records, m.tasks, m.provenance)
    compared = [claim for claim in found if claim.kind == "comparison"]
    anchors = slugs(claim.id for claim in compared)
    facts = [
        (
            Markup('<a id="claim-{0}" href="#claim-{0}">{1}</a>').format(anchors[claim.id], claim.id),
            claim.sentence,
        )
        for claim in compared
    ]
    levels = [claim for claim in found if claim.kind == "level"]
    where = Markup('<a href="claims.json">claims.json</a> has every claim with the records it rests on.')
    parts = [Part(says=(where,)), Part(title="Comparisons", facts=facts), *_levels(levels, m)]
    return Section("claims", "Claims", parts)


def _levels(levels: list[Claim], material: Material) -> list[Part]:
    if not levels:
        return []
    rows = [_row(claim.fields) for claim in levels]
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    whole = frame.assign(id=[claim.id for claim in levels], sentence=[claim.sentence for claim in levels])
    setting = material.leading[0].setting
    leading = frame[(frame["setting"] == setting) & (frame["role"] != "reference")]
    shown = leading.drop(columns=["setting", "spread"]).head(_MOST)
    caption = (
        f"{len(shown)} of {len(levels)} claims about one arm, {setting}: mean score over splits and seeds. "
        "Another run with other seeds lies within the tolerance in about 19 of 20 cases, as far as the arm "
        "is no noisier than the A/A arms (aa) or seeds that it is estimated from. All: tables/claims.csv."
    )
    table = Table("claims-shown", caption, shown.reset_index(drop=True), _FORMATS)
    saved = Table("claims", "Level claims.", whole, _FORMATS, prose=("sentence",))
    told = [levels[number].sentence for number in shown.index[shown["role"] == "candidate"]]
    return [Part(title="Levels", says=told[:1], tables=(table,), saved=(saved,))]


def _row(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {**fields, "seconds": fields["volatile"]["seconds"]}
