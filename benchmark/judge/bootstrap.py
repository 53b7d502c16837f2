"""A second opinion on the interval of the mean effect, which assumes no distribution.

The pigeonhole bootstrap of Owen (2007), *The pigeonhole bootstrap*, Ann. Appl. Stat. 1(2), section 3:
origins and hosts are drawn with replacement, independently of each other, and a combination weighs the
product of how often its origin and its host were drawn.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from benchmark.judge.intervals import Interval

__all__ = ["disagree", "pigeonhole"]

DRAWS = 1000
"""Drawn once for the effects and once, mirrored, for their negatives: twice as many means in all."""
SEED = 20070


def pigeonhole(effects: np.ndarray, host_effects: str, level: float = 0.95) -> Interval | None:
    """The percentile interval of the mean effect over resampled origins and hosts; None for one origin.

    Hosts are drawn again only where they are ``random``. As in ``intervals.moments`` an origin is the mean
    of the hosts it has, here of those that were drawn; an origin left without any is not counted, nor is a
    draw without any origin. A function of the effects alone: it does not depend on the order of origins
    and hosts (but for ties between unlike rows, to the accuracy of the draws), and negative effects give
    exactly the negative interval.

    The percentiles of few origins, or few random hosts, reach less far than a t interval does: of 95 %
    intervals over 5 normal origins about 84 % cover. It is a cross-check, not what verdicts rest on.

    Parameters
    ----------
    effects : array of shape (n_origins, n_hosts)
        NaN where a combination is not there; every origin has at least one host.
    host_effects : str
        ``fixed`` or ``random``.
    """
    if len(effects) < 2:
        return None
    means = np.concatenate([_means(effects, host_effects), -_means(-effects, host_effects)])
    means = means[~np.isnan(means)] + 0.0  # no minus before a zero
    out = int(len(means) * (1 - level) / 2)
    ordered = np.partition(means, [out, len(means) - 1 - out])
    return float(ordered[out]), float(ordered[len(means) - 1 - out])


def disagree(one: Interval | None, other: Interval | None) -> bool:
    """Whether one of two intervals tells the mean from zero and the other does not."""
    return one is not None and other is not None and _sign(one) != _sign(other)


def _sign(ends: Interval) -> int:
    return int(ends[0] > 0) - int(ends[1] < 0)


def _means(effects: np.ndarray, host_effects: str) -> np.ndarray:
    """The mean effect in each draw, ``(n_draws,)``; NaN where nothing was drawn that is there."""
    cells = _in_order(_in_order(effects).T).T
    seen = ~np.isnan(cells)
    known = np.where(seen, cells, 0.0)
    origins, hosts = cells.shape
    drawn = _drawn(origins, 0)
    again = _drawn(hosts, 1) if host_effects == "random" else np.ones((1, hosts))
    weight = again @ seen.T.astype(float)
    inside = np.divide(again @ known.T, weight, out=np.zeros_like(weight), where=weight > 0)
    counted = drawn * (weight > 0)
    total = counted.sum(axis=1)
    means = np.full(DRAWS, np.nan)
    np.divide((counted * inside).sum(axis=1), total, out=means, where=total > 0)
    return means


def _in_order(rows: np.ndarray) -> np.ndarray:
    """The rows by their mean, then by their sorted values: by no name, so that names change nothing."""
    within = np.sort(rows, axis=1)
    return rows[np.lexsort([*within.T[::-1], np.nanmean(within, axis=1)])]


@lru_cache(maxsize=16)
def _drawn(units: int, stream: int) -> np.ndarray:
    """How often each unit is drawn, ``(n_draws, units)``; the same at every call."""
    rng = np.random.default_rng([SEED, stream, units])
    times: np.ndarray = rng.multinomial(units, np.full(units, 1 / units), size=DRAWS).astype(float)
    return times
