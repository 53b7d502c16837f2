"""Findings as readers meet them: errors above the verdicts, the others beside the numbers they concern."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmark.findings import Finding, Severity, flat, worst_first
from benchmark.judge import Comparison, Judgement
from benchmark.report.words import label, wrapped

__all__ = ["Notice", "alarms", "beside", "lines"]

NAMES_SHOWN = 3
LINES_SHOWN = 8
"""Findings that a terminal shows besides errors."""


class Notice(NamedTuple):
    """One finding, said once however many comparisons it concerns."""

    severity: Severity
    name: str
    """In words."""
    subject: str
    seen: str
    why: str
    look: str
    advice: str
    explains: str
    """Names of what it explains, in words."""


def alarms(judgement: Judgement) -> list[Notice]:
    """What is an error until proven otherwise: of the study first, then of its comparisons."""
    return _notices(judgement.findings, judgement.comparisons, ("error",))


def beside(findings: Sequence[Finding], comparisons: Sequence[Comparison]) -> list[Notice]:
    """Warnings and notes among ``findings`` and those of the comparisons, warnings first."""
    return _notices(findings, comparisons, ("warning", "note"))


def lines(notices: Sequence[Notice], most: int | None = LINES_SHOWN) -> Iterator[str]:
    """Notices for a terminal, with the rest of more than ``most`` counted."""
    for notice in notices[:most]:
        mark = "ERROR" if notice.severity == "error" else notice.severity
        yield from wrapped(f"{mark}  {notice.name} ({notice.subject}): {notice.seen}.")
        said = {"why": notice.why, "look": notice.look, "try": notice.advice, "so": notice.explains}
        for word, what in said.items():
            if what and (word != "why" or notice.severity == "error"):
                yield from (f"  {line}" for line in wrapped(f"{word:<5}{what}", narrower=2))
    if most is not None and len(notices) > most:
        yield f"… and {len(notices) - most} more findings: the report lists them."


def _notices(
    findings: Sequence[Finding], comparisons: Sequence[Comparison], severities: Sequence[Severity]
) -> list[Notice]:
    of_comparisons = (one for c in comparisons for one in (*c.findings, *c.volatile.get("findings", ())))
    subjects: dict[tuple[str, str], list[str]] = {}
    first: dict[tuple[str, str], Finding] = {}
    for one in worst_first([*findings, *of_comparisons]):
        if one.severity in severities:
            told = (one.name, one.seen)
            first.setdefault(told, one)
            subjects.setdefault(told, []).append(one.subject)
    return [_notice(one, list(dict.fromkeys(subjects[told]))) for told, one in first.items()]


def _notice(one: Finding, subjects: Sequence[str]) -> Notice:
    shown = [label(name, 60) for name in subjects[:NAMES_SHOWN]]
    more = [f"{len(subjects) - NAMES_SHOWN} more"] if len(subjects) > NAMES_SHOWN else []
    return Notice(
        severity=one.severity,
        name=_words(one.name),
        subject="; ".join([*shown, *more]),
        seen=one.seen,
        why=one.why,
        look=one.look,
        advice=one.advice,
        explains=", ".join(_words(below.name) for below in flat(one.consequences)),
    )


def _words(name: str) -> str:
    return name.replace("_", " ")
