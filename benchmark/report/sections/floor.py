"""The noise floor: what the baseline shows against itself."""

from __future__ import annotations

import pandas as pd

from benchmark.judge import Judgement
from benchmark.report import figures
from benchmark.report.basis import sample
from benchmark.report.sections.material import Material, Part, Section
from benchmark.report.sections.tuning import noise_table
from benchmark.report.tables import Table
from benchmark.report.words import percent, share

__all__ = ["aa_table", "floor"]


def floor(material: Material) -> Section:
    """The A/A arms beside the candidates, and where the noise of tuned results comes from."""
    leading, aa = material.leading, material.judgement.aa
    effects = [found.effects for (_, setting), found in aa.items() if setting == leading[0].setting]
    about = f"{sample(*leading)}. {material.undrawn}".strip()
    drawing = figures.floor(pd.concat(effects, ignore_index=True), material.drawn, about)
    tables = (aa_table(material.judgement), noise_table(material.records))
    return Section("floor", "Noise floor", (Part(drawings=(drawing,), tables=tables),))


def aa_table(judgement: Judgement) -> Table | None:
    """One row per A/A arm: its mean effect and its largest on one data set; None without A/A arms."""
    rows = []
    for (baseline, setting), floor in judgement.aa.items():
        for replicate, mean in floor.means.items():
            arm = floor.effects[floor.effects["replicate"] == replicate]
            largest = arm.groupby("task")["effect"].mean().abs().max()
            row = {"baseline": baseline, "setting": setting, "replicate": replicate, "mean_effect": mean}
            rows.append(row | {"largest_on_a_task": float(largest), "floor": floor.mean})
    if not rows:
        return None
    caption = "The baseline against itself. The noise floor is the largest mean, without its sign."
    formats = {"mean_effect": percent, "largest_on_a_task": share, "floor": share}
    return Table("aa", caption, pd.DataFrame(rows), formats)
