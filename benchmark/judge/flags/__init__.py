"""Flags on results: what is a bug until proven otherwise, with the evidence and the next thing to try.

A flag reads what the judge made of the records, and the records themselves; it changes no verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from benchmark.findings import Finding, flat, nested, worst_first
from benchmark.judge.comparison import Comparison
from benchmark.judge.flags.concentration import gain_from_one_host, gain_from_one_seed, gain_from_one_task
from benchmark.judge.flags.course import (
    gain_with_more_seconds,
    hardly_trained,
    loss_not_finite,
    suspiciously_fast,
)
from benchmark.judge.flags.sameness import (
    baseline_repeats_itself,
    nearly_identical,
    no_change_across_seeds,
    not_hooked_up,
    tuning_changes_nothing,
)
from benchmark.judge.flags.seen import Seen, arm, subject
from benchmark.judge.flags.too_good import better_on_test_than_train, larger_than_references, perfect_score
from benchmark.judge.flags.tuning import (
    below_a_reference,
    best_at_the_edge,
    validation_far_from_test,
    worse_than_its_default,
)
from benchmark.judge.pairing import without_controls
from benchmark.judge.study import Judgement

__all__ = ["CAUSES", "FLAGS", "ON_TIME", "attached", "raised"]

FLAGS = (
    not_hooked_up,
    nearly_identical,
    no_change_across_seeds,
    baseline_repeats_itself,
    tuning_changes_nothing,
    better_on_test_than_train,
    perfect_score,
    larger_than_references,
    gain_from_one_task,
    gain_from_one_host,
    gain_from_one_seed,
    validation_far_from_test,
    loss_not_finite,
    hardly_trained,
    worse_than_its_default,
    below_a_reference,
    gain_with_more_seconds,
    suspiciously_fast,
)
"""Each reads what was seen and yields what it found; the name of a finding is the function's."""

ON_TIME = ("gain_with_more_seconds", "suspiciously_fast")
"""Flags that rest on time: they stand under ``volatile``."""

CAUSES = {
    "baseline_repeats_itself": ("no_change_across_seeds",),
    "perfect_score": ("better_on_test_than_train",),
    "larger_than_references": ("better_on_test_than_train", "perfect_score", "hardly_trained"),
    "gain_from_one_task": ("perfect_score",),
    "validation_far_from_test": ("better_on_test_than_train", "perfect_score"),
    "below_a_reference": ("worse_than_its_default", "best_at_the_edge", "hardly_trained"),
    "worse_than_its_default": ("validation_far_from_test", "best_at_the_edge"),
    "hardly_trained": ("loss_not_finite",),
}
"""By flag, those that explain it, of the same arm or of a comparison's candidate, unless they are the lesser
evil."""


def raised(
    records: pd.DataFrame, judgement: Judgement, *, edges: pd.DataFrame | None = None
) -> tuple[Finding, ...]:
    """The flags that the columns of the records allow, each about a comparison or an arm, the worst first.

    Parameters
    ----------
    records : pandas.DataFrame
        What was judged: see ``judge``. Read besides: validation_error, train_error, steps, stacked,
        reason, chosen, further metrics (``metric_…``), and ``prediction``, a digest of a cell's
        predictions.
    judgement : Judgement
        What ``judge`` made of them.
    edges : pandas.DataFrame, optional
        What ``judge.search.edges`` found.
    """
    if not judgement.comparisons:
        return ()
    seen = Seen(without_controls(records), judgement)
    return worst_first([*(found for flag in FLAGS for found in flag(seen)), *best_at_the_edge(edges)])


def attached(judgement: Judgement, findings: Sequence[Finding]) -> Judgement:
    """The judgement with every finding beside the comparisons that it concerns, else with the study.

    A finding concerns a comparison when its subject is the comparison or one of its arms. Below each stand
    the others that it explains there. Names are added to ``flags``; those that rest on time stand, with
    their names, under ``volatile``.
    """
    told = {id(c): _with(c, findings) for c in judgement.comparisons}
    spoken = {about for c in judgement.comparisons for about in (subject(c), *_arms(c))}
    return replace(
        judgement,
        comparisons=tuple(told[id(c)] for c in judgement.comparisons),
        primary=judgement.primary and told[id(judgement.primary)],
        findings=(*judgement.findings, *(one for one in findings if one.subject not in spoken)),
    )


def _arms(c: Comparison) -> tuple[str, str]:
    return arm(c.candidate, c.setting), arm(c.baseline, c.setting)


def _with(c: Comparison, findings: Sequence[Finding]) -> Comparison:
    ours, theirs = _arms(c)
    about = {who: [one for one in findings if one.subject == who] for who in (subject(c), ours, theirs)}
    passing = [one for every in about.values() for one in every if one.name in ON_TIME]
    pair, first, second = ([one for one in every if one.name not in ON_TIME] for every in about.values())
    first = [replace(one, subject=subject(c)) for one in nested(first, CAUSES)]
    found = worst_first([*nested([*first, *pair], CAUSES), *nested(second, CAUSES)])
    volatile: dict[str, Any] = {
        **c.volatile,
        "flags": [*c.volatile.get("flags", ()), *_names(passing)],
        "findings": tuple(passing),
    }
    return replace(
        c, flags=tuple(dict.fromkeys((*c.flags, *_names(found)))), findings=found, volatile=volatile
    )


def _names(findings: Sequence[Finding]) -> Iterator[str]:
    return iter(dict.fromkeys(one.name for one in flat(findings)))
