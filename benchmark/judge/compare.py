"""Candidate against baseline: from records to a verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from benchmark.errors import RequestError
from benchmark.judge.bootstrap import disagree
from benchmark.judge.comparison import Comparison, Effect, Reading, Subset
from benchmark.judge.evidence import Evidence, gather
from benchmark.judge.floor import aa_effects
from benchmark.judge.intervals import (
    Estimate,
    Interval,
    interval,
    minimal_detectable_effect,
    prediction,
    simultaneous,
    tasks_needed,
    within_range,
)
from benchmark.judge.pairing import Excluded, tabulate
from benchmark.judge.selection import curse
from benchmark.judge.verdict import Verdict, decide
from benchmark.judge.words import population, sentence

__all__ = ["check_rule", "compare", "conclude", "decided", "default_setting"]

AS_GATHERED = (
    "candidate",
    "baseline",
    "setting",
    "p_wilcoxon",
    "n",
    "failures",
    "complete_case",
    "worst_case",
    "leave_one_task_out",
    "leave_one_host_out",
    "single_task",
    "left_out",
    "hosts",
    "beside",
)
"""What a comparison takes over from its evidence, whatever the rule."""


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
    rule: dict[str, Any] = {"rope": rope, "host_effects": host_effects, "excluded": excluded}
    evidence = gather(table, candidate, baseline, chosen, aa=aa, **rule)
    return conclude(evidence, rope=rope, level=level, variants_tried=variants_tried)


def check_rule(rope: float, level: float) -> None:
    """Nothing, or a RequestError where δ or the level makes no sense."""
    if not 0 <= rope < 1:
        raise RequestError(f"rope={rope}: a share of the error, at least 0 and below 1")
    if not 0.5 < level < 1:
        raise RequestError(f"level={level}: above 0.5 and below 1, say 0.95")


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
    reading: Reading | None = None,
    withheld: str | None = None,
) -> Comparison:
    """The comparison that ``evidence`` supports, as one of ``family`` comparisons judged together.

    ``reading`` replaces the t intervals; ``withheld`` is a flag that says why no verdict may be given.
    """
    found, each = evidence.estimate, simultaneous(level, family)
    verdict, read = _read(evidence, reading or _by_t(evidence, each, rope), rope, withheld)
    fixed, floor = read.sequential is None, evidence.floor.mean
    asked = fixed and verdict.name in ("INCONCLUSIVE", "INSUFFICIENT") and not verdict.flags
    tasks = _with_outcome(evidence.tasks, rope)
    drafted = Comparison(
        verdict=verdict.name,
        effect=Effect(found.mean, *read[:3], within_range(prediction(found)), evidence.pigeonhole95),
        probability_of_improvement=evidence.improvement,
        wins=int((tasks["outcome"] == "win").sum()),
        ties=int((tasks["outcome"] == "tie").sum()),
        losses=int((tasks["outcome"] == "loss").sum()),
        p_holm=evidence.p_wilcoxon if p_holm is None else p_holm,
        spread=found.spread,
        minimal_detectable_effect=minimal_detectable_effect(found, each) if fixed else None,
        tasks_needed=tasks_needed(found, each, rope=rope, floor=floor) if asked else None,
        noise_floor=floor,
        flags=_flags(evidence, verdict, read),
        volatile={"cost_ratio": evidence.cost_ratio, **curse(found, variants_tried)},
        rope=rope,
        level=level,
        host_effects=found.host_effects,
        population=population(list(dict.fromkeys(evidence.hosts["base_host"])), found.host_effects),
        family=family,
        without_saturated=read.without_saturated,
        effects=_with_outcome(evidence.effects, rope),
        tasks=tasks,
        **{name: getattr(evidence, name) for name in AS_GATHERED},
        sentence="",
        sequential=read.sequential,
    )
    return replace(drafted, sentence=sentence(drafted))


def _read(evidence: Evidence, read: Reading, rope: float, withheld: str | None) -> tuple[Verdict, Reading]:
    within = read.ci90 if read.sequential is None else read.ci_verdict
    verdict = decided(evidence, evidence.estimate, read.ci_verdict, within, rope)
    if withheld is None or verdict.name == "INSUFFICIENT":
        return verdict, read
    return Verdict("INCONCLUSIVE", (withheld,)), read._replace(without_saturated=None)


def _by_t(evidence: Evidence, each: float, rope: float) -> Reading:
    found = evidence.estimate
    ci95, ci_verdict, ci90 = (within_range(interval(found, at)) for at in (0.95, each, 0.90))
    return Reading(ci95, ci_verdict, ci90, _without_saturated(evidence, each, rope))


def decided(
    evidence: Evidence, found: Estimate, ci_verdict: Interval | None, ci90: Interval | None, rope: float
) -> Verdict:
    """The verdict on ``found``, the whole of the evidence or a part of it, with these intervals."""
    clean = evidence.complete_case
    return decide(
        origins=found.origins,
        ci_verdict=ci_verdict,
        ci90=ci90,
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
    ends, ci90 = (within_range(interval(rest, at)) for at in (each, 0.90))
    verdict = decided(evidence, rest, ends, ci90, rope)
    return Subset(rest.origins, rest.mean, ends, verdict.name)


def _with_outcome(rows: pd.DataFrame, rope: float) -> pd.DataFrame:
    bar = np.fmax(rows["floor"].to_numpy(dtype=float), rope)
    effect = rows["effect"].to_numpy(dtype=float)
    outcome = np.select([effect > bar, effect < -bar], ["win", "loss"], default="tie")
    return rows.assign(outcome=outcome)


def _flags(evidence: Evidence, verdict: Verdict, read: Reading) -> tuple[str, ...]:
    failed = sum(evidence.failures.values()) > 0
    floor, size = evidence.floor.mean, abs(evidence.estimate.mean)
    checked = read.sequential is None and verdict.name != "INSUFFICIENT"
    holds = {
        "identical": evidence.identical,
        "imputed": failed,
        "no_complete_case": evidence.complete_case is None,
        "saturated": bool(evidence.tasks["saturated"].any()),
        **{f"{kind}_excluded": bool(names) for kind, names in evidence.left_out.items()},
        "within_floor": verdict.name in ("BETTER", "WORSE") and floor is not None and size <= floor,
        "bootstrap_disagrees": checked and disagree(read.ci95, evidence.pigeonhole95),
        "single_task": evidence.n["tasks"] == 1,
    }
    return (*verdict.flags, *(name for name, held in holds.items() if held))
