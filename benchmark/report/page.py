"""The page: one self-contained HTML file, verdict first, then the evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import groupby
from typing import Any, NamedTuple

import jinja2
import pandas as pd
from markupsafe import Markup

from benchmark.judge import Comparison, Judgement
from benchmark.report.factors import factor_sentences
from benchmark.report.facts import (
    beaten_by,
    failure_sentence,
    flat,
    protocol_facts,
    tracebacks,
    worse_when_tuned,
)
from benchmark.report.figures import Drawing, inline
from benchmark.report.tables import Table, text
from benchmark.report.tuning import edge_sentences, tuned_note
from benchmark.report.words import VERDICTS, counted, interval, p_value, percent, share
from benchmark.spec import Study

__all__ = ["Contents", "Shown", "link", "render"]

SECTIONS = (
    ("verdict", "Verdict"),
    ("scale", "Scale"),
    ("interaction", "Interaction"),
    ("evidence", "Evidence"),
    ("data", "Data"),
    ("settings", "Tuned against default"),
    ("budget", "Tuning budget"),
    ("cost", "Cost"),
    ("references", "References"),
    ("floor", "Noise floor"),
    ("robustness", "Robustness"),
    ("failures", "Failures"),
    ("refused", "Not run"),
    ("protocol", "Protocol"),
    ("provenance", "Provenance"),
    ("files", "Files"),
)

_OPTIONAL = ("scale", "interaction")
"""Sections of studies that vary a size, or two slots at once."""

_IDENTIFIERS = (
    (re.compile(r"arxiv:\s*([\w.\-]+(?:/\d+)?(?:v\d+)?)", re.IGNORECASE), "https://arxiv.org/abs/"),
    (re.compile(r"doi:\s*(10\.[\w./()\-]+)", re.IGNORECASE), "https://doi.org/"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """Everything that the page shows."""

    study: Study
    metrics: tuple[str, ...]
    records: pd.DataFrame
    judgement: Judgement
    edges: pd.DataFrame
    provenance: Sequence[Mapping[str, Any]]
    sources: Mapping[str, Mapping[str, str]]
    drawings: Mapping[str, Drawing | None]
    """By place: overview, scale_rows, scale_width, interaction, settings, budget, cost, references, floor."""
    evidence: Sequence[tuple[Comparison, Sequence[Drawing]]]
    svgs: Mapping[str, str]
    """SVG text by the drawing's name."""
    tables: Mapping[str, Table | None]


class Shown(NamedTuple):
    """A table as the template walks over it."""

    columns: list[str]
    rows: list[tuple[str, ...]]
    right: list[bool]
    prose: list[bool]


def link(reference: str) -> str | None:
    """The address that ``reference`` names (http, https, arXiv or DOI), or None."""
    if re.fullmatch(r"https?://[^\s\"'<>]+", reference):
        return reference
    for pattern, prefix in _IDENTIFIERS:
        if found := pattern.fullmatch(reference.strip()):
            return prefix + found[1]
    return None


def render(contents: Contents) -> str:
    """The page as HTML text; every string of the study is escaped."""
    package = files("benchmark.report")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(package.joinpath("page.html.jinja").read_text(encoding="utf-8"))
    judgement, study = contents.judgement, contents.study
    factors = factor_sentences(judgement)

    def svg(drawing: Drawing) -> Markup:
        return Markup(inline(contents.svgs[drawing.name], drawing.name, drawing.alt))

    return template.render(
        absent=lambda says: Markup('<p class="soft">{}</p>').format(says),
        beaten=beaten_by(judgement),
        cells=_shown,
        css=Markup(package.joinpath("page.css").read_text(encoding="utf-8")),
        drawings=contents.drawings,
        evidence=[
            {"title": f"{c.candidate} against {c.baseline}", "drawings": d} for c, d in contents.evidence
        ],
        factors=factors,
        families=list(_families(judgement, study.protocol.tuning.trials)),
        figure_names=list(contents.svgs),
        looks=VERDICTS,
        population=_population(judgement),
        protocol=[("Metric", ", ".join(contents.metrics)), *protocol_facts(study, judgement)],
        provenance=[_place(environment) for environment in contents.provenance],
        reading=_reading(judgement),
        scope=_scope(contents),
        sections=[one for one in SECTIONS if one[0] not in _OPTIONAL or factors[one[0]]],
        sources=list(_sources(contents.sources)),
        study=study,
        svg=svg,
        tables=contents.tables,
        tracebacks=tracebacks(contents.records),
        warnings=list(_warnings(contents)),
    )


