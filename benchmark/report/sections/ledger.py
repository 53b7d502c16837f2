"""The store's ledger: how often somebody tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmark.report.sections.material import Material, Part, Section
from benchmark.report.tables import Table
from benchmark.report.words import counted, percent

__all__ = ["ledger", "ledger_table"]


def ledger(material: Material) -> Section:
    """Every variant of the candidates that was ever run in this store."""
    table = ledger_table(material)
    return Section("ledger", "Ledger", (Part(tables=(table,)),))


def ledger_table(material: Material) -> Table | None:
    """One row per variant and what was found of it; None without a ledger, or where it knows no candidate."""
    if material.ledger is None:
        return None
    names = {c.candidate for c in material.judgement.comparisons}
    frame = material.ledger[material.ledger["component"].isin(names)]
    if frame.empty:
        return None
    frame = frame.sort_values(["component", "first_seen", "variant"], kind="stable", ignore_index=True)
    variants = len(frame[["component", "variant"]].drop_duplicates())
    caption = (
        f"Every variant of this study's candidates that was ever run in this store: "
        f"{counted(variants, 'variant')} of {counted(frame['component'].nunique(), 'component')}. The best "
        "of many looks better than it is. "
        "This is the history of one store, which other stores do not share."
    )
    formats: dict[str, Callable[[Any], str]] = {"effect": percent, "origins": "{:.0f}".format}
    columns = ["component", "variant", "first_seen", "studies", "baseline", "setting", "origins", "effect"]
    return Table("ledger", caption, frame[[*columns, "verdict"]], formats, prose=("studies",))
