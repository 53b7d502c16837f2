"""Every candidate of a study against every baseline, in every setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmark.errors import RequestError, nearest
from benchmark.findings import Finding
from benchmark.judge.compare import check_rule
from benchmark.judge.comparison import Comparison, plain
from benchmark.judge.controls import Control, controls_of
from benchmark.judge.factors.interaction import Factors, Interaction, interact
from benchmark.judge.factors.scaling import FACTORS, Scaling, scale
from benchmark.judge.family import Halves, Rule, best_of, confirmed, judged, settings_of
from benchmark.judge.field.entrants import complete
from benchmark.judge.floor import Floor, aa_effects, noise_floor
from benchmark.judge.ordered import Order, in_order
from benchmark.judge.pairing import Excluded, tabulate
from benchmark.judge.selection import Selection
from benchmark.judge.side_by_side.board import Board, side_by_side

__all__ = ["VERDICT_SCHEMA", "Judgement", "judge"]

VERDICT_SCHEMA = 1
NAMES = ("candidate", "baseline", "setting")
BOARD_FROM = 3
"""Two arms are compared; from three on they stand side by side as well."""


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
    selections: tuple[Selection, ...] = ()
    """With a selecting and a confirming half: one for every setting and baseline."""
    primary: Comparison | None = None
    """The one comparison that the study was made for; the others are secondary."""
    board: Board | None = None
    """Candidates and baselines side by side in the leading setting, on the origins that all of them have
    completely; None where these are fewer than three arms, or there is no such origin."""
    findings: tuple[Finding, ...] = ()
    """What was noticed that concerns no single comparison, the worst first."""
    controls: tuple[Control, ...] = ()
    """What the study had to show of itself, baseline by baseline; empty where nobody asked."""

    def to_json(self, *, study: str, slot: str, metric: str) -> dict[str, Any]:
        """``verdict.json`` as plain values. Outside ``volatile`` a function of the errors alone."""
        parts: dict[str, Sequence[Scaling | Interaction | Selection | Control]]
        parts = {"scaling": self.scaling, "interaction": self.interactions, "selections": self.selections}
        parts |= {"controls": self.controls}
        first = self.primary
        return {
            "schema": VERDICT_SCHEMA,
            "study": study,
            "slot": slot,
            "metric": metric,
            "protocol": {"rope": self.rope, "level": self.level, "host_effects": self.host_effects},
            "primary": first and {name: getattr(first, name) for name in NAMES},
            "comparisons": [found.to_json() for found in self.comparisons],
            "findings": [found.to_json() for found in self.findings],
            **{name: [plain(one.to_json()) for one in found] for name, found in parts.items() if found},
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
    order: Sequence[str] | None = None,
    sequence: str = "bounded",
    confirm: Halves | None = None,
    primary: str | None = None,
    board: bool = True,
    controls: Sequence[str] | None = None,
) -> Judgement:
    """Every comparison of the records, with intervals and p values that hold for all candidates together.

    A family is the candidates against one baseline in one setting: intervals are simultaneous over its
    comparisons of nonzero variance, Holm's adjustment is over all of them.

    Parameters
    ----------
    candidates, baselines : sequence of str, optional
        By the records' column ``role`` unless given, in alphabetical order.
    records, rope, level, host_effects, excluded
        As for ``compare``.
    variants_tried : mapping of str to int, optional
        How many variants of each candidate the store has seen.
    factors : mapping of arm to mapping of slot to level, optional
        For a study of two slots: what every candidate and baseline puts into each of them.
    order : sequence of str, optional
        The origins in the order in which they were run. Every comparison is then read off one confidence
        sequence, at the first look that settles it: see ``ordered.in_order``. ``sequence`` says which one:
        ``bounded`` asks nothing of the effects, ``normal`` that they are normal.
    confirm : pair of sequences of str, optional
        The origins that select a candidate and those that confirm it: see ``family.confirmed``.
    primary : str, optional
        The candidate that the study was made for: the first one, or the one that was selected.
    board : bool
        Whether the arms are put side by side too, where there are three.
    controls : sequence of str, optional
        What the study checks itself with besides its A/A arms; None for a table that is no study's.

    Raises
    ------
    RequestError
        When the table or an argument does not make sense, or blocks are incomplete.
    """
    check_rule(rope, level)
    rule = Rule(rope, level, host_effects, excluded, variants_tried or {})
    asked = None if order is None else Order(tuple(order), sequence)
    rule = rule if asked is None else asked.checked(rule)
    table = tabulate(records)
    found = _judged(table, candidates, baselines, rule, _Course(asked, confirm, factors), primary)
    if controls is not None:
        found = replace(found, controls=_controls(records, table, controls, (candidates, baselines), rule))
    return replace(found, board=_board(table, candidates, baselines, rule)) if board else found


def _controls(
    records: pd.DataFrame,
    table: pd.DataFrame,
    asked: Sequence[str],
    named: tuple[Sequence[str] | None, Sequence[str] | None],
    rule: Rule,
) -> tuple[Control, ...]:
    candidates, baselines = (
        _arms(table, role, names) for role, names in zip(("candidate", "baseline"), named, strict=True)
    )
    setting = settings_of(table, baselines)[0]
    return controls_of(records, asked, baselines=baselines, candidates=candidates, setting=setting, rule=rule)


class _Course(NamedTuple):
    """How a study was run, other than as a whole."""

    order: Order | None
    confirm: Halves | None
    factors: Factors | None


def _judged(
    table: pd.DataFrame,
    candidates: Sequence[str] | None,
    baselines: Sequence[str] | None,
    rule: Rule,
    course: _Course,
    primary: str | None,
) -> Judgement:
    if sum(part is not None for part in course) > 1:
        raise RequestError("judge: order, confirm and factors do not go together, one of them at a time")
    if course.confirm and (both := sorted(set(course.confirm[0]) & set(course.confirm[1]))):
        raise RequestError(f"confirm: '{both[0]}' is in both halves, and may not confirm what it selected")
    ours, theirs = _arms(table, "candidate", candidates), _arms(table, "baseline", baselines)
    chosen = best_of(table, ours, theirs, rule, course.confirm[0]) if course.confirm else {}
    comparisons: list[Comparison] = []
    selections: list[Selection] = []
    floors: dict[tuple[str, str], Floor] = {}
    interactions: list[Interaction] = []
    for setting, baseline in product(settings_of(table, [*ours, *theirs]), theirs):
        aa = aa_effects(table, baseline, setting)
        floors[baseline, setting] = noise_floor(aa)
        family = (table, ours, baseline, setting, rule)
        if course.order is not None:
            comparisons += in_order(*family, course.order, aa)
        elif course.confirm is not None and baseline in chosen:
            found, one = confirmed(*family, course.confirm, chosen[baseline])
            comparisons += found
            selections.append(one)
        else:
            comparisons += judged(*family, aa)
        if course.factors is not None:
            how: dict[str, Any] = {"host_effects": rule.host_effects, "excluded": rule.excluded}
            interactions.append(interact(table, course.factors, baseline, setting, **how))
    kinds = {found.host_effects for found in comparisons}
    return Judgement(
        comparisons=tuple(comparisons),
        aa=floors,
        references=_references(table, ours, theirs),
        rope=rule.rope,
        level=rule.level,
        host_effects=kinds.pop() if len(kinds) == 1 else rule.host_effects,
        scaling=_scaling(comparisons, rule.host_effects),
        interactions=tuple(interactions),
        selections=tuple(selections),
        primary=_primary(comparisons, primary, chosen),
    )


def _primary(
    comparisons: Sequence[Comparison], named: str | None, chosen: Mapping[str, str]
) -> Comparison | None:
    """The named candidate's first comparison, else that of the selected one, else the very first."""
    if named is None:
        named = next((chosen[one.baseline] for one in comparisons[:1] if one.baseline in chosen), None)
    elif named not in (known := list(dict.fromkeys(one.candidate for one in comparisons))):
        raise RequestError(f"primary={named}: not among the candidates, {nearest(named, known)}")
    return next((one for one in comparisons if named in (None, one.candidate)), None)


def _board(
    table: pd.DataFrame, candidates: Sequence[str] | None, baselines: Sequence[str] | None, rule: Rule
) -> Board | None:
    """All arms in the leading setting, on the origins of which each has the same blocks."""
    ours, theirs = _arms(table, "candidate", candidates), _arms(table, "baseline", baselines)
    names = list(dict.fromkeys([*ours, *theirs]))
    if len(names) < BOARD_FROM:
        return None
    setting = settings_of(table, names)[0]
    found = complete(table, names, setting, excluded=rule.excluded)
    if found is None:
        return None
    return side_by_side(
        found,
        names,
        setting,
        alpha=round(1 - rule.level, 9),
        rope=rule.rope,
        level=rule.level,
        host_effects=rule.host_effects,
        target=theirs[0],
        excluded=rule.excluded,
    )


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
