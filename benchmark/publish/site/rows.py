"""Rows of the site's tables: what stands in a cell, what it is sorted by, where it leads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmark.judge import Comparison
from benchmark.publish.site.shown import Names, Shown
from benchmark.report.words import between, interval, label, percent, ratio, verdict_of

__all__ = ["Entrant", "Lane", "comparison_row", "entrant_rows", "lanes", "named", "prose"]

_LONG = 80
"""Characters of a name on a page; the rest is in its downloads."""
_LONGEST = 500
"""Characters of what somebody wrote."""


class Lane(NamedTuple):
    """Where a group's line passes a row: at its first, at its last, or between."""

    first: bool
    last: bool


class Entrant(NamedTuple):
    """A row of a board."""

    name: str
    page: str
    """From the root of the site."""
    role: str
    verdict: str
    """Empty for a baseline."""
    effect: float | None
    effect_said: str
    interval_said: str
    outcomes: str
    rank: float | None
    rank_said: str
    rank_interval: str
    bar: tuple[float, float, float] | None
    """The interval of the mean rank and the rank itself, in percent of the width."""
    lanes: Sequence[Lane | None]
    """Of every column of group lines: whether one passes."""
    groups: str
    """The numbers of its groups, for those who do not see lines."""
    failures: int | None
    seconds: float | None
    seconds_said: str
    front: bool
    may_lead: bool


def named(name: str) -> str:
    """A name as a page shows it: on one line, not longer than can be read."""
    return label(name, _LONG)


def prose(text: str) -> str:
    """What somebody wrote about a component, on one line."""
    return label(text, _LONGEST)


def entrant_rows(study: Shown, names: Names) -> list[Entrant]:
    """The rows of the study's board, the best mean rank first; without a board by effect."""
    board = study.judgement.board
    lead = study.settings[0] if study.settings else ""
    best = {c.candidate: c for c in reversed(study.judgement.comparisons) if c.setting == lead}
    if board is None:
        order = sorted(study.arms, key=lambda arm: -best[arm].effect.mean if arm in best else 0.0)
        return [_row(study, names, arm, best.get(arm), {}, [], "", len(order)) for arm in order]
    standing = {row["method"]: row for row in board.standing.to_dict("records")}
    order = list(standing)
    drawn = lanes(order, board.holm_cliques)
    numbers = {
        arm: [str(n) for n, clique in enumerate(board.holm_cliques, 1) if arm in clique] for arm in order
    }
    return [
        _row(
            study,
            names,
            arm,
            best.get(arm),
            standing[arm],
            drawn[arm],
            ", ".join(numbers[arm]),
            len(order),
        )
        for arm in order
    ]


def lanes(order: Sequence[str], cliques: Sequence[Sequence[str]]) -> dict[str, list[Lane | None]]:
    """Where the lines of groups pass every row; groups that do not meet share a column."""
    at = {name: place for place, name in enumerate(order)}
    ends: list[int] = []
    lines: list[list[tuple[int, int]]] = []
    for clique in cliques:
        places = [at[name] for name in clique]
        first, last = min(places), max(places)
        column = next((n for n, end in enumerate(ends) if end < first), len(ends))
        if column == len(ends):
            ends.append(-1)
            lines.append([])
        ends[column] = last
        lines[column].append((first, last))
    return {
        name: [
            next((Lane(at[name] == a, at[name] == b) for a, b in line if a <= at[name] <= b), None)
            for line in lines
        ]
        for name in order
    }


def _row(
    study: Shown,
    names: Names,
    arm: str,
    c: Comparison | None,
    standing: dict[str, Any],
    drawn: Sequence[Lane | None],
    groups: str,
    count: int,
) -> Entrant:
    rank, low, high = (_finite(standing.get(name)) for name in ("mean_rank", "rank_low", "rank_high"))
    seconds = _finite(standing.get("seconds"))
    bar = None
    if rank is not None and low is not None and high is not None:
        bar = (_place(low, count), _place(high, count), _place(rank, count))
    return Entrant(
        name=arm,
        page=names.component(study.about.slot, arm),
        role="baseline" if arm in study.baselines else "candidate",
        verdict="" if c is None else verdict_of(c),
        effect=None if c is None else c.effect.mean,
        effect_said="" if c is None else percent(c.effect.mean),
        interval_said="" if c is None else interval(c.effect.ci_verdict),
        outcomes="" if c is None else f"{c.wins} / {c.ties} / {c.losses}",
        rank=rank,
        rank_said="" if rank is None else f"{rank:.2f}",
        rank_interval=between((low, high)),
        bar=bar,
        lanes=drawn,
        groups=groups,
        failures=int(standing["failures"]) if standing else None,
        seconds=seconds,
        seconds_said=ratio(seconds),
        front=bool(standing.get("on_front", False)),
        may_lead=bool(standing.get("tied_for_first", False)),
    )


def _place(rank: float, count: int) -> float:
    return round(100 * (rank - 1) / max(count - 1, 1), 2)


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def comparison_row(c: Comparison) -> dict[str, Any]:
    """A comparison as a row of words."""
    cost = c.volatile["cost_ratio"].get("fit_seconds")
    return {
        "candidate": c.candidate,
        "baseline": c.baseline,
        "setting": c.setting,
        "verdict": verdict_of(c),
        "mean": c.effect.mean,
        "effect": percent(c.effect.mean),
        "interval": interval(c.effect.ci_verdict),
        "outcomes": f"{c.wins} / {c.ties} / {c.losses}",
        "n": c.n["origins"],
        "cost": ratio(cost),
        "sentence": c.sentence,
    }
