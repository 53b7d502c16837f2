"""Where the arms stand beside strong references."""

from __future__ import annotations

from benchmark.judge import Judgement
from benchmark.report.basis import sample
from benchmark.report.sections.material import Material, Part, Section
from benchmark.report.tables import Table
from benchmark.report.words import percent

__all__ = ["reference_table", "references"]


def references(material: Material) -> Section:
    """Every arm beside the references, where any was run."""
    from benchmark.report import figures

    first = material.leading[0]
    effects = figures.reference_effects(material.judgement.references, first.baseline)
    about = f"{sample(first)}. {material.undrawn}".strip()
    drawing = figures.references(effects, first.baseline, about, [c.candidate for c in material.drawn])
    parts = (Part(drawings=(drawing,), tables=(reference_table(material.judgement),)),)
    return Section("references", "References", parts)


def reference_table(judgement: Judgement) -> Table | None:
    """One row per arm: mean effect against the first baseline and data sets won; None without references."""
    table = judgement.references
    if not (table["role"] == "reference").any():
        return None
    from benchmark.report import figures

    baseline = judgement.comparisons[0].baseline
    effects = figures.reference_effects(table, baseline)
    effects["better"] = effects["effect"] > 0
    groups = effects.groupby(["role", "arm"], sort=False)
    columns = {"effect": ("effect", "mean"), "lowest": ("effect", "min"), "highest": ("effect", "max")}
    frame = groups.agg(
        **columns, better_on=("better", "sum"), tasks=("effect", "count"), failures=("failures", "sum")
    )
    frame = frame.reset_index()[["arm", "role", *columns, "better_on", "tasks", "failures"]]
    caption = (
        f"Mean error of each arm relative to {baseline} over data sets, with the lowest and the highest."
    )
    return Table("references", caption, frame, dict.fromkeys(columns, percent))
