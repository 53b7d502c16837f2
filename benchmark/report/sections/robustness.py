"""How far the mean moves when something is left out, and what each host says alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from benchmark.judge import Comparison
from benchmark.report.sections.material import NAMES, Material, Part, Section, named
from benchmark.report.tables import Table, ends
from benchmark.report.words import interval, percent

__all__ = ["hosts_table", "robustness", "robustness_table"]


def robustness(material: Material) -> Section:
    """What leaving something out does to the mean effect."""
    comparisons = material.judgement.comparisons
    several = max(c.n["hosts"] for c in comparisons) > 1
    each = Part(tables=(hosts_table(comparisons),) if several else (), fold="Each host alone")
    return Section("robustness", "Robustness", (Part(tables=(robustness_table(comparisons),)), each))


def robustness_table(comparisons: Sequence[Comparison]) -> Table:
    """One row per comparison: how far the mean moves when something is left out, or counted otherwise."""
    rows = []
    for c in comparisons:
        row = named(c) | {"effect": c.effect.mean} | ends("ci95", c.effect.ci95)
        row |= ends("pigeonhole", c.effect.pigeonhole95)
        row |= ends("task_out", c.leave_one_task_out) | ends("host_out", c.leave_one_host_out)
        rest = c.without_saturated
        row |= {"without_saturated": rest and rest.mean, "verdict_without_saturated": rest and rest.verdict}
        rows.append(row | {"complete_case": c.complete_case} | ends("worst_case", c.worst_case))
    frame = pd.DataFrame(rows).dropna(axis="columns", how="all")
    together = {
        name: (f"{stem}_low", f"{stem}_high")
        for name, stem in _RANGES.items()
        if {f"{stem}_low", f"{stem}_high"} <= set(frame.columns)
    }
    formats: dict[str, Callable[[Any], str]] = dict.fromkeys(together, interval)
    formats |= dict.fromkeys(("effect", "without_saturated", "complete_case"), percent)
    titles = {
        "t interval": "95 %, for this comparison alone",
        "bootstrap interval": "95 %, pigeonhole bootstrap: data sets drawn again, and hosts where they "
        "are random",
        "one task out": "the lowest and the highest mean without one of the data sets",
        "one host out": "the lowest and the highest mean without one of the hosts",
        "without saturated": "without data sets on which both arms make fewer than five test errors",
        "complete case": "over the blocks in which neither arm failed",
        "worst to best case": "if each failure were a total loss for the arm that failed, or no loss at all",
    }
    caption = (
        "The mean effect again: by another interval, without one data set or one host, without saturated "
        "data sets, and with failures counted otherwise. Where these disagree, the verdict rests on little."
    )
    return Table("robustness", caption, frame, formats, pairs=together, titles=titles)


_RANGES = {
    "t interval": "ci95",
    "bootstrap interval": "pigeonhole",
    "one task out": "task_out",
    "one host out": "host_out",
    "worst to best case": "worst_case",
}


def hosts_table(comparisons: Sequence[Comparison]) -> Table:
    """One row per comparison and host: mean effect with its interval over origins, and shrunken."""
    parts = [c.hosts.assign(**named(c)) for c in comparisons]
    numbers = ["mean", "low", "high", "shrunken", "shrunken_low", "shrunken_high", "origins"]
    frame = pd.concat(parts, ignore_index=True)[[*NAMES, "host", *numbers]]
    caption = (
        "Mean effect in each host alone, with its own 95 % interval over data sets, not simultaneous. "
        "Shrunken: pulled to the mean of all hosts by as much as they are alike (empirical Bayes), the "
        "better guess for a host of which little is known."
    )
    formats: dict[str, Callable[[Any], str]] = dict.fromkeys(("mean", "shrunken"), percent)
    formats |= dict.fromkeys(("interval", "shrunken_interval"), interval)
    both = {"interval": ("low", "high"), "shrunken_interval": ("shrunken_low", "shrunken_high")}
    return Table("hosts", caption, frame, formats, pairs=both)
