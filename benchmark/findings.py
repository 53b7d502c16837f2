"""What is wrong with a component or a result, as the doctor, the flags and the controls all say it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

__all__ = ["SEVERITIES", "Finding", "Severity", "flat", "nested", "read_finding", "worst_first"]

Severity = Literal["error", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""``error``: it is a bug until proven otherwise; ``warning``: it may be one; ``note``: worth knowing."""


@dataclass(frozen=True)
class Finding:
    """One thing that was noticed, with the evidence."""

    name: str
    """Stable, in snake_case: of a rule, a flag or a control."""
    severity: Severity
    subject: str
    """Whom it concerns: ``optimizer lion2``, ``radam against adamw, tuned``, ``digits``."""
    seen: str
    """The evidence, with its numbers, in a sentence."""
    why: str = ""
    """Why it matters."""
    look: str = ""
    """``FILE:LINE``, where there is a line to look at."""
    advice: str = ""
    """The next thing to try."""
    consequences: tuple[Finding, ...] = ()
    """What it explains."""

    def to_json(self) -> dict[str, Any]:
        """Plain values; what is empty is left out."""
        found = {key: value for key, value in asdict(self).items() if value and key != "consequences"}
        nested = [one.to_json() for one in self.consequences]
        return found | ({"consequences": nested} if nested else {})


def read_finding(said: Mapping[str, Any]) -> Finding:
    """The finding of which :meth:`Finding.to_json` says this.

    Raises
    ------
    TypeError
        Where it says something else.
    """
    below = tuple(read_finding(one) for one in said.get("consequences", ()))
    return Finding(**{**said, "consequences": below})


def nested(findings: Sequence[Finding], causes: Mapping[str, Collection[str]]) -> tuple[Finding, ...]:
    """The findings with no other cause among them; each has below it what it explains.

    Nothing explains what is worse than itself.

    Parameters
    ----------
    findings
        In the order in which a cause is to be looked for: of two causes the first explains.
    causes
        By a finding's name, the names of those that explain it when they concern the same subject.

    Raises
    ------
    ValueError
        When findings explain each other in a circle.
    """
    below: dict[int, list[int]] = {}
    roots: list[int] = []
    for place, finding in enumerate(findings):
        explains = causes.get(finding.name, ())
        cause = next(
            (
                other
                for other, one in enumerate(findings)
                if other != place
                and one.name in explains
                and one.subject == finding.subject
                and SEVERITIES.index(one.severity) <= SEVERITIES.index(finding.severity)
            ),
            None,
        )
        (roots if cause is None else below.setdefault(cause, [])).append(place)

    def tree(place: int) -> Finding:
        explained = tuple(tree(other) for other in below.get(place, ()))
        return replace(findings[place], consequences=(*findings[place].consequences, *explained))

    found = tuple(tree(place) for place in roots)
    if sum(1 for _ in flat(found)) != sum(1 for _ in flat(findings)):
        named = sorted({findings[place].name for places in below.values() for place in places})
        raise ValueError(f"these findings explain each other: {', '.join(named)}")
    return found


def worst_first(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Errors, then warnings, then notes; otherwise in their order."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def flat(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Every finding, and after each what it explains."""
    for finding in findings:
        yield finding
        yield from flat(finding.consequences)
