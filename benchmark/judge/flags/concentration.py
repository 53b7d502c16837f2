"""A gain that rests on one task, one host or one seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from benchmark.findings import Finding
from benchmark.judge.comparison import Comparison
from benchmark.judge.effects import base_hosts, grid, leave_one_out, relative
from benchmark.judge.flags.seen import BLOCK, GAINS, PLACE, Seen, subject
from benchmark.judge.intervals import moments
from benchmark.judge.words import percent

__all__ = ["gain_from_one_host", "gain_from_one_seed", "gain_from_one_task"]

MOST = 0.5
"""Without it the mean effect is smaller than this share of the whole: it holds most of the gain."""
OUTLYING = 4.0
"""A task whose effect is so many times the largest of any other stands out where no verdict says so: one such
task makes every interval of the mean too wide for one."""


def gain_from_one_task(seen: Seen) -> Iterator[Finding]:
    """Without one of the tasks the gain is gone, or less than half of it is left."""
    for c in seen.comparisons:
        if not (c.verdict in GAINS or _outlying(c)):
            continue
        names = c.effects[["origin", "task"]].drop_duplicates().sort_values(["origin", "task"])["task"]
        yield from _one(c, "task", list(names), leave_one_out(c.effects)[0])


def gain_from_one_host(seen: Seen) -> Iterator[Finding]:
    """Without one of the hosts the gain is gone, or less than half of it is left."""
    for c in seen.gaining:
        yield from _one(c, "host", sorted(base_hosts(c.effects).unique()), leave_one_out(c.effects)[1])


def gain_from_one_seed(seen: Seen) -> Iterator[Finding]:
    """Without one of the seeds the gain is gone, or less than half of it is left."""
    for c in seen.gaining:
        if c.n["seeds"] < 2:
            continue
        seeds, (whole, *without) = _without_seeds(seen, c)
        if any(c.failures.values()) and not whole > c.rope:
            continue  # the gain is what stands for the failures, and no seed's
        yield from _one(c, "seed", seeds, np.array(without), whole)


def _outlying(c: Comparison) -> bool:
    """Whether the task of the largest gain has nothing like it among at least four others."""
    effects = c.tasks["effect"].to_numpy(dtype=float)
    rest = np.delete(effects, effects.argmax())
    return len(rest) >= 4 and bool(effects.max() > OUTLYING * max(np.abs(rest).max(), c.rope))


def _one(
    c: Comparison, what: str, names: Sequence[object], without: np.ndarray, whole: float | None = None
) -> Iterator[Finding]:
    """``whole``: the mean effect with all of them, where it is not the comparison's."""
    mean = c.effect.mean if whole is None else whole
    if not len(without) or not without.min() < MOST * mean:
        return
    named, left = names[int(without.argmin())], float(without.min())
    among = " over blocks in which no arm failed" if whole is not None and any(c.failures.values()) else ""
    yield Finding(
        f"gain_from_one_{what}",
        "warning",
        subject(c),
        f"{percent(mean)} on average{among}, and {percent(left)} without the {what} {named} alone",
        why=f"The verdict speaks of {what}s like these; a gain that one of them makes is a finding about "
        "that one, or a mistake in it.",
        advice=f"Look at {named} by itself, and run more {what}s.",
    )


def _without_seeds(seen: Seen, c: Comparison) -> tuple[list[object], list[float]]:
    """The seeds, and the mean effect with all and without each, over blocks in which no arm failed."""
    sides = [seen.rows_of(name, c.setting) for name in (c.candidate, c.baseline)]
    if any(c.failures.values()):
        at = [pd.MultiIndex.from_frame(rows[BLOCK]) for rows in sides]
        sides = [sides[0][at[0].isin(at[1])], sides[1][at[1].isin(at[0])]]
    sums = []
    for rows in sides:
        groups = rows.groupby([*PLACE, "seed"], observed=True, sort=True)["error"]
        sums.append((groups.sum().unstack(fill_value=0.0), groups.size().unstack(fill_value=0)))
    seeds = [seed for seed in sums[0][0].columns if seed in sums[1][0].columns]
    places = c.effects[["origin", *PLACE]].assign(base_host=base_hosts(c.effects))
    parts = [seeds, *([one for one in seeds if one != seed] for seed in seeds)]
    return seeds, [_mean(places, [_over(*side, part) for side in sums]) for part in parts]


def _over(total: pd.DataFrame, count: pd.DataFrame, seeds: Sequence[object]) -> pd.Series:
    """Mean errors by task and host over some of the seeds."""
    some = total.columns.isin(seeds)
    means = total.loc[:, some].sum(axis=1) / count.loc[:, some].sum(axis=1)
    return pd.Series(means.to_numpy(), pd.MultiIndex.from_tuples([tuple(map(str, at)) for at in means.index]))


def _mean(places: pd.DataFrame, sides: Sequence[pd.Series]) -> float:
    at = pd.MultiIndex.from_frame(places[PLACE].astype("str"))
    ours, theirs = (side.reindex(at).to_numpy(dtype=float) for side in sides)
    cells = places.assign(effect=np.where(np.isnan(ours + theirs), np.nan, relative(theirs, ours)))
    known = cells.dropna(subset="effect")
    return float(moments(grid(known)).mean) if len(known) else np.nan
