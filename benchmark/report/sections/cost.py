"""What an effect costs."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.judge import Comparison
from benchmark.report import figures
from benchmark.report.basis import interval_kind, sample
from benchmark.report.sections.material import Material, Part, Section
from benchmark.report.tables import Table
from benchmark.report.words import percent, ratio

__all__ = ["cost", "costs"]


def cost(material: Material) -> Section:
    """Effect and cost of every candidate, where the records carry times."""
    leading = material.leading
    drawing = figures.cost(leading, f"{sample(*leading)}; {interval_kind(leading[0])}.")
    return Section(
        "cost", "Cost", (Part(drawings=(drawing,), tables=(costs(material.judgement.comparisons),)),)
    )


def costs(comparisons: Sequence[Comparison]) -> Table | None:
    """Cost ratios beside the effects, or None where no cost is known."""
    frame = figures.cost_table(comparisons).drop(columns=["low", "high"])
    if frame[["fit_seconds_ratio", "memory_ratio"]].isna().all(axis=None):
        return None
    caption = "Fit seconds and peak memory relative to the baseline's: geometric means over tasks and hosts."
    formats = {"fit_seconds_ratio": ratio, "memory_ratio": ratio, "effect": percent}
    return Table("cost", caption, frame, formats)
