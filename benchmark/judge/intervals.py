"""Means of effects over origins and hosts, and how sure they are.

All functions take effects as ``(n_origins, n_hosts)``. The two-way cluster variance is that of Cameron,
Gelbach and Miller (2011), *Robust inference with multiway clustering*, J. Bus. Econ. Stat. 29(2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import special, stats

from benchmark.errors import RequestError, nearest

__all__ = [
    "LEAST_DF",
    "Estimate",
    "Interval",
    "Moments",
    "effective_hosts",
    "estimate",
    "estimate_as",
    "interval",
    "minimal_detectable_effect",
    "moments",
    "p_two_sided",
    "prediction",
    "resolve_host_effects",
    "simultaneous",
    "tasks_needed",
    "within_range",
]

Interval = tuple[float, float]

RANDOM_FROM = 4
"""Hosts from which on ``auto`` treats them as a sample of hosts."""
LEAST_DF = 0.5
"""With nearly all tasks on one host an interval over random hosts is as good as endless; it stays finite."""
POWER = 0.8
MOST_TASKS = 10_000
"""Past this many tasks the answer to "how many more?" is: not this way."""
ROUNDING = 1e-13
"""Effects lie in [−1, 1]: a standard error below this is the arithmetic's, not the data's."""


class Moments(NamedTuple):
    """Mean and cluster variances of the mean; arrays of the leading shape, or floats."""

    mean: np.ndarray
    by_origin: np.ndarray
    by_host: np.ndarray
    by_both: np.ndarray


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean effect with its uncertainty."""

    mean: float
    host_effects: str
    """``fixed`` or ``random``."""
    error: float | None
    """Standard error of the mean; None for a single origin."""
    df: float
    """Degrees of freedom of its t distribution."""
    origins: int
    hosts: float
    """Effective number of hosts."""
    spread: float
    """Standard deviation of the origins' means; 0 for a single origin."""
    shrinking: float
    """The part of the variance that more origins would divide."""
    staying: float
    """The part that only more hosts would shrink; 0 for fixed hosts."""


def effective_hosts(seen: np.ndarray) -> float:
    """How many hosts the mean rests on: 1 / Σ share², the number of hosts where each has the same share.

    A host that takes few of the tasks (one for images, say, among tables) adds little to what is known of
    hosts: counting it as a whole one made intervals cover .55 instead of .95 in a simulation with 17, 1, 1
    and 1 tasks. The share of a host is its weight in the mean; Kish (1965), *Survey Sampling*, section 8.2.

    Parameters
    ----------
    seen : array of shape (n_origins, n_hosts)
        True where a combination is there; every origin has at least one host.
    """
    shares = (seen / seen.sum(axis=1, keepdims=True)).mean(axis=0)
    return round(1.0 / float((shares**2).sum()), 9)


def resolve_host_effects(asked: str, hosts: float) -> str:
    """``fixed`` or ``random``: what was asked for, or for ``auto`` random from four effective hosts on.

    Raises
    ------
    RequestError
        For another word, and for ``random`` with a single host.
    """
    choices = ("auto", "fixed", "random")
    if asked not in choices:
        raise RequestError(f"host_effects={asked}: {nearest(asked, choices)}")
    if asked == "random" and hosts <= 1:
        raise RequestError("host_effects=random: one host is no sample of hosts, use fixed")
    if asked == "auto":
        return "random" if hosts >= RANDOM_FROM else "fixed"
    return asked


def moments(effects: np.ndarray) -> Moments:
    """Equal-weight mean over origins (of each origin's mean over its hosts) and its cluster variances.

    Parameters
    ----------
    effects : array of shape (..., n_origins, n_hosts)
        NaN where a combination is not there; every origin has at least one host.
    """
    seen = ~np.isnan(effects)
    origins, hosts = effects.shape[-2:]
    weights = seen / (origins * seen.sum(axis=-1, keepdims=True))
    known = np.where(seen, effects, 0.0)
    mean = (weights * known).sum(axis=-1).sum(axis=-1)
    residuals = weights * (known - mean[..., None, None])
    return Moments(
        mean,
        _corrected((residuals.sum(axis=-1) ** 2).sum(axis=-1), origins),
        _corrected((residuals.sum(axis=-2) ** 2).sum(axis=-1), hosts),
        _corrected((residuals**2).sum(axis=-1).sum(axis=-1), origins * hosts),
    )


def _corrected(variance: np.ndarray, clusters: int) -> np.ndarray:
    return variance * (clusters / max(clusters - 1, 1))


