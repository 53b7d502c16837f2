"""Every candidate of a study against every baseline, in every setting."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmark.errors import RequestError
from benchmark.judge.compare import Comparison, check_rule, conclude
from benchmark.judge.evidence import Evidence, gather
from benchmark.judge.floor import Floor, aa_effects, noise_floor
from benchmark.judge.interaction import Factors, Interaction, interact
from benchmark.judge.pairing import Excluded, tabulate
from benchmark.judge.scaling import FACTORS, Scaling, scale
from benchmark.judge.significance import holm

__all__ = ["VERDICT_SCHEMA", "Judgement", "judge"]

VERDICT_SCHEMA = 1

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
    "leave_one_task_out",
    "leave_one_host_out",
    "left_out",
    "sentence",
    "flags",
    "volatile",
)
"""The fields of a comparison that go into verdict.json as they are."""


@dataclass(frozen=True, eq=False)
class Judgement:
    """What the records of a study support."""

    comparisons: tuple[Comparison, ...]
    """Tuned first, then by baseline and candidate in the order they were given."""
    aa: Mapping[tuple[str, str], Floor]
    """The A/A effects and the floor, by (baseline, setting)."""
    references: pd.DataFrame
    """One row per (task, arm) of references, baselines and candidates, tuned where there is such a
    setting: task, arm, role, setting, error (mean over the cells that went well, NaN without one),
    cells, failures."""
    rope: float
    level: float
    host_effects: str
    """As the comparisons resolved it; as it was asked for where they differ."""
    scaling: tuple[Scaling, ...] = ()
    """For every comparison and every size that varies, in the order of the comparisons."""
    interactions: tuple[Interaction, ...] = ()
    """For a study of two slots: one for every setting and baseline."""

    def to_json(self, *, study: str, slot: str, metric: str) -> dict[str, Any]:
        """``verdict.json`` as plain values. Outside ``volatile`` a function of the errors alone."""
        parts: Mapping[str, Sequence[Scaling | Interaction]]
        parts = {"scaling": self.scaling, "interaction": self.interactions}
        return {
            "schema": VERDICT_SCHEMA,
            "study": study,
            "slot": slot,
            "metric": metric,
            "protocol": {"rope": self.rope, "level": self.level, "host_effects": self.host_effects},
            "comparisons": [_comparison(found) for found in self.comparisons],
            **{name: [_plain(one.to_json()) for one in found] for name, found in parts.items() if found},
        }


def judge(
    records: pd.DataFrame,
    *,
    candidates: Sequence[str] | None = None,
    baselines: Sequence[str] | None = None,
    rope: float = 0.01,
    level: float = 0.95,
    host_effects: str = "auto",
    excluded: Excluded = (),
    variants_tried: Mapping[str, int] | None = None,
    factors: Factors | None = None,
) -> Judgement:
    """Every comparison of the records, with intervals and p values that hold for all candidates together.

    A family is the candidates against one baseline in one setting: intervals are simultaneous over its
    comparisons of nonzero variance, Holm's adjustment is over all of them.

    Parameters
    ----------
    records : pandas.DataFrame
        As for ``compare``.
    candidates, baselines : sequence of str, optional
        By the records' column ``role`` unless given, in alphabetical order.
    rope, level, host_effects, excluded
        As for ``compare``.
    variants_tried : mapping of str to int, optional
        How many variants of each candidate the store has seen.
    factors : mapping of arm to mapping of slot to level, optional
        For a study of two slots: what every candidate and baseline puts into each of them.

    Raises
    ------
    RequestError
        When the table or an argument does not make sense, or blocks are incomplete.
    """
    check_rule(rope, level)
    table = tabulate(records)
    ours = _arms(table, "candidate", candidates)
    theirs = _arms(table, "baseline", baselines)
    arms = table[table["component"].isin([*ours, *theirs]) & ~table["reference"]]
    settings = sorted(set(arms["setting"]), key=lambda setting: (setting != "tuned", setting))
    comparisons: list[Comparison] = []
    floors: dict[tuple[str, str], Floor] = {}
    interactions: list[Interaction] = []
    rule: dict[str, Any] = {"host_effects": host_effects, "excluded": excluded}
    for setting in settings:
        for baseline in theirs:
            aa = aa_effects(table, baseline, setting)
            floors[baseline, setting] = noise_floor(aa)
            family = [
                gather(table, name, baseline, setting, aa=aa, **rule) for name in ours if name != baseline
            ]
            comparisons += _together(family, rope, level, variants_tried or {})
            if factors is not None:
                interactions.append(interact(table, factors, baseline, setting, **rule))
    kinds = {found.host_effects for found in comparisons}
    resolved = kinds.pop() if len(kinds) == 1 else host_effects
    references, scaling = _references(table, ours, theirs), _scaling(comparisons, host_effects)
    together = tuple(interactions)
    return Judgement(tuple(comparisons), floors, references, rope, level, resolved, scaling, together)


def _scaling(comparisons: Sequence[Comparison], host_effects: str) -> tuple[Scaling, ...]:
    found = [
        scale(
            c.effects,
            factor,
            candidate=c.candidate,
            baseline=c.baseline,
            setting=c.setting,
            host_effects=host_effects,
        )
        for c in comparisons
        for factor in FACTORS
    ]
    return tuple(one for one in found if one is not None)


def _together(
    family: Sequence[Evidence], rope: float, level: float, variants_tried: Mapping[str, int]
) -> list[Comparison]:
    varying = sum(1 for evidence in family if evidence.estimate.error)
    adjusted = holm([evidence.p_wilcoxon for evidence in family])
    return [
        conclude(
            evidence,
            rope=rope,
            level=level,
            family=max(varying, 1),
            p_holm=p,
            variants_tried=variants_tried.get(evidence.candidate),
        )
        for evidence, p in zip(family, adjusted, strict=True)
    ]


def _arms(table: pd.DataFrame, role: str, named: Sequence[str] | None) -> list[str]:
    if named is not None:
        return list(dict.fromkeys(named))
    found = sorted(set(table.loc[(table["role"] == role).to_numpy(), "component"]))
    if not found:
        raise RequestError(f"records: no row has role={role}, name the {role}s")
    return found


def _references(table: pd.DataFrame, candidates: Sequence[str], baselines: Sequence[str]) -> pd.DataFrame:
    named = table["component"].isin([*candidates, *baselines])
    cells = table[(table["reference"] | named) & (table["replicate"] == 0).to_numpy()]
    cells = cells.assign(failed=cells["error"].isna()).rename(columns={"component": "arm"})
    groups = cells.groupby(["task", "reference", "arm", "setting"], observed=True, sort=True)
    found = groups.agg(error=("error", "mean"), cells=("error", "size"), failures=("failed", "sum"))
    found = found.reset_index().astype({"task": "str", "arm": "str", "setting": "str"})
    tuned = set(zip(found["reference"], found["arm"], found["setting"] == "tuned", strict=True))
    preferred = [
        setting == "tuned" or (whole, arm, True) not in tuned
        for whole, arm, setting in zip(found["reference"], found["arm"], found["setting"], strict=True)
    ]
    found["role"] = np.select(
        [found["reference"], found["arm"].isin(list(baselines))],
        ["reference", "baseline"],
        default="candidate",
    )
    columns = ["task", "arm", "role", "setting", "error", "cells", "failures"]
    return found.loc[preferred, columns].reset_index(drop=True)


def _comparison(found: Comparison) -> dict[str, Any]:
    fields = {name: getattr(found, name) for name in SHOWN}
    fields["effect"] = asdict(found.effect)
    for name in ("without_saturated", "single_task"):
        value = getattr(found, name)
        fields[name] = None if value is None else asdict(value)
    plain = _plain(fields)
    assert isinstance(plain, dict)
    return plain


def _plain(value: Any) -> Any:
    """``value`` as JSON has it: lists, objects, and null for what is no finite number."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
