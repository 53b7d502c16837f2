"""What the page and the terminal say of tuning: its noise, its search spaces, and where there was none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from benchmark.judge.search.tuning import noise_sources
from benchmark.report.basis import interval_kind, sample
from benchmark.report.sections.material import Material, Part, Section
from benchmark.report.tables import Table
from benchmark.report.words import number, p_value, share

__all__ = [
    "budget",
    "edge_table",
    "noise_table",
    "settings",
    "tuned_note",
]

_ENDS: Mapping[str, tuple[str, str]] = {"lower": ("at_lower", "low"), "upper": ("at_upper", "high")}
"""By end of a search space: the columns of its share of the settings, and of its bound."""


_TOLD = {"slot", "component", "host", "setting", "status", "replicate", "trials", "tuning"}
"""What records of tuned cells carry; a table of somebody else's does not."""


def settings(material: Material) -> Section:
    """Effects with default and with tuned settings, where the records have both."""
    from benchmark.report import figures

    first = material.leading[0]
    about = f"{sample(first)}; {interval_kind(first)}."
    drawing = figures.settings(material.judgement.comparisons, about)
    return Section("settings", "Tuned against default", (Part(drawings=(drawing,)),))


def budget(material: Material) -> Section:
    """What tuning buys, and where the search spaces are too small."""
    from benchmark.report import figures

    first, trials, drawing = material.leading[0], material.trials, None
    if trials is not None:
        curves = figures.budget_curves(trials, material.records, first.baseline, material.about.sampler)
        about = f"{sample(*material.leading)}. {material.undrawn}".strip()
        arms = [c.candidate for c in material.drawn]
        drawing = figures.budget(curves, first.baseline, about, material.about.sampler, arms)
    table = None if material.edges is None else edge_table(material.edges)
    return Section("budget", "Tuning budget", (Part(drawings=(drawing,), tables=(table,)),))


def tuned_note(setting: str, trials: int | None) -> str:
    """What to add to the name of a setting that one trial alone could not tune; else empty."""
    return " (1 trial: the default)" if setting == "tuned" and trials == 1 else ""


def noise_table(records: pd.DataFrame) -> Table | None:
    """One row per arm: the deviation between seeds and between tuning studies; None where tuned once."""
    if not set(records.columns) >= _TOLD:
        return None
    found = noise_sources(records)
    if found.empty:
        return None
    frame = found.drop(columns="slot").rename(columns={"cells": "hosts_and_splits"})
    caption = (
        "Where the noise of tuned results comes from: standard deviations of one fit's error relative to the "
        "mean of its host, task and split, between seeds with one setting and between repeated tuning "
        "studies (nested analysis of variance, a negative component shown as 0)."
    )
    return Table("noise", caption, frame, dict.fromkeys(("seeds_sd", "tuning_sd"), share))


def edge_table(edges: pd.DataFrame) -> Table | None:
    """One row per arm and argument searched in a range: where its tuned settings lie; None without any."""
    if edges.empty:
        return None
    frame = edges.assign(
        argument=[_argument(row) for row in edges.to_dict("records")],
        widen=[" and ".join(end for end in _ENDS if row[end]) or None for row in edges.to_dict("records")],
    )
    columns = ["component", "argument", "low", "high", "settings", "median", "at_lower", "at_upper"]
    caption = (
        "Where the tuned settings lie in their search spaces, one per tuning study: the median position from "
        "0 to 1 and the shares within 5 % of an end, in the logarithm where the space is logarithmic. An "
        "end is to be widened where at least 20 % lie there, and more than chance (binomial test, p < .01)."
    )
    formats: dict[str, Callable[[Any], str]] = {"low": number, "high": number, "median": "{:.2f}".format}
    formats |= dict.fromkeys(("at_lower", "at_upper"), share) | dict.fromkeys(("p_lower", "p_upper"), p_value)
    return Table("search-spaces", caption, frame[[*columns, "p_lower", "p_upper", "widen"]], formats)


def _argument(row: Mapping[str, object]) -> str:
    """The argument, with its slot only where that is not the one that the study varies."""
    return str(row["argument"]).removeprefix(f"{row['slot']}.")
