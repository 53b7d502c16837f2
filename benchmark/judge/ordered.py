"""Candidates whose data sets came one after the other, each read where its verdict was settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmark.errors import RequestError, nearest
from benchmark.judge.compare import check_rule, decided
from benchmark.judge.comparison import Comparison, Reading, Sequential, Subset
from benchmark.judge.effects import by_task_and_host, grid, over_hosts
from benchmark.judge.evidence import Evidence, gather
from benchmark.judge.family import Rule, concluded, settings_of
from benchmark.judge.floor import Floor, aa_effects, noise_floor
from benchmark.judge.intervals import Interval, estimate, resolve_host_effects, simultaneous
from benchmark.judge.pairing import COORDINATE, Excluded, impute, left_out, pair, tabulate
from benchmark.judge.sequential import check_sequence, confidence_sequence, looks, stop

__all__ = ["Order", "in_order", "unsettled"]


class Order(NamedTuple):
    """The origins in the order fixed in advance, and the confidence sequence that verdicts are read off."""

    origins: tuple[str, ...]
    sequence: str = "bounded"

    def checked(self, rule: Rule) -> Rule:
        """The rule with fixed hosts, the only ones that a sequence is valid for.

        Raises
        ------
        RequestError
            For random hosts, an origin that is named twice or no origin, and an unknown sequence.
        """
        check_sequence(self.sequence)
        if rule.host_effects == "random":
            raise RequestError(
                "host_effects=random: with data sets in order hosts are fixed, since the same hosts"
                " recur in every data set"
            )
        if len(set(self.origins)) < len(self.origins) or not self.origins:
            raise RequestError("order: every origin once, and at least one")
        return replace(rule, host_effects=resolve_host_effects(rule.host_effects, 1))


class _Run(NamedTuple):
    """What one candidate showed against one baseline, origin by origin."""

    done: list[str]
    """The origins that the candidate has completely, in order."""
    planned: int
    effects: pd.DataFrame
    """One row per (task, host) of these: see ``effects.by_task_and_host``."""
    floor: Floor
    """Of the A/A arms on all their origins, since they ran first."""
    looks: pd.DataFrame


def in_order(
    table: pd.DataFrame,
    candidates: Sequence[str],
    baseline: str,
    setting: str,
    rule: Rule,
    order: Order,
    aa: pd.DataFrame,
) -> list[Comparison]:
    """Every candidate against the baseline, each read at the first look that settles it, else at the last.

    A look comes after every origin that the candidate has completely. All intervals of a family hold together
    by Bonferroni's bound over all of its candidates, whether they vary or not: it was fixed in advance.

    Parameters
    ----------
    table : pandas.DataFrame
        What ``tabulate`` returns. The baseline and its A/A arms have every origin, a candidate any number
        of the first ones.
    rule : Rule
        As ``Order.checked`` returns it.
    aa : pandas.DataFrame
        What ``aa_effects`` returns for the baseline, on all origins.

    Raises
    ------
    RequestError
        Where the table does not follow the order, or a candidate has no complete origin.
    """
    family = [name for name in candidates if name != baseline]
    each = simultaneous(rule.level, len(family))
    found, readings = [], []
    for name in family:
        run = _run(table, name, baseline, setting, rule, order, each, aa)
        if not run.done:
            raise RequestError(f"records: '{name}' ({setting}) is complete on no origin of the order")
        last = stop(run.looks) or len(run.done)
        evidence = gather(
            table[table["origin"].isin(run.done[:last]).to_numpy()],
            name,
            baseline,
            setting,
            rope=rule.rope,
            host_effects=rule.host_effects,
            aa=aa,
            excluded=rule.excluded,
        )
        found.append(replace(evidence, floor=run.floor))
        readings.append(_reading(found[-1], run, last, each, rule.rope, order.sequence))
    return concluded(found, rule, family_size=len(family), readings=readings)


def unsettled(
    records: pd.DataFrame,
    order: Sequence[str],
    *,
    candidates: Sequence[str],
    baselines: Sequence[str],
    rope: float = 0.01,
    level: float = 0.95,
    host_effects: str = "auto",
    excluded: Excluded = (),
    sequence: str = "bounded",
) -> list[str]:
    """The candidates that need the next origin of the order, as ``candidates`` names them.

    A candidate is done with when it is settled against every baseline in the leading setting, or has
    every origin. ``judge`` with the same arguments then reads each comparison where it was settled.

    Raises
    ------
    RequestError
        As :func:`in_order` does, but for a candidate without records: that one is unsettled.
    """
    check_rule(rope, level)
    asked = Order(tuple(order), sequence)
    rule = asked.checked(Rule(rope, level, host_effects, excluded))
    table = tabulate(records)
    setting = settings_of(table, [*candidates, *baselines])[0]
    open_ones = set()
    for baseline in baselines:
        aa = aa_effects(table, baseline, setting)
        family = [name for name in candidates if name != baseline]
        each = simultaneous(level, len(family))
        for name in family:
            run = _run(table, name, baseline, setting, rule, asked, each, aa)
            if stop(run.looks) is None and len(run.done) < run.planned:
                open_ones.add(name)
    return [name for name in candidates if name in open_ones]


def _run(
    table: pd.DataFrame,
    candidate: str,
    baseline: str,
    setting: str,
    rule: Rule,
    order: Order,
    each: float,
    aa: pd.DataFrame,
) -> _Run:
    places = [tuple(place) for name, *place in rule.excluded if name in (candidate, baseline)]
    floor = noise_floor(aa[~left_out(aa, places)])
    ours, theirs = (_blocks(table, name, setting, places) for name in (candidate, baseline))
    _check_origins(
        table, baseline, setting, order, fits_all=baseline not in {name for name, *_ in rule.excluded}
    )
    planned = [origin for origin in order.origins if (theirs["origin"] == origin).any()]
    done = _done(ours, theirs, candidate, planned)
    if not done:
        empty = looks(np.empty(0), level=each, rope=rule.rope, floor=floor.mean, sequence=order.sequence)
        return _Run(done, len(planned), pd.DataFrame(), floor, empty)
    seen = table[table["origin"].isin(done).to_numpy()]
    blocks = pair(seen, candidate, baseline, setting, excluded=rule.excluded)
    effects = by_task_and_host(impute(blocks))
    clean = effects.assign(effect=effects["complete_case"]).dropna(subset="effect")
    table_of_looks = looks(
        _by_origin(effects, done),
        level=each,
        rope=rule.rope,
        floor=floor.mean,
        complete_case=_by_origin(clean, done),
        sequence=order.sequence,
    )
    return _Run(done, len(planned), effects, floor, table_of_looks)


def _blocks(table: pd.DataFrame, component: str, setting: str, places: list[tuple[str, ...]]) -> pd.DataFrame:
    mine = (table["component"] == component) & (table["setting"] == setting) & ~table["reference"]
    rows = table[mine.to_numpy() & (table["replicate"] == 0).to_numpy()]
    return rows.loc[~left_out(rows, places), ["origin", *COORDINATE]]


def _check_origins(table: pd.DataFrame, baseline: str, setting: str, order: Order, *, fits_all: bool) -> None:
    """Nothing, or a RequestError where the baseline's origins are not those of the order."""
    there = set(_blocks(table, baseline, setting, [])["origin"].astype("str"))
    if strange := sorted(there - set(order.origins)):
        near = nearest(strange[0], order.origins)
        raise RequestError(f"order: no '{strange[0]}', which the records have; {near}")
    lacking = [origin for origin in order.origins if origin not in there]
    if lacking and fits_all:
        raise RequestError(f"records: '{baseline}' has no rows of '{lacking[0]}', which the order names")


