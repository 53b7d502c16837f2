"""What the site shows: judged studies, and the names of their pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import pandas as pd

from benchmark.judge import Comparison, Judgement
from benchmark.report.about import About
from benchmark.report.words import slugs
from benchmark.spec import Task

__all__ = ["Names", "Past", "Shown", "lead_of"]


class Past(NamedTuple):
    """What an earlier report of a study said."""

    at: str
    """In UTC (ISO 8601)."""
    comparisons: Sequence[Mapping[str, Any]]
    """Those of its verdict.json."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A judged study, and what is known around it."""

    name: str
    about: About
    judgement: Judgement
    records: pd.DataFrame
    """As they were judged: ``RECORD_COLUMNS`` and what ``linking.completed`` adds."""
    tasks: Mapping[str, Task]
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Where components come from (paper, code), by component."""
    variants: Mapping[str, int] = field(default_factory=dict)
    """How many variants of a component were tried."""
    history: Sequence[Past] = ()
    """The oldest first."""
    held_back: bool = False
    """Whether nothing that is shown of it may tell its data sets."""

    @cached_property
    def arms(self) -> tuple[str, ...]:
        """Candidates and baselines, in alphabetical order."""
        found = self.records.loc[self.records["role"].isin(["candidate", "baseline"]), "component"]
        return tuple(sorted({str(name) for name in found}))

    @cached_property
    def baselines(self) -> frozenset[str]:
        """What candidates are held against."""
        found = self.records.loc[self.records["role"] == "baseline", "component"]
        return frozenset(str(name) for name in found)

    @cached_property
    def settings(self) -> tuple[str, ...]:
        """The leading one first."""
        found = dict.fromkeys(c.setting for c in self.judgement.comparisons)
        return tuple(found) or tuple(sorted(set(self.records["setting"].astype(str))))

    def of(self, component: str) -> list[Comparison]:
        """Its comparisons, as candidate or as baseline."""
        return [c for c in self.judgement.comparisons if component in (c.candidate, c.baseline)]


def lead_of(study: Shown) -> Comparison | None:
    """The comparison that the study is about."""
    every = study.judgement.comparisons
    return study.judgement.primary or (every[0] if every else None)


class Names:
    """The names of all pages: of any names that people give, harmless ones, each different."""

    def __init__(self, studies: Iterable[Shown]) -> None:
        studies = list(studies)
        self._studies = slugs(study.name for study in studies)
        self._arms = slugs(f"{study.about.slot} {arm}" for study in studies for arm in study.arms)
        self._tasks = slugs(name for study in studies if not study.held_back for name in study.tasks)
        self._cells = {study.name: slugs(study.arms) for study in studies}

    def study(self, study: Shown) -> str:
        """The path of its page."""
        return f"studies/{self._studies[study.name]}/index.html"

    def data(self, study: Shown) -> str:
        """The path of the numbers that its page filters."""
        return f"studies/{self._studies[study.name]}/board.js"

    def cells(self, study: Shown, arm: str, suffix: str = "html") -> str:
        """The path of the page, or the file, of an arm's cells in a study."""
        return f"studies/{self._studies[study.name]}/cells/{self._cells[study.name][arm]}.{suffix}"

    def file(self, study: Shown, name: str) -> str:
        """The path of a file of a study."""
        return f"studies/{self._studies[study.name]}/{name}"

    def component(self, slot: str, arm: str) -> str:
        """The path of its page."""
        return f"components/{self._arms[f'{slot} {arm}']}.html"

    def task(self, name: str) -> str:
        """The path of its page."""
        return f"tasks/{self._tasks[name]}.html"
