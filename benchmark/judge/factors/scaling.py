"""Does an effect survive scale: its slope on the logarithm of the rows, and of the host's width.

Origins differ in level and in slope. Each (origin, base host) gets a least-squares slope of its own, and
the slopes are then averaged and tested as effects are: the mean group estimator of Pesaran and Smith (1995),
*Estimating long-run relationships from dynamic heterogeneous panels*, J. Econometrics 68(1). One slope
fitted to all rows at once would count every size of an origin as evidence of its own, and weigh origins by
how far apart their sizes lie.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmark.judge.effects import base_hosts, grid
from benchmark.judge.intervals import ROUNDING, Estimate, Interval, estimate_as, interval
from benchmark.judge.verdict import ORIGINS_NEEDED
from benchmark.judge.words import ends, percent, signed

__all__ = ["FACTORS", "Scaling", "scale", "slopes_of"]

FACTORS = ("rows", "width")
"""Columns of the effects that are sizes: of the task, and of the host."""
A_DOUBLING = 1.0
"""Sizes that span less say nothing of a doubling: a twin that lacks one row is no smaller task."""


@dataclass(frozen=True, eq=False)
class Scaling:
    """How the effect of one comparison changes with one size."""

    candidate: str
    baseline: str
    setting: str
    factor: str
    """One of FACTORS."""
    slope: Estimate
    """Change of the effect when the size doubles."""
    ci95: Interval | None
    """Of the slope, for this comparison alone; None for a single origin."""
    trend: str
    """``rises`` or ``falls`` where ``ci95`` excludes zero and, with failures, the complete cases alone say
    the same; else ``open``; ``insufficient`` with fewer than five origins."""
    level: float
    """Mean effect at each origin's and host's own middle size."""
    largest: float
    """The largest size of any origin and host."""
    at_largest: Estimate
    """The fitted effect there."""
    sizes: pd.DataFrame
    """One row per size: size, mean, low, high (the effects seen there), origins, hosts, fitted, fitted_low,
    fitted_high (95 %; NaN for a single origin)."""
    slopes: pd.DataFrame
    """One row per (origin, base host): origin, base_host, slope, effect (mean), middle (mean log2 size),
    smallest, largest."""
    n: Mapping[str, int]
    """origins, hosts (base hosts) and sizes that the slope rests on."""
    imputed: int
    """How many of the effects behind the slope, one per (task, host), have an imputed failure in them."""
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """The entry of ``verdict.json``."""
        sizes = [
            {"size": row.size, "mean": row.mean, "ci95": [row.low, row.high], "origins": row.origins}
            for row in self.sizes[["size", "mean", "low", "high", "origins"]].itertuples(name="Size")
        ]
        at_largest = {"size": self.largest, "mean": self.at_largest.mean}
        return {
            "candidate": self.candidate,
            "baseline": self.baseline,
            "setting": self.setting,
            "factor": self.factor,
            "slope": {"mean": self.slope.mean, "ci95": self.ci95},
            "trend": self.trend,
            "at_largest": at_largest | {"ci95": interval(self.at_largest, 0.95)},
            "sizes": sizes,
            "n": self.n,
            "imputed": self.imputed,
            "host_effects": self.slope.host_effects,
            "sentence": self.sentence,
        }


def scale(
    effects: pd.DataFrame, factor: str, *, candidate: str, baseline: str, setting: str, host_effects: str
) -> Scaling | None:
    """The slope of the effect on one size; None where no origin and host has sizes a doubling apart.

    Parameters
    ----------
    effects : pandas.DataFrame
        As ``effects.by_task_and_host`` returns it.
    factor : str
        One of FACTORS.
    host_effects : str
        ``auto``, ``fixed`` or ``random``; over the hosts that have a slope.
    """
    slopes = slopes_of(effects, factor)
    if slopes.empty:
        return None
    slope, level = estimate_as(grid(slopes, "slope"), host_effects), estimate_as(grid(slopes), host_effects)
    largest = float(slopes["largest"].max())
    at_largest = _fitted(slopes, largest, host_effects)
    used = _used(effects, factor, slopes)
    imputed, (trend, told) = int(used["imputed"].sum()), _judged(used, factor, slope, level)
    ci95, sizes = interval(slope, 0.95), _by_size(used, factor, slopes, host_effects)
    n = {name: slopes[column].nunique() for name, column in (("origins", "origin"), ("hosts", "base_host"))}
    names = (candidate, baseline)
    said = _change(names, factor, slope, (trend, told), (imputed, len(used)))
    if trend != "open" or not imputed:
        said += f" {_there(factor, largest, at_largest)}"
    return Scaling(
        *(*names, setting, factor, slope, ci95, trend, level.mean, largest, at_largest, sizes, slopes),
        n={**n, "sizes": len(sizes)},
        imputed=imputed,
        sentence=said,
    )


def slopes_of(effects: pd.DataFrame, factor: str) -> pd.DataFrame:
    """The slope of every (origin, base host) that has one: see ``Scaling.slopes``."""
    known = effects[effects[factor].notna()]
    values = known["effect"].to_numpy(dtype=float)
    sizes = known[[factor, *(name for name in FACTORS if name != factor)]].to_numpy(dtype=float)
    units = known["effect"].groupby([known["origin"], base_hosts(known)], sort=True).indices
    rows = []
    for (origin, host), at in units.items():
        if (slope := _slope(np.log2(sizes[at]), values[at])) is not None:
            own = sizes[at, 0]
            row = {"origin": origin, "base_host": host, "slope": slope, "effect": values[at].mean()}
            row |= {"middle": np.log2(own).mean(), "smallest": own.min(), "largest": own.max()}
            rows.append(row)
    columns = ["origin", "base_host", "slope", "effect", "middle", "smallest", "largest"]
    return pd.DataFrame(rows, columns=columns)


def _slope(sizes: np.ndarray, effects: np.ndarray) -> float | None:
    """Least squares on every size that varies here, all at once; the slope of the first, None where open.

    Together, because a grid of sizes may have holes: with a width that failed to fit on the larger tasks
    alone, a slope on the rows by itself would take up the effect of the width. In a full grid both ways give
    the same slope.

    Parameters
    ----------
    sizes : array of shape (n_effects, n_factors)
        Logarithms to base 2; NaN where a host or task has no such size.
    effects : array of shape (n_effects,)
    """
    varying = np.ptp(sizes, axis=0) >= A_DOUBLING
    if not varying[0]:
        return None
    design = np.column_stack([sizes[:, varying] - sizes[:, varying].mean(axis=0), np.ones(len(effects))])
    found, _, rank, _ = np.linalg.lstsq(design, effects, rcond=None)
    if rank < design.shape[1]:
        return None  # rows and width move together
    return float(found[0]) if abs(found[0]) > ROUNDING else 0.0


def _fitted(slopes: pd.DataFrame, size: float, host_effects: str) -> Estimate:
    """The mean of the fitted lines at a size; other sizes at their own middle."""
    there = slopes["effect"] + slopes["slope"] * (np.log2(size) - slopes["middle"])
    return estimate_as(grid(slopes.assign(effect=there)), host_effects)


def _used(effects: pd.DataFrame, factor: str, slopes: pd.DataFrame) -> pd.DataFrame:
    """The effects that a slope was fitted to."""
    fitted_here = pd.MultiIndex.from_frame(slopes[["origin", "base_host"]])
    units = pd.MultiIndex.from_arrays([effects["origin"], base_hosts(effects)])
    return effects[units.isin(fitted_here) & effects[factor].notna().to_numpy()]


def _by_size(used: pd.DataFrame, factor: str, slopes: pd.DataFrame, host_effects: str) -> pd.DataFrame:
    rows = []
    for size in np.unique(used[factor].to_numpy(dtype=float)):
        part = used[used[factor] == size]
        cells = grid(part)
        seen, line = estimate_as(cells, host_effects), _fitted(slopes, size, host_effects)
        row: dict[str, Any] = {"size": size, "mean": seen.mean}
        row["low"], row["high"] = interval(seen, 0.95) or (np.nan, np.nan)
        row |= {"origins": len(cells), "hosts": base_hosts(part).nunique(), "fitted": line.mean}
        row["fitted_low"], row["fitted_high"] = interval(line, 0.95) or (np.nan, np.nan)
        rows.append(row)
    return pd.DataFrame(rows)


def _trend(slope: Estimate) -> str:
    ci95 = interval(slope, 0.95)
    if slope.origins < ORIGINS_NEEDED or ci95 is None:
        return "insufficient"
    return "rises" if ci95[0] > 0 else "falls" if ci95[1] < 0 else "open"


def _judged(used: pd.DataFrame, factor: str, slope: Estimate, level: Estimate) -> tuple[str, float]:
    """The trend, and the level that words may speak of: with failures only what complete cases say as well.

    A failure at one size is a steep slope of what was imputed, and nothing that was measured.
    """
    trend = _trend(slope)
    if trend == "insufficient" or not used["imputed"].any():
        return trend, level.mean
    slopes = slopes_of(used.assign(effect=used["complete_case"]).dropna(subset=["effect"]), factor)
    if slopes.empty:
        return "open", 0.0
    same = _trend(estimate_as(grid(slopes, "slope"), slope.host_effects)) == trend
    alone = estimate_as(grid(slopes), slope.host_effects).mean
    return trend if same else "open", level.mean if alone * level.mean > 0 else 0.0


def _change(
    names: tuple[str, str], factor: str, slope: Estimate, judged: tuple[str, float], imputed: tuple[int, int]
) -> str:
    """The slope in words; ``judged`` is the trend and the level, ``imputed`` how many effects of how many."""
    trend, level = judged
    note = " ({} of {} effects imputed)".format(*imputed) if imputed[0] else ""
    effect = f"the effect of {names[0]} against {names[1]}"
    what = f"{effect} changes by {signed(slope.mean)} points per doubling of the {factor}"
    if trend == "insufficient":
        few = f"{slope.origins} independent data set{'s' if slope.origins > 1 else ''} with several sizes"
        return f"{few}: not enough to judge (five are needed); on these, {what}{note}."
    change = {"open": "no change with scale can be seen", "rises": "it rises", "falls": "it falls"}[trend]
    if trend != "open" and level:
        change = f"the {'gain' if level > 0 else 'loss'} {_grows(trend, level)} with scale"
    if trend != _trend(slope):
        change = "this rests on imputed failures and is not judged"
    return f"T{what[1:]} (95 % interval {ends(interval(slope, 0.95), signed)} points): {change}{note}."


def _grows(trend: str, level: float) -> str:
    return "grows" if (trend == "rises") == (level > 0) else "shrinks"


def _there(factor: str, largest: float, fitted: Estimate) -> str:
    size = f"{largest:,.0f} rows" if factor == "rows" else f"a {factor} of {largest:,.0f}"
    ci95 = interval(fitted, 0.95)
    sure = "" if ci95 is None else f" ({ends(ci95)})"
    return f"At {size}, the largest, the fitted effect is {percent(fitted.mean)}{sure}."
