"""Findings as readers meet them: errors above the verdicts, the others beside the numbers they concern."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmark.findings import Finding, Severity, flat, worst_first
from benchmark.report.words import counted, label, printable, wrapped

if TYPE_CHECKING:
    from benchmark.judge import Comparison, Judgement

__all__ = ["alarms", "beside", "lines"]

NAMES_SHOWN = 3
LINES_SHOWN = 8
"""Findings that a terminal shows where it is brief."""
COLUMNS = 80
"""Of a finding in a terminal, but for a line to look at, which stays whole."""
_MARK = 11
"""Columns for what stands before each text."""


def alarms(judgement: Judgement) -> list[Finding]:
    """What is an error until proven otherwise: of the study first, then of its comparisons."""
    return _once(judgement.findings, judgement.comparisons, ("error",))


def beside(findings: Sequence[Finding], comparisons: Sequence[Comparison]) -> list[Finding]:
    """Warnings and notes among ``findings`` and those of the comparisons, warnings first."""
    return _once(findings, comparisons, ("warning", "note"))


def lines(findings: Sequence[Finding], *, subject: str = "", brief: bool = False) -> Iterator[str]:
    """Findings for a terminal: what was seen, and below it what there is to say of it.

    Parameters
    ----------
    findings
        In the order in which they are told.
    subject
        Whom a heading has named already.
    brief
        Without the reasons why they matter, and with the rest of more than ``LINES_SHOWN`` counted.
    """
    for one in findings[:LINES_SHOWN] if brief else findings:
        mark = "ERROR" if one.severity == "error" else one.severity
        who = f" ({one.subject})" if one.subject != subject else ""
        yield from _hanging(f"  {mark}", f"{one.name}{who}: {one.seen}")
        if one.why and not brief:
            yield from _hanging("    why", one.why)
        if one.look:
            yield f"{'    look':<{_MARK}}{printable(one.look)}"
        if one.advice:
            yield from _hanging("    try", one.advice)
        if one.consequences:
            yield from _hanging("    so", ", ".join(below.name for below in flat(one.consequences)))
    if brief and len(findings) > LINES_SHOWN:
        yield f"  … and {counted(len(findings) - LINES_SHOWN, 'more finding')}: the report lists them"


def _hanging(mark: str, text: str) -> Iterator[str]:
    """The text in a column of its own, its mark to the left of it."""
    for line in wrapped(text, COLUMNS - _MARK, indent=""):
        yield f"{mark:<{_MARK}}{line}"
        mark = ""


def _once(
    findings: Sequence[Finding], comparisons: Sequence[Comparison], severities: Sequence[Severity]
) -> list[Finding]:
    """Each finding once, however many comparisons it concerns; its subject names the first of them."""
    of_comparisons = (one for c in comparisons for one in (*c.findings, *c.volatile.get("findings", ())))
    subjects: dict[tuple[str, str], list[str]] = {}
    first: dict[tuple[str, str], Finding] = {}
    for one in worst_first([*findings, *of_comparisons]):
        if one.severity in severities:
            told = (one.name, one.seen)
            first.setdefault(told, one)
            subjects.setdefault(told, []).append(one.subject)
    return [replace(one, subject=_named(list(dict.fromkeys(subjects[told])))) for told, one in first.items()]


def _named(subjects: Sequence[str]) -> str:
    shown = [label(name, 60) for name in subjects[:NAMES_SHOWN]]
    more = [f"{len(subjects) - NAMES_SHOWN} more"] if len(subjects) > NAMES_SHOWN else []
    return "; ".join([*shown, *more])