def _done(ours: pd.DataFrame, theirs: pd.DataFrame, candidate: str, planned: list[str]) -> list[str]:
    """The first planned origins of which the candidate has every block of the baseline."""
    keys = pd.MultiIndex.from_frame(ours[COORDINATE].astype("str"))
    have = pd.MultiIndex.from_frame(theirs[COORDINATE].astype("str")).isin(keys)
    complete = pd.Series(have).groupby(theirs["origin"].astype("str").to_numpy()).all()
    first = next((place for place, origin in enumerate(planned) if not complete[origin]), len(planned))
    after = set(ours["origin"].astype("str")) & set(planned[first + 1 :])
    if after:
        later = next(origin for origin in planned if origin in after)
        raise RequestError(
            f"records: '{candidate}' has rows of '{later}' but not all of '{planned[first]}', which comes"
            " before it in the order"
        )
    return planned[:first]


def _by_origin(effects: pd.DataFrame, done: list[str]) -> np.ndarray:
    """The mean effect of each origin over its hosts, ``(n_origins,)``; NaN where there is none."""
    return np.asarray(over_hosts(effects, ["origin"]).reindex(done), dtype=float)


def _reading(evidence: Evidence, run: _Run, last: int, each: float, rope: float, sequence: str) -> Reading:
    seen = run.looks.head(last)
    final = seen.iloc[-1]
    values = _by_origin(run.effects, run.done[:last])
    told = Sequential(
        stopped_at=stop(seen),
        looks=last,
        planned=run.planned,
        sequence=sequence,
        e_value=float(final["e_value"]),
        e_value_t=float(final["e_value_t"]),
        table=seen,
    )
    return Reading(
        ci95=_last(values, 0.95, sequence),
        ci_verdict=(float(final["low"]), float(final["high"])),
        ci90=_last(values, 0.90, sequence),
        without_saturated=_without_saturated(evidence, run.done[:last], each, rope, sequence),
        sequential=told,
    )


def _last(effects: np.ndarray, level: float, sequence: str) -> Interval:
    low, high = confidence_sequence(effects, level, sequence)
    return float(low[-1]), float(high[-1])


def _without_saturated(
    evidence: Evidence, done: list[str], each: float, rope: float, sequence: str
) -> Subset | None:
    if not evidence.tasks["saturated"].any():
        return None
    rest = evidence.effects[~evidence.effects["saturated"]]
    if rest.empty:
        return Subset(0, None, None, "INSUFFICIENT")
    kept = set(rest["origin"])
    ends = _last(_by_origin(rest, [origin for origin in done if origin in kept]), each, sequence)
    part = estimate(grid(rest), "fixed")
    return Subset(part.origins, part.mean, ends, decided(evidence, part, ends, ends, rope).name)
