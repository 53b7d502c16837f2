"""The paired effects themselves: data set by data set, host by host."""

from __future__ import annotations

from benchmark.report import figures
from benchmark.report.sections.material import Material, Part, Section
from benchmark.report.words import slugs

__all__ = ["evidence"]


def evidence(material: Material) -> Section:
    """A forest plot, and with several hosts a heat map, for the comparisons of the first setting."""
    several = len({c.baseline for c in material.leading}) > 1
    pairs = [f"{c.candidate} vs {c.baseline}" if several else c.candidate for c in material.drawn]
    stems = slugs(pairs)
    rest = f"{material.undrawn} Every effect stands in tables/effects.csv." if material.undrawn else ""
    parts = [Part(says=[rest] if rest else ())]
    for c, pair in zip(material.drawn, pairs, strict=True):
        drawings = [figures.forest(c, f"forest-{stems[pair]}")]
        if len(c.hosts) > 1:
            drawings.append(figures.heatmap(c, f"heatmap-{stems[pair]}"))
        parts.append(Part(title=f"{c.candidate} against {c.baseline}", drawings=drawings))
    return Section("evidence", "Evidence", parts)
