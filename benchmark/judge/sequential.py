"""Looking after every data set: intervals that hold at every look, and when to stop.

Data sets come in an order fixed in advance; after each the interval may be read and the study stopped,
for whatever reason, and the chance that any of its intervals ever misses the mean stays below 1 − level.
There are two such sequences, and a study names one before it starts:

``bounded`` asks for nothing but effects in [−1, 1]. No interval that asks for no more can find a small
effect early: if one data set in a hundred may lose everything, twenty small gains in a row say little.
With all n effects equal to x, no such method puts the lower end above (1 + x) · (α/2)^(1/n) − 1: zero cannot
be excluded before 76 data sets at x = 5 %, 39 at 10 %, 21 at 20 %, 6 at 90 % (α = .05).

``normal`` takes the effects of data sets as normal, as the t interval of a study of fixed length does, and
finds 5 % with a spread of 5 % after 14 data sets (``tests/judge/test_sequential.py`` measures both).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmark.errors import RequestError, nearest
from benchmark.judge.intervals import ROUNDING
from benchmark.judge.verdict import ORIGINS_NEEDED, decide

__all__ = [
    "SEQUENCES",
    "SETTLED",
    "check_sequence",
    "confidence_sequence",
    "e_value",
    "log_capital",
    "log_t_e_value",
    "looks",
    "stop",
    "t_e_value",
]

SEQUENCES = ("bounded", "normal")
SETTLED = ("HELPS", "HARMS", "EQUIVALENT")
"""The verdicts that end the looking."""

BETS = 32
SHARES = 1 - ((np.arange(BETS)[:, None] + 0.5) / BETS) ** 4
"""Shares of the capital at stake, one for each of the bets that share it equally: Beta(1, 1/4).