def estimate(effects: np.ndarray, host_effects: str) -> Estimate:
    """The mean effect and its standard error.

    ``fixed``: variance between origin means, n_origins − 1 degrees of freedom. ``random``: two-way
    cluster variance V_origin + V_host − V_both, floored at the larger one-way term, with
    min(n_origins, C) − 1 degrees of freedom, C being the effective number of hosts.

    Parameters
    ----------
    effects : array of shape (n_origins, n_hosts)
        NaN where a combination is not there.
    host_effects : str
        ``fixed`` or ``random``.
    """
    origins, hosts = len(effects), effective_hosts(~np.isnan(effects))
    found = moments(effects)
    by_origin, by_host, by_both = (float(part) for part in found[1:])
    variance, staying, df = by_origin, 0.0, float(origins - 1)
    if host_effects == "random":
        variance = max(by_origin + by_host - by_both, by_origin, by_host)
        staying, df = max(by_host - by_both, 0.0), max(min(origins, hosts) - 1, LEAST_DF)
    error = float(np.sqrt(variance))
    if error < ROUNDING:
        error = variance = staying = 0.0
    return Estimate(
        mean=float(found.mean),
        host_effects=host_effects,
        error=error if origins > 1 else None,
        df=df,
        origins=origins,
        hosts=hosts,
        spread=float(np.sqrt(by_origin * origins)) if origins > 1 else 0.0,
        shrinking=variance - staying,
        staying=staying,
    )


def estimate_as(effects: np.ndarray, asked: str) -> Estimate:
    """As :func:`estimate`, with fixed or random hosts as ``resolve_host_effects`` has it for these effects.

    For parts of a study, which may lie in fewer hosts than the whole: one host is taken as fixed.
    """
    hosts = effective_hosts(~np.isnan(effects))
    return estimate(effects, resolve_host_effects(asked if hosts > 1 else "auto", hosts))


def interval(found: Estimate, level: float) -> Interval | None:
    """The t interval of the mean at ``level``; None for a single origin."""
    if found.error is None:
        return None
    half = _quantile(level, found.df) * found.error
    return found.mean - half, found.mean + half


def within_range(ends: Interval | None) -> Interval | None:
    """The part of an interval of effects that effects can have: [−1, 1]."""
    return None if ends is None else (max(ends[0], -1.0), min(ends[1], 1.0))


def prediction(found: Estimate, level: float = 0.95) -> Interval | None:
    """Where the effect on one more origin should fall, averaged over as many hosts; None for one origin."""
    if found.error is None:
        return None
    half = _quantile(level, found.df) * float(np.hypot(found.spread, found.error))
    return found.mean - half, found.mean + half


def simultaneous(level: float, comparisons: int) -> float:
    """The level of each of several intervals that hold together at ``level``: 1 − (1 − level) / comparisons.

    Bonferroni's bound holds on each side and for any dependence between the comparisons, so that BETTER or
    HELPS is said of any candidate without reason at most half of 1 − level of the time. Šidák's level, a
    hair smaller, holds for both sides together: on one side 25 independent candidates pass it (2.53 %).
    """
    return 1 - (1 - level) / max(comparisons, 1)


def minimal_detectable_effect(found: Estimate, level: float) -> float | None:
    """The smallest true effect that an interval at ``level`` would tell from zero with 80 % power."""
    if found.error is None:
        return None
    return (_quantile(level, found.df) + float(stats.t.ppf(POWER, found.df))) * found.error


def tasks_needed(found: Estimate, level: float, *, rope: float, floor: float | None) -> int | None:
    """How many origins would settle it with 80 % power, were the effect seen the true one.

    Settled means told from zero at ``level``, or shown to lie within ``rope`` at 90 % where the noise
    ``floor`` allows that. None where more tasks alone would not do.
    """
    if found.error is None:
        return None
    tasks = np.arange(max(found.origins, 4) + 1, MOST_TASKS + 1)
    df = (tasks if found.host_effects == "fixed" else np.minimum(tasks, found.hosts)) - 1.0
    df = np.maximum(df, LEAST_DF)
    error = np.sqrt(found.shrinking * found.origins / tasks + found.staying)
    power = stats.t.ppf(POWER, df)
    size = abs(found.mean)
    settled = (stats.t.ppf((1 + level) / 2, df) + power) * error <= size
    if (floor or 0.0) < rope:
        settled |= size + (stats.t.ppf(0.95, df) + power) * error < rope
    return int(tasks[np.argmax(settled)]) if settled.any() else None


def p_two_sided(found: Estimate) -> float | None:
    """The t test's p value of a mean of zero; None for a single origin."""
    if found.error is None:
        return None
    if found.error == 0:
        return 1.0 if abs(found.mean) < ROUNDING else 0.0
    return float(2 * stats.t.sf(abs(found.mean) / found.error, found.df))


def _quantile(level: float, df: float) -> float:
    return float(special.stdtrit(df, (1 + level) / 2))
