"""Candidate against baseline: from records to a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from benchmark.errors import RequestError
from benchmark.judge.evidence import Evidence, gather
from benchmark.judge.floor import aa_effects
from benchmark.judge.intervals import (
    Estimate,
    Interval,
    interval,
    minimal_detectable_effect,
    prediction,
    sidak,
    tasks_needed,
)
from benchmark.judge.pairing import Excluded, tabulate
from benchmark.judge.significance import CorrectedT
from benchmark.judge.verdict import Verdict, decide
from benchmark.judge.words import population, sentence

__all__ = ["Comparison", "Effect", "Subset", "check_rule", "compare", "conclude", "default_setting"]


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


@dataclass(frozen=True, slots=True)
class Subset:
    """The same question on fewer tasks."""

    origins: int
    mean: float | None
    ci_verdict: Interval | None
    verdict: str


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
    complete_case, improvement, blocks, imputed, saturated, base_host, rows, width, floor, outcome (win,
    tie or loss)."""
    tasks: pd.DataFrame
    """One row per task, over its hosts: origin, task, effect, floor, imputed, saturated, outcome."""
    hosts: pd.DataFrame
    """One row per host: host, base_host, mean, low, high (95 % over origins), origins."""
    sentence: str


def compare(
    records: pd.DataFrame,
    candidate: str,
    baseline: str,
    *,
    setting: str | None = None,
    rope: float = 0.01,
    level: float = 0.95,
    host_effects: str = "auto",
    excluded: Excluded = (),
    variants_tried: int | None = None,
) -> Comparison:
    """The verdict on one candidate against one baseline.

    Parameters
    ----------
    records : pandas.DataFrame
        One row per cell. Needed: component, task, error. Known besides: host, base_host (what the host
        is a variant of), width (of the host), origin, rows (of the task), repeat, fold, seed, setting,
        role, replicate, status, test_errors, featureless_error, n_train, n_test, fit_seconds,
        peak_memory_mb.
    setting : str, optional
        ``tuned`` where the table has it, unless given.
    rope : float
        Largest effect that counts as none (δ), a share of the error.
    level : float
        Of the interval that verdicts use.
    host_effects : str
        ``auto``, ``fixed`` or ``random``.
    excluded : collection of (component, host) or (component, host, task)
        Combinations that could not be run: they are left out of both arms, with a flag.
    variants_tried : int, optional
        How many variants of the candidate the store has seen.

    Raises
    ------
    RequestError
        When the table or an argument does not make sense, or blocks are incomplete.
    """
    check_rule(rope, level)
    table = tabulate(records)
    chosen = default_setting(table) if setting is None else setting
    aa = aa_effects(table, baseline, chosen)
    evidence = gather(table, candidate, baseline, chosen, host_effects=host_effects, aa=aa, excluded=excluded)
    return conclude(evidence, rope=rope, level=level, variants_tried=variants_tried)


def check_rule(rope: float, level: float) -> None:
    """Nothing, or a RequestError where δ or the level makes no sense."""
    if not 0 <= rope < 1:
        raise RequestError(f"protocol.rope={rope}: a share of the error, at least 0 and below 1")
    if not 0.5 < level < 1:
        raise RequestError(f"protocol.level={level}: above 0.5 and below 1, say 0.95")


def default_setting(table: pd.DataFrame) -> str:
    """``tuned`` where the table (as ``tabulate`` returns it) has it, else its first setting by name."""
    known = sorted(set(table.loc[~table["reference"], "setting"]))
    return "tuned" if "tuned" in known else str(known[0])