Most lie near 1, where a bet must be to notice small effects (Kelly's share of a mean of 2 % with a spread
of 5 % is above 1), some as low as .06 for effects that go up and down by everything. Zero is excluded
after 86 data sets (median) at a mean of 5 % and a spread of 5 %, 44 at 10 % and 5 %, 52 at 10 % and 20 %,
where a uniform prior takes 112, 57 and 65, an arcsine prior 104, 53 and 62, the paper's plug-in bets (at
most half the capital) 150, 76 and 81."""

PRIOR_SPREAD = 0.5
"""Standard deviation of the standardised effect under the alternative of the t e-value."""

OUTWARD = 1e-12
"""Every end is moved outward by this much: more than the arithmetic loses."""
STEPS = 200
MOST = 690.0
"""Largest logarithm of an e-value that is told: e^690 is still a number."""


def check_sequence(name: str) -> None:
    """Nothing, or a RequestError where there is no such confidence sequence."""
    if name not in SEQUENCES:
        raise RequestError(f"sequence={name}: {nearest(name, SEQUENCES)}")


def confidence_sequence(
    effects: np.ndarray, level: float, sequence: str = "bounded"
) -> tuple[np.ndarray, np.ndarray]:
    """Low and high ends, each ``(n,)``: with probability ``level`` all n intervals hold the mean.

    Each is the intersection of all up to it; where that would be empty, the last one that was not. Negated
    effects give the negated ends, exactly. An end depends on the effects before it, not on their order.

    ``bounded``: all means against which a bet on either side has not multiplied its capital by
    2 / (1 − level): Waudby-Smith and Ramdas (2024), *Estimating means of bounded random variables by
    betting*, arXiv:2010.09686, section 4; in place of their predictable bets a mixture of constant shares
    (Cover's universal portfolio; Orabona and Jun, arXiv:2110.14099), which needs no guess of the variance.
    ``normal``: Wang and Ramdas (2024), *Anytime-valid t-tests and confidence sequences for Gaussian means
    with unknown variance*, arXiv:2310.03722, with a normal prior; it starts at the fifth effect, since two
    equal effects are no proof that all are. Where most effects tie exactly and a few do not (saturated data
    sets), a run of ties still passes for no spread: with 60 to 70 % ties and a mean of 2δ it said EQUIVALENT
    in 5 to 9 % of studies.

    Parameters
    ----------
    effects : array of shape (n,)
        In the order of their data sets, each in [−1, 1].
    level : float
        Probability, over all looks together.
    sequence : str
        ``bounded`` or ``normal``.

    Raises
    ------
    RequestError
        For another sequence, and for effects outside [−1, 1].
    """
    check_sequence(sequence)
    if np.abs(effects).max(initial=0.0) > 1 + OUTWARD:
        raise RequestError(f"effects: {effects[np.abs(effects).argmax()]:g} lies outside −1 to 1")
    values = np.clip(effects, -1.0, 1.0)
    if sequence == "normal":
        return _intersected(*_t_ends(values, 1 - level))
    target = float(np.log(2 / (1 - level)))
    return _intersected(_lower_ends(values, target), -_lower_ends(-values, target))


def log_capital(effects: np.ndarray, mean: float) -> np.ndarray:
    """Logarithm of what a capital of 1 has become after each effect, betting that the mean is above ``mean``.

    A nonnegative martingale where it is ``mean`` and a supermartingale where it is less: by Ville's
    inequality it ever reaches 1 / α with probability α at most.

    Parameters
    ----------
    effects : array of shape (..., n)
        In [−1, 1], one after the other along the last axis.
    mean : float
        Above −1.
    """
    returns = (1 + effects) / (1 + mean)
    total = np.full(effects.shape, -np.inf)
    for share in SHARES[:, 0]:
        total = np.logaddexp(total, np.cumsum(np.log(1 - share + share * returns), axis=-1))
    return np.asarray(total - np.log(BETS))


def e_value(effects: np.ndarray, mean: float = 0.0) -> np.ndarray:
    """Evidence after each effect against a mean of ``mean``, for any effects in [−1, 1]: ``(..., n)``.

    The capital of a bettor with a half on either side. It may be read at any time: it ever reaches 1 / α with
    probability α at most. Told up to e^690.
    """
    both = np.logaddexp(log_capital(effects, mean), log_capital(-effects, -mean)) - np.log(2)
    return np.asarray(np.exp(np.minimum(both, MOST)))


def t_e_value(effects: np.ndarray, mean: float = 0.0) -> np.ndarray:
    """Evidence after each effect against a mean of ``mean``, for normal effects: ``(..., n)``.

    Like :func:`e_value` it may be read at any time, as far as the effects are normal.
    """
    return np.asarray(np.exp(np.minimum(log_t_e_value(effects, mean), MOST)))


def log_t_e_value(effects: np.ndarray, mean: float = 0.0) -> np.ndarray:
    """Logarithm of the scale-invariant t e-value after each effect: ``(..., n)``; 0 after the first.

    The Bayes factor with the right Haar prior on the scale and N(0, ½²) on the standardised effect, which is
    a martingale whatever the variance: Wang and Ramdas, arXiv:2310.03722.
    """
    n = np.arange(1, effects.shape[-1] + 1)
    means, squares = _running(effects)
    pull = n * (means - mean) ** 2
    wider = 1 + n * PRIOR_SPREAD**2
    ratio = np.ones_like(pull)
    np.divide(squares + pull, squares + pull / wider, out=ratio, where=pull > n * ROUNDING**2)
    return np.asarray(n / 2 * np.log(ratio) - np.log(wider) / 2)


def looks(
    effects: np.ndarray,
    *,
    level: float,
    rope: float,
    floor: float | None,
    complete_case: np.ndarray | None = None,
    sequence: str = "bounded",
) -> pd.DataFrame:
    """One row per look: n, mean, low, high, e_value, e_value_t (both against 0) and verdict.

    Parameters
    ----------
    effects : array of shape (n,)
        In the order of their data sets, each in [−1, 1].
    level : float
        Of the confidence sequence.
    rope, floor
        As for ``verdict.decide``, which reads every verdict off the sequence, EQUIVALENT too.
    complete_case : array of shape (n,), optional
        The effects without what was imputed, NaN where nothing is left.
    sequence : str
        ``bounded`` or ``normal``.
    """
    low, high = confidence_sequence(effects, level, sequence)
    n = np.arange(1, len(effects) + 1)
    means = np.cumsum(effects) / n
    clean = np.cumsum(np.nan_to_num(effects if complete_case is None else complete_case))
    verdicts = [
        decide(
            origins=int(seen),
            ci_verdict=(a, b),
            ci90=(a, b),
            rope=rope,
            floor=floor,
            reversed_without_failures=bool(other * mean < 0),
        ).name
        for seen, a, b, mean, other in zip(n, low.tolist(), high.tolist(), means, clean, strict=True)
    ]
    ends = {"n": n, "mean": means, "low": low, "high": high}
    evidence = {"e_value": e_value(effects), "e_value_t": t_e_value(effects)}
    return pd.DataFrame({**ends, **evidence, "verdict": verdicts})


def stop(seen: pd.DataFrame) -> int | None:
    """After how many data sets the verdict is settled (HELPS, HARMS or EQUIVALENT); None while it is not.

    Parameters
    ----------
    seen : pandas.DataFrame
        What :func:`looks` returns.
    """
    settled = np.flatnonzero(seen["verdict"].isin(SETTLED))
    return int(seen["n"].iloc[settled[0]]) if len(settled) else None


def _intersected(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.maximum.accumulate(low), np.minimum.accumulate(high)
    empty = np.flatnonzero(low > high)
    if len(empty) and (first := int(empty[0])):
        low[first:], high[first:] = low[first - 1], high[first - 1]
    return low, high


def _lower_ends(effects: np.ndarray, target: float) -> np.ndarray:
    """After each effect the largest mean so far against which the capital has reached e^target.

    In z = log(1 + mean) the logarithm of the capital is convex and falls, so Newton's steps from the left
    come from the excluded side and never pass the root: wherever they end, the end is on the safe side.
    """
    ends, z = np.full(len(effects), -1.0), -np.inf
    for n in range(1, len(effects) + 1):
        seen = 1 + effects[:n]
        if z == -np.inf and (best := seen.max()) > 0:
            least, kept = SHARES[-1, 0], 1 - SHARES[-1, 0]
            z = float(np.log(least * best) + (n - 1) * np.log(kept) - np.log(BETS) - target)
        if z > -np.inf:
            z = _climb(seen, z, target)
            ends[n - 1] = np.expm1(z)
    return np.maximum(np.maximum.accumulate(ends) - OUTWARD, -1.0)


def _climb(returns: np.ndarray, z: float, target: float) -> float:
    """From z, unless the capital there is below e^target already, to where it is that; one step at least."""
    for _ in range(STEPS):
        at_stake = SHARES * (returns * np.exp(-z))
        grown = 1 - SHARES + at_stake
        bets = np.log(grown).sum(axis=1)
        weights = np.exp(bets - (largest := bets.max()))
        excess = float(largest + np.log(weights.mean()) - target)
        if excess <= 0:
            return z
        fall = float(weights @ (at_stake / grown).sum(axis=1) / weights.sum())
        z += (step := excess / fall)
        if step < OUTWARD / 10:
            return z
    return z


def _t_ends(effects: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    n = np.arange(1, len(effects) + 1)
    means, squares = _running(effects)
    wider = 1 + n * PRIOR_SPREAD**2
    root = (wider / alpha**2) ** (1 / n)
    told = (root < wider) & (n >= ORIGINS_NEEDED)
    half = np.full(len(effects), np.inf)
    half[told] = np.sqrt((squares / n)[told] * (root - 1)[told] / (1 - root / wider)[told]) + OUTWARD
    return np.maximum(means - half, -1.0), np.minimum(means + half, 1.0)


def _running(effects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means and sums of squared deviations of the first 1, 2, … effects; what is rounding alone is 0."""
    n = np.arange(1, effects.shape[-1] + 1)
    means = np.cumsum(effects, axis=-1) / n
    before = np.concatenate([np.zeros_like(means[..., :1]), means[..., :-1]], axis=-1)
    squares = np.cumsum((effects - before) * (effects - means), axis=-1)
    return means, np.where(squares > n * ROUNDING**2, squares, 0.0)
