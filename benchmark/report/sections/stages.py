"""Studies that stop early, and studies that confirm what they selected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from benchmark.judge import Comparison
from benchmark.report import figures
from benchmark.report.sections.material import Material, Part, Section, named
from benchmark.report.tables import Table, ends
from benchmark.report.words import counted, interval, number, percent

__all__ = ["looks_table", "selection", "selection_table", "stopping"]


def stopping(material: Material) -> Section:
    """The confidence sequences that verdicts were read off, where data sets came one after the other."""
    found = [c for c in material.judgement.comparisons if c.sequential is not None]
    if not found:
        return Section("stopping", "Stopping", ())
    drawing = figures.stopping([c for c in found if c.setting == material.leading[0].setting])
    part = Part(says=(_stopped(material),), drawings=(drawing,), tables=(looks_table(found),))
    return Section("stopping", "Stopping", (part,))


def _stopped(material: Material) -> str:
    """How many candidates stopped, and what the interval promises."""
    runs = [(c, c.sequential) for c in material.leading if c.sequential is not None]
    stopped = [
        f"{c.candidate} after {one.stopped_at} of {one.planned} data sets ({c.verdict})"
        for c, one in runs
        if one.stopped_at is not None
    ]
    went_on = counted(len(runs) - len(stopped), "comparison")
    said = f"Settled: {'; '.join(stopped)}." if stopped else "No comparison was settled."
    if len(stopped) < len(runs):
        said += f" {went_on} stayed open."
    return (
        f"{said} The order of the data sets was fixed in advance, and the interval holds at every look "
        "together, so looking often makes no error more likely."
    )


def looks_table(found: list[Comparison]) -> Table:
    """One row per comparison: where it was read, and the evidence by then."""
    rows = []
    for c in found:
        one = c.sequential
        assert one is not None
        row = named(c) | {"verdict": c.verdict, "stopped_at": one.stopped_at, "read_at": one.looks}
        row |= {"planned": one.planned, "effect": c.effect.mean} | ends("ci", c.effect.ci_verdict)
        rows.append(row | {"e_value": one.e_value, "e_value_t": one.e_value_t})
    formats: dict[str, Callable[[Any], str]] = {"effect": percent, "interval": interval}
    formats |= dict.fromkeys(("e_value", "e_value_t"), lambda value: number(value, 3))
    formats |= dict.fromkeys(("stopped_at", "read_at", "planned"), "{:.0f}".format)
    titles = {
        "stopped_at": "data sets after which the verdict was settled",
        "read_at": "data sets that the numbers rest on",
        "e_value": "evidence against no effect, for effects of any shape: 20 is as strong as p = .05, and "
        "may be read at any time",
        "e_value_t": "the same for normal effects",
    }
    caption = (
        "Where each comparison was read. Interval: the confidence sequence at that look, at the level of the "
        "verdict. E-values measure the evidence against an effect of zero and may be read at any look."
    )
    both = {"interval": ("ci_low", "ci_high")}
    return Table("stopping", caption, pd.DataFrame(rows), formats, pairs=both, titles=titles)


def selection(material: Material) -> Section:
    """What became of the effect that selected a candidate, on the data sets that did not."""
    found = material.judgement.selections
    if not found:
        return Section("selection", "Selection", ())
    says = [one.sentence for one in found]
    drawing = figures.selection(material.judgement)
    return Section(
        "selection", "Selection", (Part(says=says, drawings=(drawing,), tables=(selection_table(material),)),)
    )


def selection_table(material: Material) -> Table:
    """One row per baseline and setting: the effect on either half of the data sets."""
    rows = [
        {
            "baseline": one.baseline,
            "setting": one.setting,
            "selected": one.selected,
            "among": one.candidates,
            "selecting": one.selecting,
            "selecting_origins": one.n_selecting,
            "confirming": one.confirming,
            "confirming_origins": one.n_confirming,
            "change": one.confirming - one.selecting,
        }
        for one in material.judgement.selections
    ]
    caption = (
        "The mean effect on the half of the data sets that selected the candidate, which flatters it, and on "
        "the other half, which the verdict rests on."
    )
    formats = dict.fromkeys(("selecting", "confirming", "change"), percent)
    return Table("selection", caption, pd.DataFrame(rows), formats)
