"""The sections of the page, a module for each or for a few that belong together."""

from __future__ import annotations

from benchmark.report.sections.material import Material, Section

__all__ = ["Material", "Section", "every"]


def every(material: Material) -> list[Section]:
    """All sections that have something to show; figures are drawn in the style in force."""
    from benchmark.report.sections.order import ORDER, SIDE_BY_SIDE

    order = ORDER if material.judgement.comparisons else SIDE_BY_SIDE
    return [section for section in (build(material) for build in order) if section]
