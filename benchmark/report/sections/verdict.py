"""The verdict: what it rests on, and what to know before believing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pandas as pd

from benchmark.judge import Comparison, selection
from benchmark.report import figures
from benchmark.report.basis import interval_kind, sample
from benchmark.report.sections.failures import control_failure_sentence, failure_sentence
from benchmark.report.sections.material import NAMES, Material, Part, Section, named
from benchmark.report.tables import Table, ends
from benchmark.report.words import number, p_value, percent, share

__all__ = ["effects_table", "verdict", "verdict_table", "warnings"]


def verdict(material: Material) -> Section:
    """What to know before believing the verdicts, and all candidates of the first setting at one glance."""
    leading = material.leading
    about = f"{sample(*leading)}; {interval_kind(leading[0])}."
    tables = (verdict_table(material.judgement.comparisons), effects_table(material.judgement.comparisons))
    glance = Part(
        warnings=tuple(warnings(material)), drawings=(figures.overview(leading, about),), saved=tables
    )
    return Section("verdict", "Verdict", (glance,))


def warnings(material: Material) -> Iterator[str]:
    """What a reader has to know beside the verdicts, one sentence or two each."""
    if failed := failure_sentence(material.records):
        yield f"{failed} Their errors were imputed; see Failures."
    if failed := control_failure_sentence(material.records):
        yield f"{failed} No verdict rests on them; see Failures."
    yield from filter(None, (selection.warning(c) for c in material.judgement.comparisons))
    if all(c.noise_floor is None for c in material.judgement.comparisons):
        yield "No A/A arm was run, so the noise floor is unknown."


def verdict_table(comparisons: Sequence[Comparison]) -> Table:
    """One row per comparison: everything that the verdict rests on."""
    rows = [
        named(c)
        | {"verdict": c.verdict, "effect": c.effect.mean}
        | ends("ci", c.effect.ci_verdict)
        | {"wins": c.wins, "ties": c.ties, "losses": c.losses, "p_better": c.probability_of_improvement}
        | {"noise_floor": c.noise_floor, "detectable": c.minimal_detectable_effect, "p_holm": c.p_holm}
        for c in comparisons
    ]
    formats: dict[str, Callable[[Any], str]] = dict.fromkeys(("effect", "ci_low", "ci_high"), percent)
    formats |= dict.fromkeys(("noise_floor", "detectable"), share)
    formats |= {"p_better": lambda value: f"{value:.2f}", "p_holm": p_value}
    caption = (
        "Mean relative effect (positive: the candidate has the smaller error) with the interval of the "
        "verdict, simultaneous over candidates; wins, ties and losses after the noise floor; p of "
        "Wilcoxon's signed-rank test, Holm-corrected."
    )
    return Table("verdicts", caption, pd.DataFrame(rows), formats)


def effects_table(comparisons: Sequence[Comparison]) -> Table:
    """One row per comparison, task and host: the effects that everything is computed from."""
    columns = ["task", "origin", "host", "effect", "error_candidate", "error_baseline", "floor", "outcome"]
    parts = [c.effects[[*columns, "saturated", "imputed"]].assign(**named(c)) for c in comparisons]
    frame = pd.concat(parts, ignore_index=True)[[*NAMES, *columns, "saturated", "imputed"]]
    formats = {"effect": percent, "floor": share, "error_candidate": number, "error_baseline": number}
    return Table("effects", "Paired effects by data set and host.", frame, formats)