def _shown(table: Table) -> Shown:
    frame = table.frame
    if "candidate" in frame.columns and frame["baseline"].nunique() == 1:
        frame = frame.drop(columns="baseline")  # the headings name it
    right = [str(c) in table.formats or pd.api.types.is_numeric_dtype(frame[c]) for c in frame.columns]
    prose = [str(column) in table.prose for column in frame.columns]
    frame = text(replace(table, frame=frame))
    return Shown(list(frame.columns), list(frame.itertuples(index=False, name=None)), right, prose)


def _families(judgement: Judgement, trials: int) -> Iterator[dict[str, Any]]:
    for (setting, baseline), family in groupby(judgement.comparisons, key=lambda c: (c.setting, c.baseline)):
        words = {"tuned": "Tuned", "default": "Default settings"}
        yield {
            "title": f"{words.get(setting, setting)}{tuned_note(setting, trials)}, against {baseline}",
            "level": f"{100 * judgement.level:g} %",
            "rows": [_row(c) for c in family],
        }


def _row(c: Comparison) -> dict[str, str]:
    return {
        "candidate": c.candidate,
        "verdict": c.verdict,
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
    said = dict.fromkeys(f"{c.population} ({c.host_effects} hosts)" for c in judgement.comparisons)
    return f"The verdicts speak of {'; '.join(said)}."


def _reading(judgement: Judgement) -> str:
    return (
        "The effect of one data set and host is the difference of the two mean errors divided by the "
        "larger one: +10 % means that the candidate makes a tenth less error. Means give every independent "
        "data set and host the same weight; splits and seeds are averaged first and never counted as n. "
        f"Intervals are simultaneous over the candidates; effects below {100 * judgement.rope:g} % count as "
        "none."
    )


def _scope(contents: Contents) -> str:
    every = [c.n for c in contents.judgement.comparisons]
    n = {name: max(counts[name] for counts in every) for name in every[0]}  # a candidate may lack a host
    return (
        f"{counted(n['tasks'], 'task')} of {counted(n['origins'], 'independent data set')}, "
        f"{counted(n['hosts'], 'host')}, {counted(n['splits'], 'split')} and {counted(n['seeds'], 'seed')} "
        f"each; {counted(len(contents.records), 'record')}; metric {', '.join(contents.metrics)}."
    )


def _warnings(contents: Contents) -> Iterator[str]:
    yield from beaten_by(contents.judgement)
    yield from worse_when_tuned(contents.judgement)
    yield from edge_sentences(contents.edges)
    if failed := failure_sentence(contents.records):
        yield f"{failed} Their errors were imputed; see Failures."
    if all(c.noise_floor is None for c in contents.judgement.comparisons):
        yield "No A/A arm was run, so the noise floor is unknown."


def _place(environment: Mapping[str, Any]) -> dict[str, Any]:
    packages = environment.get("packages", {})
    rest = {key: value for key, value in environment.items() if key != "packages"}
    listed = sorted(packages.items()) if isinstance(packages, Mapping) else [("", str(packages))]
    return {"facts": flat(rest), "packages": listed}


def _sources(sources: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, list[dict[str, str | None]]]]:
    for name, source in sorted(sources.items()):
        entries = [
            {"kind": kind, "text": str(says), "url": link(str(says))} for kind, says in source.items() if says
        ]
        if entries:
            yield name, entries
