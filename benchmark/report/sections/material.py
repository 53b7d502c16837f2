"""What a page is made from, and what it is made of: sections of words, figures and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from benchmark.judge import Comparison, Judgement
from benchmark.report.about import About
from benchmark.report.tables import Table
from benchmark.report.words import counted
from benchmark.spec import Task

if TYPE_CHECKING:
    from benchmark.report.figures import Drawing

MOST = 8
"""Comparisons that are drawn one by one."""

__all__ = ["MOST", "NAMES", "Material", "Part", "Section", "leading", "named"]

NAMES = ["candidate", "baseline", "setting"]
"""The columns that name a comparison."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Everything that a report is made from; what a table of somebody else's lacks is None or empty."""

    about: About
    judgement: Judgement
    records: pd.DataFrame
    """As for ``judge``: only component, task and error are certain to be there."""
    tasks: Sequence[Task]
    trials: pd.DataFrame | None
    refused: pd.DataFrame | None
    edges: pd.DataFrame | None
    ledger: pd.DataFrame | None
    provenance: Sequence[Mapping[str, Any]]
    sources: Mapping[str, Mapping[str, str]]

    @property
    def leading(self) -> list[Comparison]:
        """The comparisons of the first setting: tuned wherever anything was tuned."""
        return leading(self.judgement)

    @property
    def drawn(self) -> list[Comparison]:
        """Those that are drawn one by one: the primary one first, and no more than a page bears."""
        return sorted(self.leading, key=lambda c: c is not self.judgement.primary)[:MOST]

    @property
    def undrawn(self) -> str:
        """What figures with one mark or line for each leave out; empty where that is nothing."""
        rest = len(self.leading) - MOST
        return f"{counted(rest, 'more comparison')} of {len(self.leading)} not drawn." if rest > 0 else ""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A piece of a section, shown in the order of its fields; what is empty does not appear."""

    title: str = ""
    warnings: Sequence[str] = ()
    says: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    """Terms with what they are; markupsafe.Markup for what holds links."""
    drawings: Sequence[Drawing | None] = ()
    tables: Sequence[Table | None] = ()
    text: str = ""
    """Shown as it is, in a fixed width."""
    fold: str = ""
    """Where the part is folded away: the words to open it with."""
    saved: Sequence[Table] = ()
    """Tables that become files and are too long to be shown."""

    def __bool__(self) -> bool:
        """Whether there is anything to show."""
        shown = (self.warnings, self.says, self.facts, self.text)
        return any(shown) or any(self.drawings) or any(self.tables)


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """One heading of the page, not there (nor in the navigation) without a part to show."""

    anchor: str
    title: str
    parts: Sequence[Part]

    def __bool__(self) -> bool:
        """Whether there is anything to show."""
        return any(self.parts)

    def drawings(self) -> Iterator[Drawing]:
        """The figures, in the order of the page."""
        yield from (drawing for part in self.parts for drawing in part.drawings if drawing)

    def tables(self) -> Iterator[Table]:
        """The tables that are shown, and those that are only saved."""
        yield from (table for part in self.parts for table in (*part.tables, *part.saved) if table)


def leading(judgement: Judgement) -> list[Comparison]:
    """The comparisons of the first setting: tuned wherever anything was tuned."""
    return [c for c in judgement.comparisons if c.setting == judgement.comparisons[0].setting]


def named(c: Comparison) -> dict[str, Any]:
    """The columns that name a comparison, as the beginning of a row."""
    return {name: getattr(c, name) for name in NAMES}
