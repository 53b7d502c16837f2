"""The best of several looks better than it is: by how much, and how to confirm it on other data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import integrate, stats

from benchmark.judge.intervals import Estimate
from benchmark.judge.pairing import UNSTATED
from benchmark.judge.words import percent

if TYPE_CHECKING:
    from benchmark.judge.comparison import Comparison

__all__ = ["Selection", "best", "curse", "expected_maximum", "warning", "winners_curse"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which candidate one half of the data sets selected, and what the other half says of it."""

    baseline: str
    setting: str
    selected: str
    """The candidate of largest mean effect on the selecting half, in the leading setting."""
    selecting: float
    """Its mean effect on the half that selected it, which flatters it."""
    confirming: float
    """Its mean effect on the other half, which does not."""
    n_selecting: int
    """Origins."""
    n_confirming: int
    candidates: int
    """Among how many it was selected."""

    @property
    def sentence(self) -> str:
        """What became of the effect, in words."""
        change = self.confirming - self.selecting
        apart = percent(abs(change)).removesuffix(" %")
        where = "" if self.setting == UNSTATED else f" ({self.setting} setting)"
        return (
            f"{self.selected} was selected among {_counted(self.candidates, 'candidate')} against"
            f" {self.baseline}: its effect{where} was {percent(self.selecting)} on the"
            f" {_counted(self.n_selecting, 'data set')} that selected it, and {percent(self.confirming)}"
            f" ({apart} points {'more' if change > 0 else 'less'}) on {self.n_confirming} fresh"
            f" one{'' if self.n_confirming == 1 else 's'}, which the verdict rests on."
        )

    def to_json(self) -> dict[str, Any]:
        """One of the ``selections`` of verdict.json."""
        return {**asdict(self), "sentence": self.sentence}


def best(means: Mapping[str, float]) -> str:
    """The candidate of the largest mean; of equal ones the first."""
    return max(means, key=lambda name: means[name])


def expected_maximum(k: int) -> float:
    """The mean of the largest of k independent standard normal variables: ∫ x k φ(x) Φ(x)^(k−1) dx."""
    with np.errstate(under="ignore"):
        mean, _ = integrate.quad(
            lambda x: x * np.exp(np.log(k) + stats.norm.logpdf(x) + (k - 1) * stats.norm.logcdf(x)),
            -10.0,
            40.0,
            points=[float(stats.norm.ppf(0.5 ** (1 / k)))],
            epsabs=1e-10,
            limit=200,
        )
    return float(mean)


def winners_curse(standard_error: float, k: int) -> float | None:
    """The mean effect that the best of k equally good variants shows by chance alone; None for one.

    The expected maximum of k independent estimates with this standard error.
    """
    return expected_maximum(k) * standard_error if k > 1 else None


def curse(found: Estimate, variants_tried: int | None) -> dict[str, Any]:
    """``variants_tried``, ``winners_curse`` and ``flags``, as a comparison's ``volatile`` has them.

    The flag ``winners_curse`` stands where the mean effect is above zero and at most twice as large as chance
    alone would make that of the best variant. A single origin does not tell how large that is.
    """
    size = None if found.error is None else winners_curse(found.error, variants_tried or 1)
    cursed = size is not None and size > 0 and 0 < found.mean <= 2 * size
    return {
        "variants_tried": variants_tried,
        "winners_curse": size,
        "flags": ["winners_curse"] if cursed else [],
    }


def warning(found: Comparison) -> str | None:
    """How much of a good effect the choice among variants may have made; None where that is little."""
    if "winners_curse" not in found.volatile["flags"]:
        return None
    tried, size = found.volatile["variants_tried"], percent(found.volatile["winners_curse"])
    return (
        f"{tried} variants of {found.candidate} were run in this store; the best of {tried} equally good ones"
        f" would look {size} better than it is by chance alone, and {percent(found.effect.mean)} was seen."
        " Confirm it on data that no variant was tried on."
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
