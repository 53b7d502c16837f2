"""What a comparison of two arms says: plain values and frames, no computation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import pandas as pd

from benchmark.findings import Finding
from benchmark.judge.beside import Beside
from benchmark.judge.intervals import Interval
from benchmark.judge.significance import CorrectedT

__all__ = ["Comparison", "Effect", "Reading", "Sequential", "Subset", "plain"]

SHOWN = (
    "candidate",
    "baseline",
    "setting",
    "verdict",
    "probability_of_improvement",
    "wins",
    "ties",
    "losses",
    "p_wilcoxon",
    "p_holm",
    "minimal_detectable_effect",
    "tasks_needed",
    "noise_floor",
    "n",
    "failures",
    "host_effects",
    "population",
    "family",
    "complete_case",
    "worst_case",
    "leave_one_task_out",
    "leave_one_host_out",
    "left_out",
    "sentence",
    "flags",
    "volatile",
)
"""The fields of a comparison that go into verdict.json as they are."""


@dataclass(frozen=True, slots=True)
class Effect:
    """The mean effect and its intervals; None where one origin gives none."""

    mean: float
    ci95: Interval | None
    """For this comparison alone."""
    ci_verdict: Interval | None
    """At the protocol's level, simultaneous over the candidates: what verdicts use."""
    ci90: Interval | None
    prediction95: Interval | None
    """For one more data set."""
    pigeonhole95: Interval | None
    """The same question as ``ci95`` put to a bootstrap over data sets (and hosts, where random)."""


@dataclass(frozen=True, slots=True)
class Subset:
    """The same question on fewer tasks."""

    origins: int
    mean: float | None
    ci_verdict: Interval | None
    verdict: str


@dataclass(frozen=True, eq=False)
class Sequential:
    """What a comparison was read off when its data sets came one after the other."""

    stopped_at: int | None
    """After how many data sets the verdict was settled; None where it was not."""
    looks: int
    """After how many data sets the numbers are those of this comparison."""
    planned: int
    """Data sets in the order that was fixed in advance."""
    sequence: str
    """``bounded`` (any effects) or ``normal``: see ``sequential``."""
    e_value: float
    """Evidence against an effect of zero for effects of any shape, valid at any look."""
    e_value_t: float
    """The same for normal effects."""
    table: pd.DataFrame
    """One row per look: see ``sequential.looks``; the interval is the one that the verdict is read off."""

    def to_json(self) -> dict[str, Any]:
        """``sequential`` of a comparison in verdict.json."""
        names = ("stopped_at", "looks", "planned", "sequence", "e_value", "e_value_t")
        return {name: getattr(self, name) for name in names}


class Reading(NamedTuple):
    """The intervals of a comparison, and what they say without the saturated tasks."""

    ci95: Interval | None
    ci_verdict: Interval | None
    ci90: Interval | None
    without_saturated: Subset | None
    sequential: Sequential | None = None
    """None where the intervals are t intervals of a study of fixed length."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Paired statistics of candidate against baseline, and what they support. Effects are shares (Δ)."""

    candidate: str
    baseline: str
    setting: str
    verdict: str
    effect: Effect
    probability_of_improvement: float
    """That the candidate has the smaller error in a random block of a random origin, ties half."""
    wins: int
    """Tasks on which the candidate is better by more than max(rope, the task's floor)."""
    ties: int
    losses: int
    p_wilcoxon: float
    """Signed-rank test over origins, two-sided."""
    p_holm: float
    """The same after Holm's adjustment over the family's candidates."""
    spread: float
    """Standard deviation of the origins' mean effects."""
    minimal_detectable_effect: float | None
    """Found at the level of ``ci_verdict`` with 80 % power."""
    tasks_needed: int | None
    """Origins that would settle an effect of the size seen; None where it is settled, or where more
    tasks alone would not do."""
    noise_floor: float | None
    """Largest |mean effect| of the A/A arms; None without them."""
    n: Mapping[str, int]
    """origins, tasks, hosts, splits, seeds, blocks."""
    failures: Mapping[str, int]
    """Failed blocks of candidate and baseline."""
    flags: tuple[str, ...]
    volatile: Mapping[str, Any]
    """What rests on time, memory or the store's history: cost_ratio, variants_tried, flags."""
    rope: float
    level: float
    host_effects: str
    """``fixed`` or ``random``."""
    population: str
    family: int
    """Comparisons that ``ci_verdict`` holds for together."""
    complete_case: float | None
    """Mean effect over blocks in which neither arm failed."""
    worst_case: Interval | None
    """The mean effect if each failure were as bad as can be for the candidate, and as good as can be: a
    block in which an arm failed counts as lost by it entirely or not at all. None without failures."""
    without_saturated: Subset | None
    """None where no task is saturated."""
    leave_one_task_out: Interval | None
    """Smallest and largest mean effect without one of the tasks."""
    leave_one_host_out: Interval | None
    single_task: CorrectedT | None
    """For a single task: Nadeau and Bengio's test over its splits."""
    left_out: Mapping[str, tuple[str, ...]]
    """``hosts``, ``tasks`` and single ``combinations`` that an arm does not fit."""
    effects: pd.DataFrame
    """One row per (task, host): origin, task, host, effect, error_candidate, error_baseline,
    complete_case, lowest, highest, improvement, blocks, imputed, saturated, base_host, rows, width, floor,
    outcome (win, tie or loss)."""
    tasks: pd.DataFrame
    """One row per task, over its hosts: origin, task, effect, floor, imputed, saturated, outcome."""
    hosts: pd.DataFrame
    """One row per host: host, base_host, mean, low, high (95 % over origins), origins, shrunken,
    shrunken_low, shrunken_high (the mean pulled to that of all hosts: see ``shrinkage``)."""
    beside: Beside
    """What readers expect beside a verdict; no verdict rests on it."""
    sentence: str
    sequential: Sequential | None = None
    """None where all data sets were asked for from the start."""
    findings: tuple[Finding, ...] = ()
    """What is to be known before the verdict is believed, the worst first; those that rest on time are among
    ``volatile``."""

    def to_json(self) -> dict[str, Any]:
        """One of the ``comparisons`` of verdict.json, as plain values."""
        fields = {name: getattr(self, name) for name in SHOWN}
        for name in ("effect", "without_saturated", "single_task"):
            value = getattr(self, name)
            fields[name] = None if value is None else asdict(value)
        fields["sequential"] = None if self.sequential is None else self.sequential.to_json()
        fields["hosts"] = [_host(row) for row in self.hosts.to_dict("records")]
        fields["beside"] = self.beside.to_json()
        fields["findings"] = [found.to_json() for found in self.findings]
        passing = [found.to_json() for found in self.volatile.get("findings", ())]
        fields["volatile"] = {**self.volatile, "findings": passing}
        return {name: plain(value) for name, value in fields.items()}


def _host(row: Mapping[str, Any]) -> dict[str, Any]:
    pulled = [row["shrunken_low"], row["shrunken_high"]]
    named = {"host": row["host"], "mean": row["mean"], "ci95": [row["low"], row["high"]]}
    return named | {"shrunken": row["shrunken"], "shrunken95": pulled}


def plain(value: Any) -> Any:
    """``value`` as JSON has it: lists, objects, and null for what is no finite number."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
