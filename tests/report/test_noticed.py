"""Findings in a terminal: one shape for the doctor and beside the verdict."""

from __future__ import annotations

import dataclasses
from typing import Any

from benchmark.findings import Finding
from benchmark.report import noticed, terminal_table

LEARNS = Finding("learns", "error", "optimizer lion2", "no better")
DESCENDS = Finding("descends", "warning", "optimizer lion2", "7 left", consequences=(LEARNS,))
STEPS = Finding(
    "steps",
    "error",
    "optimizer lion2",
    "expected every parameter moved; saw 0 of 12 that moved",
    why="An optimizer that moves nothing trains nothing, and took 5.0 x as long as AdamW to do it.",
    look=f"{'a/folder/' * 9}lion2.py:11",
    advice="Raise an error in its step.",
    consequences=(DESCENDS,),
)


def test_a_finding_says_all_it_knows_within_80_columns() -> None:
    assert list(noticed.lines([STEPS], subject="optimizer lion2")) == [
        "  ERROR    steps: expected every parameter moved; saw 0 of 12 that moved",
        "    why    An optimizer that moves nothing trains nothing, and took 5.0 x as",
        "           long as AdamW to do it.",
        f"    look   {'a/folder/' * 9}lion2.py:11",
        "    try    Raise an error in its step.",
        "    so     descends, learns",
    ]


def test_whom_it_concerns_is_said_unless_a_heading_has() -> None:
    note = Finding("costs", "note", "optimizer lion2", "1.0 floats a parameter")
    assert list(noticed.lines([note])) == ["  note     costs (optimizer lion2): 1.0 floats a parameter"]
    assert list(noticed.lines([note], subject=note.subject)) == ["  note     costs: 1.0 floats a parameter"]


def test_where_it_is_brief_the_rest_is_counted_and_no_reasons_are_given() -> None:
    many = [dataclasses.replace(STEPS, name=f"rule_{i}") for i in range(noticed.LINES_SHOWN + 1)]
    whole, brief = list(noticed.lines(many)), list(noticed.lines(many, brief=True))
    assert sum(line.startswith("  ERROR") for line in whole) == len(many) and "more" not in whole[-1]
    assert sum(line.startswith("  ERROR") for line in brief) == noticed.LINES_SHOWN
    assert brief[-1] == "  … and 1 more finding: the report lists them"
    assert any("    why " in line for line in whole) and not any("    why " in line for line in brief)


def test_no_finding_obeys_what_a_component_says() -> None:
    rude = dataclasses.replace(STEPS, seen="a\x1b[31mb", look="a\x1b[31mb.py:1", advice="a\x07b")
    assert all(line.isprintable() for line in noticed.lines([rude]))


def test_the_verdict_s_findings_have_that_shape_and_errors_stand_above_it(case: Any) -> None:
    judgement = dataclasses.replace(case.judgement, findings=(STEPS, DESCENDS))
    said = terminal_table(judgement, case.about, case.records)
    above, below = "\n".join(noticed.lines([STEPS])), "\n".join(noticed.lines([DESCENDS], brief=True))
    assert said.index(above) < said.index("setting, against") < said.index(below)


def test_what_concerns_several_is_said_once() -> None:
    found = [dataclasses.replace(DESCENDS, subject=f"arm {i}") for i in range(5)]
    (one,) = noticed.beside(found, ())
    assert one == dataclasses.replace(DESCENDS, subject="arm 0; arm 1; arm 2; 2 more")
