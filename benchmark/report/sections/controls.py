"""The controls: what the study has to show of itself before its verdicts are believed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from benchmark.judge.controls import Control
from benchmark.report.sections.material import Material, Part, Section
from benchmark.report.tables import Table, ends
from benchmark.report.words import percent

__all__ = ["controls", "controls_table"]

_HELD = {True: "held", False: "FAILED", None: "not shown"}
_MEANT = {
    "aa": "aa: the baseline against itself, with other seeds and tuned again.",
    "permuted": "permuted: an arm, taught permuted labels; right labels are what it must not know.",
    "handicapped": "handicapped: the baseline, taught partly permuted labels; a study has to find it worse.",
    "planted": "planted: an A/A arm whose errors were made smaller; the effect has to come out again.",
}


def controls(material: Material) -> Section:
    """Every control with what was expected and what was seen; not there where nobody asked for any."""
    found = material.judgement.controls
    told = [said for name, said in _MEANT.items() if name in {control.name for control in found}]
    return Section("controls", "Controls", (Part(says=told, tables=(controls_table(found),)),))


def controls_table(found: Sequence[Control]) -> Table | None:
    """One row per control and arm; None without any."""
    if not found:
        return None
    rows = [_row(one) | ends("ci", one.interval) for one in found]
    formats: dict[str, Callable[[Any], str]] = dict.fromkeys(("effect", "ci_low", "ci_high"), percent)
    caption = "What the study has to show of itself. A control that is not shown had too little to say."
    return Table("controls", caption, pd.DataFrame(rows), formats, prose=("expected", "seen"))


def _row(one: Control) -> dict[str, Any]:
    told = {
        "control": one.name,
        "component": one.component,
        "setting": one.setting,
        "result": _HELD[one.held],
    }
    return {**told, "expected": one.expected, "seen": one.seen, "effect": one.effect}
