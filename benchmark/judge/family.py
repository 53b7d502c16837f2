"""The candidates against one baseline in one setting, judged together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from benchmark.errors import RequestError
from benchmark.judge.compare import check_rule, conclude
from benchmark.judge.comparison import Comparison, Reading
from benchmark.judge.evidence import Evidence, gather
from benchmark.judge.floor import aa_effects
from benchmark.judge.pairing import Excluded, tabulate
from benchmark.judge.selection import Selection, best
from benchmark.judge.significance import holm

__all__ = ["Halves", "Rule", "best_of", "concluded", "confirmed", "judged", "selected", "settings_of"]

Halves = tuple[Sequence[str], Sequence[str]]
"""The origins that select a candidate, and those that confirm it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a study fixed before it was run: see ``compare``."""

    rope: float = 0.01
    level: float = 0.95
    host_effects: str = "auto"
    excluded: Excluded = ()
    variants_tried: Mapping[str, int] = field(default_factory=dict)


def settings_of(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """The settings of these arms in a table that ``tabulate`` returned, the leading one (tuned) first."""
    arms = table[table["component"].isin(list(names)) & ~table["reference"]]
    return sorted(set(arms["setting"]), key=lambda setting: (setting != "tuned", setting))


def judged(
    table: pd.DataFrame,
    candidates: Sequence[str],
    baseline: str,
    setting: str,
    rule: Rule,
    aa: pd.DataFrame,
) -> list[Comparison]:
    """Every candidate against the baseline, on all their records.

    Intervals are simultaneous over the comparisons of nonzero variance, Holm's adjustment is over all.
    """
    family = _family(table, candidates, baseline, setting, rule, aa)
    return concluded(family, rule, family_size=max(sum(1 for one in family if one.estimate.error), 1))


def concluded(
    family: Sequence[Evidence],
    rule: Rule,
    *,
    family_size: int,
    readings: Sequence[Reading | None] | None = None,
    withheld: str | None = None,
) -> list[Comparison]:
    """The comparisons that each evidence supports, with p values adjusted for their number."""
    adjusted = holm([evidence.p_wilcoxon for evidence in family])
    return [
        conclude(
            evidence,
            rope=rule.rope,
            level=rule.level,
            family=family_size,
            p_holm=p,
            variants_tried=rule.variants_tried.get(evidence.candidate),
            reading=reading,
            withheld=withheld,
        )
        for evidence, p, reading in zip(family, adjusted, readings or [None] * len(family), strict=True)
    ]


def selected(
    records: pd.DataFrame,
    origins: Sequence[str],
    *,
    candidates: Sequence[str],
    baselines: Sequence[str],
    rope: float = 0.01,
    level: float = 0.95,
    host_effects: str = "auto",
    excluded: Excluded = (),
) -> dict[str, str]:
    """By baseline the candidate that the selecting half chooses, before anything is run to confirm it.

    The one of the largest mean effect on ``origins`` in the leading setting, of equal ones the first.
    ``judge`` with the same arguments chooses the same.

    Raises
    ------
    RequestError
        As ``compare`` does.
    """
    check_rule(rope, level)
    rule = Rule(rope, level, host_effects, excluded)
    return best_of(tabulate(records), candidates, baselines, rule, origins)


def best_of(
    table: pd.DataFrame,
    candidates: Sequence[str],
    baselines: Sequence[str],
    rule: Rule,
    origins: Sequence[str],
) -> dict[str, str]:
    """As :func:`selected`, of what ``tabulate`` returned."""
    half = _of(table, origins)
    settings = settings_of(half, [*candidates, *baselines])
    if not settings:
        raise RequestError(f"records: nothing of the {len(origins)} origins that select a candidate")
    found = {}
    for baseline in baselines:
        aa = aa_effects(half, baseline, settings[0])
        family = _family(half, candidates, baseline, settings[0], rule, aa)
        if family:
            found[baseline] = best({evidence.candidate: evidence.estimate.mean for evidence in family})
    return found


def confirmed(
    table: pd.DataFrame,
    candidates: Sequence[str],
    baseline: str,
    setting: str,
    rule: Rule,
    halves: Halves,
    chosen: str,
) -> tuple[list[Comparison], Selection]:
    """The chosen candidate judged on the confirming half alone, the others without a verdict.

    Only the chosen one is looked at there, so that nothing has to be corrected for. The others carry their
    numbers on the selecting half and the flag ``not_selected``.

    Raises
    ------
    RequestError
        Where the chosen one has no records on the confirming half.
    """
    first, rest = (_of(table, half) for half in halves)
    mine = (rest["component"] == chosen) & (rest["setting"] == setting) & ~rest["reference"]
    if not mine.any():
        raise RequestError(f"records: '{chosen}' was selected against '{baseline}' and not run to confirm it")
    selecting, confirming = (
        _family(half, names, baseline, setting, rule, aa_effects(half, baseline, setting))
        for half, names in ((first, candidates), (rest, [chosen]))
    )
    ours = concluded(confirming, rule, family_size=1)[0]
    shown = concluded(selecting, rule, family_size=len(selecting), withheld="not_selected")
    flattered = next(one for one in shown if one.candidate == chosen)
    found = Selection(
        baseline=baseline,
        setting=setting,
        selected=chosen,
        selecting=flattered.effect.mean,
        confirming=ours.effect.mean,
        n_selecting=flattered.n["origins"],
        n_confirming=ours.n["origins"],
        candidates=len(selecting),
    )
    return [ours if one.candidate == chosen else one for one in shown], found


def _family(
    table: pd.DataFrame,
    candidates: Sequence[str],
    baseline: str,
    setting: str,
    rule: Rule,
    aa: pd.DataFrame,
) -> list[Evidence]:
    how: dict[str, Any] = {"host_effects": rule.host_effects, "excluded": rule.excluded}
    return [
        gather(table, name, baseline, setting, rope=rule.rope, aa=aa, **how)
        for name in candidates
        if name != baseline
    ]


def _of(table: pd.DataFrame, origins: Sequence[str]) -> pd.DataFrame:
    return table[table["origin"].isin(list(origins)).to_numpy()]
