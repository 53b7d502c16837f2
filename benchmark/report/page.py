"""The page: one self-contained HTML file, verdict first, then the evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from itertools import groupby
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from benchmark.findings import flat
from benchmark.judge import Comparison, Judgement
from benchmark.judge.pairing import UNSTATED
from benchmark.report import noticed
from benchmark.report.figures import Drawing, inline
from benchmark.report.sections import Material, Section
from benchmark.report.sections.failures import failed
from benchmark.report.sections.history import metrics_of
from benchmark.report.sections.tuning import tuned_note
from benchmark.report.tables import Column, Table, columns
from benchmark.report.words import VERDICTS, counted, interval, p_value, percent, share, verdict_of

__all__ = ["render"]


def render(material: Material, sections: Sequence[Section], svgs: Mapping[str, str]) -> str:
    """The page as HTML text; every string of the study is escaped.

    ``sections`` come in the order of the page, the verdict first; ``svgs`` has SVG text by a drawing's name.
    """
    package = files("benchmark.report")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(package.joinpath("page.html.jinja").read_text(encoding="utf-8"))
    judgement = material.judgement

    def svg(drawing: Drawing) -> Markup:
        return Markup(inline(svgs[drawing.name], drawing.name, drawing.alt))

    return template.render(
        about=material.about,
        alarms=noticed.alarms(judgement),
        beside=noticed.beside(judgement.findings, ()),
        cells=_shown,
        css=Markup(package.joinpath("page.css").read_text(encoding="utf-8")),
        families=list(_families(material)),
        flat=flat,
        lead=_lead(material),
        drawings=[drawing for section in sections for drawing in section.drawings()],
        has_trials=material.trials is not None,
        looks=VERDICTS,
        population=_population(judgement),
        reading=_reading(judgement),
        scope=_scope(material),
        sections=sections,
        svg=svg,
        tables=[table for section in sections for table in section.tables()],
    )


def _shown(table: Table) -> list[Column]:
    """The columns of a table, without those that would say the same in every row of every table."""
    frame = table.frame
    if "candidate" in frame.columns and "baseline" in frame.columns and frame["baseline"].nunique() == 1:
        frame = frame.drop(columns="baseline")  # the headings name it
    if "setting" in frame.columns and set(frame["setting"]) == {UNSTATED}:
        frame = frame.drop(columns="setting")
    return columns(replace(table, frame=frame))


def _families(material: Material) -> Iterator[dict[str, Any]]:
    judgement, trials = material.judgement, material.about.tuned
    alone = len(judgement.comparisons) == 1
    lead = judgement.primary if material.about.primary or alone else None
    for (setting, baseline), family in groupby(judgement.comparisons, key=lambda c: (c.setting, c.baseline)):
        compared = list(family)
        words = {"tuned": "Tuned", "default": "Default settings", UNSTATED: "All results"}
        yield {
            "title": f"{words.get(setting, setting)}{tuned_note(setting, trials)}, against {baseline}",
            "level": f"{100 * judgement.level:g} %",
            "rows": [_row(c) | {"leads": c is lead, "primary": c is lead and not alone} for c in compared],
            "beside": noticed.beside((), compared),
        }


def _lead(material: Material) -> dict[str, Any] | None:
    """The one comparison that the page begins with: the primary one, or the only one."""
    judgement = material.judgement
    alone = len(judgement.comparisons) == 1
    c = judgement.primary if material.about.primary else judgement.comparisons[0] if alone else None
    if c is None:
        return None
    setting = "" if c.setting == UNSTATED else f", {c.setting}"
    return _row(c) | {"title": "" if alone else f"{c.candidate} against {c.baseline}{setting}"}


def _row(c: Comparison) -> dict[str, Any]:
    return {
        "candidate": c.candidate,
        "verdict": c.verdict,
        "withheld": verdict_of(c) != c.verdict,
        "mean": percent(c.effect.mean),
        "interval": interval(c.effect.ci_verdict),
        "outcomes": f"{c.wins} / {c.ties} / {c.losses}",
        "improvement": f"{c.probability_of_improvement:.2f}",
        "floor": share(c.noise_floor),
        "detectable": share(c.minimal_detectable_effect),
        "p_holm": p_value(c.p_holm),
        "sentence": c.sentence,
        "flags": ", ".join(flag.replace("_", " ") for flag in (*c.flags, *c.volatile.get("flags", ()))),
    }


def _population(judgement: Judgement) -> str:
    said = dict.fromkeys(c.population for c in judgement.comparisons)
    return f"The verdicts speak of {'; '.join(said)}."


def _reading(judgement: Judgement) -> str:
    several = any(c.family > 1 for c in judgement.comparisons)
    together = "Intervals are simultaneous over the candidates. " if several else ""
    return (
        "The effect of one data set and host is the difference of the two mean errors divided by the "
        "larger one: +10 % means that the candidate makes a tenth less error. Means give every independent "
        "data set and host the same weight; splits and seeds are averaged first and never counted as n. "
        f"{together}Effects below {100 * judgement.rope:g} % count as none."
    )


def _scope(material: Material) -> str:
    if material.judgement.selections:
        return _halves(material)
    every = [c.n for c in material.judgement.comparisons]
    n = {name: max(counts[name] for counts in every) for name in every[0]} if every else _board_n(material)
    hosts = [counted(n["hosts"], "host")] if _hosts_named(material) else []
    splits = [f"{counted(n['splits'], 'split')} and {counted(n['seeds'], 'seed')} each"] if every else []
    said = [
        f"{counted(n['tasks'], 'task')} of {counted(n['origins'], 'independent data set')}",
        *hosts,
        *splits,
    ]
    return f"{', '.join(said)}; {_what_ran(material)}."


def _halves(material: Material) -> str:
    one = material.judgement.selections[0]
    selecting = counted(one.n_selecting, "independent data set")
    return f"{selecting} to select on, {one.n_confirming} others to confirm on; {_what_ran(material)}."


def _what_ran(material: Material) -> str:
    metrics, failures = metrics_of(material.records), len(failed(material.records))
    fate = f"{failures} of them" if failures else "none"
    metric = f"; metric {', '.join(metrics)}" if metrics else ""
    return f"{counted(len(material.records), 'record')}, {fate} failed{metric}"


def _board_n(material: Material) -> dict[str, int]:
    assert material.judgement.board is not None, "a judgement without comparisons has a board"
    return material.judgement.board.n


def _hosts_named(material: Material) -> bool:
    return bool((material.records.get("host", pd.Series(dtype=str)).fillna("") != "").any())
