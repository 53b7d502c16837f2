"""Which sections there are, in the order of the page."""

from __future__ import annotations

from collections.abc import Callable

from benchmark.report.sections.beside import beside
from benchmark.report.sections.claims import claims
from benchmark.report.sections.controls import controls
from benchmark.report.sections.cost import cost
from benchmark.report.sections.data import data
from benchmark.report.sections.evidence import evidence
from benchmark.report.sections.factors import interaction, scale
from benchmark.report.sections.failures import failures, refused
from benchmark.report.sections.field import field
from benchmark.report.sections.floor import floor
from benchmark.report.sections.history import protocol, provenance
from benchmark.report.sections.ledger import ledger
from benchmark.report.sections.material import Material, Section
from benchmark.report.sections.references import references
from benchmark.report.sections.robustness import robustness
from benchmark.report.sections.stages import selection, stopping
from benchmark.report.sections.tuning import budget, settings
from benchmark.report.sections.verdict import verdict

__all__ = ["ORDER", "SIDE_BY_SIDE"]

ORDER: tuple[Callable[[Material], Section], ...] = (
    verdict,
    stopping,
    selection,
    scale,
    interaction,
    evidence,
    robustness,
    beside,
    field,
    data,
    settings,
    budget,
    cost,
    references,
    controls,
    floor,
    failures,
    refused,
    ledger,
    claims,
    protocol,
    provenance,
)
"""As they stand on the page."""

SIDE_BY_SIDE = (field, data, failures, refused, protocol, provenance)
"""Those that speak of methods side by side, whether or not any two are compared."""