def conclude(
    evidence: Evidence,
    *,
    rope: float,
    level: float,
    family: int = 1,
    p_holm: float | None = None,
    variants_tried: int | None = None,
) -> Comparison:
    """The comparison that ``evidence`` supports, as one of ``family`` comparisons judged together."""
    found, each = evidence.estimate, sidak(level, family)
    floor = evidence.floor.mean
    verdict = _decide(evidence, found, each, rope)
    open_question = verdict.name in ("INCONCLUSIVE", "INSUFFICIENT") and not verdict.flags
    tasks = _with_outcome(evidence.tasks, rope)
    outcomes = tasks["outcome"].value_counts()
    drafted = Comparison(
        candidate=evidence.candidate,
        baseline=evidence.baseline,
        setting=evidence.setting,
        verdict=verdict.name,
        effect=Effect(
            found.mean, interval(found, 0.95), interval(found, each), interval(found, 0.90), prediction(found)
        ),
        probability_of_improvement=evidence.improvement,
        wins=int(outcomes.get("win", 0)),
        ties=int(outcomes.get("tie", 0)),
        losses=int(outcomes.get("loss", 0)),
        p_wilcoxon=evidence.p_wilcoxon,
        p_holm=evidence.p_wilcoxon if p_holm is None else p_holm,
        spread=found.spread,
        minimal_detectable_effect=minimal_detectable_effect(found, each),
        tasks_needed=tasks_needed(found, each, rope=rope, floor=floor) if open_question else None,
        noise_floor=floor,
        n=evidence.n,
        failures=evidence.failures,
        flags=_flags(evidence, verdict),
        volatile={"cost_ratio": evidence.cost_ratio, "variants_tried": variants_tried, "flags": []},
        rope=rope,
        level=level,
        host_effects=found.host_effects,
        population=population(list(dict.fromkeys(evidence.hosts["base_host"])), found.host_effects),
        family=family,
        complete_case=evidence.complete_case,
        without_saturated=_without_saturated(evidence, each, rope),
        leave_one_task_out=evidence.leave_one_task_out,
        leave_one_host_out=evidence.leave_one_host_out,
        single_task=evidence.single_task,
        left_out=evidence.left_out,
        effects=_with_outcome(evidence.effects, rope),
        tasks=tasks,
        hosts=evidence.hosts,
        sentence="",
    )
    return replace(drafted, sentence=sentence(drafted))


def _decide(evidence: Evidence, found: Estimate, each: float, rope: float) -> Verdict:
    clean = evidence.complete_case
    return decide(
        origins=found.origins,
        ci_verdict=interval(found, each),
        ci90=interval(found, 0.90),
        rope=rope,
        floor=evidence.floor.mean,
        reversed_without_failures=clean is not None and clean * evidence.estimate.mean < 0,
    )


def _without_saturated(evidence: Evidence, each: float, rope: float) -> Subset | None:
    if not evidence.tasks["saturated"].any():
        return None
    rest = evidence.unsaturated
    if rest is None:
        return Subset(0, None, None, "INSUFFICIENT")
    verdict = _decide(evidence, rest, each, rope)
    return Subset(rest.origins, rest.mean, interval(rest, each), verdict.name)


def _with_outcome(rows: pd.DataFrame, rope: float) -> pd.DataFrame:
    bar = np.fmax(rows["floor"].to_numpy(dtype=float), rope)
    effect = rows["effect"].to_numpy(dtype=float)
    outcome = np.select([effect > bar, effect < -bar], ["win", "loss"], default="tie")
    return rows.assign(outcome=outcome)


def _flags(evidence: Evidence, verdict: Verdict) -> tuple[str, ...]:
    failed = sum(evidence.failures.values()) > 0
    floor, size = evidence.floor.mean, abs(evidence.estimate.mean)
    holds = {
        "identical": evidence.identical,
        "imputed": failed,
        "no_complete_case": evidence.complete_case is None,
        "saturated": bool(evidence.tasks["saturated"].any()),
        **{f"{kind}_excluded": bool(names) for kind, names in evidence.left_out.items()},
        "within_floor": verdict.name in ("BETTER", "WORSE") and floor is not None and size <= floor,
        "single_task": evidence.n["tasks"] == 1,
    }
    return (*verdict.flags, *(name for name, held in holds.items() if held))
