"""Each host's effect, pulled to the mean effect as far as the differences between hosts are noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.judge.intervals import ROUNDING

__all__ = ["Between", "between_hosts", "shrunken"]

SMALLEST = 1e-9
"""Of the normal equations' eigenvalues, counts relative to the largest: below is zero."""


@dataclass(frozen=True, slots=True)
class Between:
    """How much hosts differ, beside how much one combination of origin and host varies."""

    variance: float | None
    """Between hosts (τ²); None where no two hosts share an origin, or only one origin is shared."""
    noise: float | None
    """Of one combination, without what all hosts of its origin share (σ²); None likewise."""


def between_hosts(effects: np.ndarray) -> Between:
    """The variance between hosts and the rest, by the method of moments in Δ = μ + a_origin + c_host + e.

    Origins are taken out first, as every host sees the same ones: variances of the hosts' means, which
    DerSimonian and Laird (1986) start from, count what origins share as noise of each host and find hosts
    more alike than they are. Hosts weigh the same, as they do in the mean effect (the equal-weight moment
    estimator of DerSimonian and Kacker 2007, *Random-effects model for meta-analysis of clinical trials:
    an update*, Contemp. Clin. Trials 28): with inverse variances one host whose effects hardly vary would
    decide alone. Where every host takes every origin this is REML's estimate too.

    Parameters
    ----------
    effects : array of shape (n_origins, n_hosts)
        NaN where a combination is not there; every origin has at least one host.
    """
    seen = ~np.isnan(effects)
    hosts = seen.sum(axis=1, keepdims=True)
    known = np.where(seen, effects, 0.0)
    apart = np.where(seen, known - known.sum(axis=1, keepdims=True) / hosts, 0.0)
    normal = np.diag(seen.sum(axis=0)) - seen.T @ (seen / hosts)
    sizes, axes = np.linalg.eigh(normal)
    told = sizes > SMALLEST * max(sizes[-1], 1.0)
    rank = int(told.sum())
    left = int(seen.sum()) - len(effects) - rank
    if rank == 0 or left == 0:
        return Between(None, None)
    inverse = (axes[:, told] / sizes[told]) @ axes[:, told].T
    found = inverse @ apart.sum(axis=0)
    fitted = np.where(seen, found - (seen @ found)[:, None] / hosts, 0.0)
    noise = _variance(float(((apart - fitted) ** 2).sum()) / left)
    between = (float((found**2).sum()) - noise * float(np.trace(inverse))) / rank
    return Between(_variance(max(between, 0.0)), noise)


def shrunken(
    means: np.ndarray, errors: np.ndarray, origins: np.ndarray, *, mean: float, between: Between
) -> tuple[np.ndarray, np.ndarray]:
    """Each host's shrunken effect and its standard error, both ``(n_hosts,)``.

    A host's mean y over n origins becomes mean + (1 − B)(y − mean), B = (σ²/n) / (τ² + σ²/n): the best
    linear predictor of the host's own effect (Robinson 1991, *That BLUP is a good thing*, Stat. Sci. 6).
    Its variance is what the host's mean owes to origins, plus (σ²/n)(1 − B + B/C) for C hosts, plus
    2/(C − 1) · (B(y − mean))² for what is not known of τ² (Morris 1983, *Parametric empirical Bayes
    inference*, JASA 78, eq. 5.2, which has C − 3 and is for more hosts than most studies have). Simulated
    with 2 to 12 hosts, 6 to 50 origins and τ/σ from 0 to 1, 95 % t intervals with n − 1 degrees of freedom
    cover .93 to .99. Where hosts cannot be told from origins nothing is pulled.

    Parameters
    ----------
    means, errors : arrays of shape (n_hosts,)
        Each host's mean effect and its standard error over origins, NaN for a single origin.
    origins : array of shape (n_hosts,)
        How many each host has.
    mean : float
        The mean effect over origins and hosts.
    """
    if between.variance is None or between.noise is None:
        return means, errors
    sampling = between.noise / origins
    whole = between.variance + sampling
    pulled = np.divide(sampling, whole, out=np.zeros_like(whole), where=whole > 0)
    shared = np.maximum(errors**2 - sampling, 0.0)
    moved, hosts = pulled * (mean - means), len(means)
    own = sampling * (1 - pulled + pulled / hosts) + 2 / (hosts - 1) * moved**2
    return means + moved, np.sqrt(shared + own)


def _variance(value: float) -> float:
    """The value, or 0 where it is the arithmetic's alone."""
    return value if value >= ROUNDING**2 else 0.0
