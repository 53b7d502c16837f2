"""Every pair of several methods as a comparison has it: effect, simultaneous interval, verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from benchmark.judge.effects import relative
from benchmark.judge.field.entrants import Entrants, cell_means
from benchmark.judge.field.pairwise import signed_rank_pairs
from benchmark.judge.floor import Floor, aa_effects, noise_floor
from benchmark.judge.intervals import (
    Estimate,
    effective_hosts,
    estimate,
    interval,
    resolve_host_effects,
    simultaneous,
    within_range,
)
from benchmark.judge.verdict import Verdict, decide

__all__ = ["all_pairs", "floors_of"]


def all_pairs(
    field: Entrants,
    effects: pd.DataFrame,
    floors: Mapping[str, Floor],
    *,
    rope: float,
    level: float,
    host_effects: str,
) -> pd.DataFrame:
    """One row per pair: what ``compare(records, first, second)`` says, of one family of all pairs.

    The columns of ``signed_rank_pairs``, then low and high (``ci_verdict``: Bonferroni's over the pairs whose
    effects vary), verdict, flags, wins, ties, losses (of the first, over tasks, after the floor) and
    noise_floor (the larger one of the two methods' A/A floors, NaN without any).

    Parameters
    ----------
    effects : pandas.DataFrame
        What ``pair_effects(field)`` returns.
    floors : mapping of method to Floor
        Of the methods that were run against themselves: see :func:`floors_of`.
    rope, level, host_effects
        As for ``compare``.

    Raises
    ------
    RequestError
        When ``random`` is asked for with one host.
    """
    cubes = _cubes(field, effects)
    kind = resolve_host_effects(host_effects, effective_hosts(~np.isnan(cubes[0])))
    found = [estimate(cube, kind) for cube in cubes]
    each = simultaneous(level, sum(1 for one in found if one.error))
    reverse = _reversed(field, list(effects.columns), [one.mean for one in found])
    bars = [_floor(floors, pair) for pair in effects.columns]
    rows = [
        _judged(one, each, rope, bar, turned) for one, bar, turned in zip(found, bars, reverse, strict=True)
    ]
    tests = signed_rank_pairs(field.by_origin(effects))
    tallies = _tallies(field, effects, floors, rope)
    return pd.concat(
        [tests, pd.DataFrame(rows), tallies, pd.Series(bars, dtype=float, name="noise_floor")], axis=1
    )


def floors_of(table: pd.DataFrame, field: Entrants, settings: Mapping[str, str]) -> dict[str, Floor]:
    """The noise floor, on the field's cells, of every method that ``table`` holds A/A arms of."""
    repeated = table.loc[~table["reference"] & (table["replicate"] != 0).to_numpy(), "component"]
    places = field.cells.index.to_frame(index=False)[["task", "host"]].astype("str")
    floors = {}
    for name in sorted(set(repeated) & set(field.methods)):
        floor = noise_floor(aa_effects(table, name, settings[name]), among=places)
        if floor.mean is not None:
            floors[name] = floor
    return floors


def _cubes(field: Entrants, effects: pd.DataFrame) -> np.ndarray:
    """The effects as ``effects.grid`` has them, ``(n_pairs, n_origins, n_hosts)``."""
    origins = effects.index.get_level_values("origin")
    means = effects.groupby([origins, field.base_hosts.to_numpy()], sort=True).mean()
    (origin, _), (host, _) = (means.index.get_level_values(level).factorize(sort=True) for level in (0, 1))
    cubes = np.full((effects.shape[1], origin.max() + 1, host.max() + 1), np.nan)
    cubes[:, origin, host] = means.to_numpy().T
    return cubes


def _judged(
    found: Estimate, each: float, rope: float, floor: float | None, turned: bool
) -> dict[str, str | float]:
    ends = within_range(interval(found, each))
    verdict: Verdict = decide(
        origins=found.origins,
        ci_verdict=ends,
        ci90=within_range(interval(found, 0.90)),
        rope=rope,
        floor=floor,
        reversed_without_failures=turned,
    )
    low, high = ends or (np.nan, np.nan)
    return {"low": low, "high": high, "verdict": verdict.name, "flags": " ".join(verdict.flags)}


def _floor(floors: Mapping[str, Floor], pair: tuple[str, str]) -> float | None:
    return max((floors[name].mean or 0.0 for name in pair if name in floors), default=None)


def _tallies(
    field: Entrants, effects: pd.DataFrame, floors: Mapping[str, Floor], rope: float
) -> pd.DataFrame:
    """Wins, ties and losses of the first over tasks, every base host weighing the same."""
    origins, tasks = (effects.index.get_level_values(name) for name in ("origin", "task"))
    by_host = effects.groupby([origins, tasks, field.base_hosts.to_numpy()], sort=True).mean()
    by_task = by_host.groupby(level=[0, 1], sort=True).mean()
    names = by_task.index.get_level_values(1)
    nothing = np.full(len(names), np.nan)
    own = {
        name: floors[name].by_task().reindex(names).to_numpy(dtype=float) if name in floors else nothing
        for name in field.methods
    }
    bars = np.column_stack([np.fmax(own[one], own[other]) for one, other in effects.columns])
    bars = np.fmax(bars, rope)
    values = by_task.to_numpy()
    wins, losses = (values > bars).sum(axis=0), (values < -bars).sum(axis=0)
    return pd.DataFrame({"wins": wins, "ties": len(values) - wins - losses, "losses": losses})


def _reversed(field: Entrants, pairs: Sequence[tuple[str, str]], means: Sequence[float]) -> np.ndarray:
    """Whether the effect has the other sign over the blocks in which neither of a pair failed."""
    failing = set(field.failures[field.failures > 0].index)
    some = [number for number, pair in enumerate(pairs) if failing & set(pair)]
    turned = np.zeros(len(pairs), dtype=bool)
    if some:
        starts = np.flatnonzero(~field.blocks.index.droplevel(["repeat", "fold", "seed"]).duplicated())
        clean = np.column_stack([_complete_case(field, starts, *pairs[number]) for number in some])
        known = field.by_origin(pd.DataFrame(clean, field.cells.index)).mean()
        turned[some] = known.to_numpy() * np.asarray(means)[some] < 0
    return turned


def _complete_case(field: Entrants, starts: np.ndarray, first: str, second: str) -> np.ndarray:
    """Δ by cell over the blocks in which neither failed, ``(n_cells,)``; NaN where there is none."""
    ours, theirs = (field.methods.index(name) for name in (first, second))
    failed = field.failed.to_numpy()[:, [ours, theirs]].any(axis=1)
    # Zeros instead of failures scale both means of a cell alike, and Δ is free of scale.
    clean = np.where(failed[:, None], 0.0, field.blocks.to_numpy()[:, [ours, theirs]])
    means = cell_means(clean, starts)
    nothing = np.logical_and.reduceat(failed, starts)
    return np.where(nothing, np.nan, relative(means[:, 1], means[:, 0]))
