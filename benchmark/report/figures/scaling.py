"""Does the gain survive scale: the effect against a size, candidate by candidate, with the fitted line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from benchmark.judge import Scaling
from benchmark.report.figures.canvas import INK, PALETTE, PLAIN, Drawing, band, percent_axis
from benchmark.report.words import counted, label, percent

__all__ = ["scaling"]

_ACROSS = 3
_TICKS = 5
_TRENDS = {"rises": "rises", "falls": "falls", "open": "no change seen", "insufficient": "too few data sets"}
_NOUNS = {"rows": "rows of the task", "width": "width of the host"}


def scaling(every: Sequence[Scaling], factor: str, rope: float) -> Drawing | None:
    """One panel per candidate, each with its own scale of effects, or None where this size does not vary."""
    found = [one for one in every if one.factor == factor]
    if not found:
        return None
    across, down = min(len(found), _ACROSS), -(-len(found) // _ACROSS)
    width, height = 0.75 + 2.3 * across, 0.75 + 1.95 * down
    figure = Figure(figsize=(width, height))
    grid = figure.subplots(down, across, sharex=True, squeeze=False)
    figure.subplots_adjust(
        left=0.8 / width, right=0.98, bottom=0.6 / height, top=1 - 0.42 / height, hspace=0.42, wspace=0.32
    )
    several = len({one.baseline for one in found}) > 1
    for axes, one in zip(grid.flat, found, strict=False):
        _panel(axes, one, rope)
        name = f"{one.candidate} / {one.baseline}" if several else one.candidate
        trend = "open, failures" if one.imputed and one.trend == "open" else _TRENDS[one.trend]
        axes.set_title(f"{label(name, 22)}: {trend}", fontsize=8.5)
    for axes in grid.flat[len(found) :]:
        axes.set_visible(False)
    _sizes(grid[0, 0], sorted({size for one in found for size in one.sizes["size"]}))
    for axes in grid.flat[max(len(found) - across, 0) : len(found)]:
        axes.tick_params(labelbottom=True)
        axes.set_xlabel(_NOUNS[factor])
    figure.supylabel("effect against the baseline, %", x=0.08 / width, fontsize=9)
    alt = "; ".join(
        f"{one.candidate} {percent(one.slope.mean)} per doubling{_failures(one)}" for one in found
    )
    return Drawing(
        f"scale-{factor}",
        f"Effect against the {_NOUNS[factor]}",
        _caption(found),
        f"Change of the effect with the {factor}: {alt}.",
        figure,
        pd.concat([_named(one, one.sizes) for one in found], ignore_index=True),
    )


def _panel(axes: Axes, one: Scaling, rope: float) -> None:
    percent_axis(axes, "y")
    band(axes, rope, "y")
    for pair in one.slopes.itertuples():
        reach = np.array([pair.smallest, pair.largest])
        axes.plot(
            reach, pair.effect + pair.slope * (np.log2(reach) - pair.middle), color=PLAIN, alpha=0.4, lw=0.6
        )
    sizes = one.sizes
    axes.fill_between(
        sizes["size"], sizes["fitted_low"], sizes["fitted_high"], color=PALETTE[0], alpha=0.15, lw=0
    )
    axes.plot(sizes["size"], sizes["fitted"], color=PALETTE[0], lw=1.8)
    known = sizes.dropna(subset=["low", "high"])
    axes.vlines(known["size"], known["low"], known["high"], color=INK, lw=1)
    axes.scatter(sizes["size"], sizes["mean"], s=22, color=PALETTE[1], edgecolor=INK, lw=0.5, zorder=3)


def _sizes(axes: Axes, sizes: Sequence[float]) -> None:
    """A logarithmic axis whose ticks are sizes that were run."""
    axes.set_xscale("log", base=2)
    shown = (
        sizes if len(sizes) <= _TICKS else [sizes[round(k)] for k in np.linspace(0, len(sizes) - 1, _TICKS)]
    )
    axes.set_xticks(shown, [f"{size:,.0f}" for size in shown])
    axes.xaxis.set_minor_locator(NullLocator())


def _named(one: Scaling, rows: pd.DataFrame) -> pd.DataFrame:
    names = {
        "candidate": one.candidate,
        "baseline": one.baseline,
        "setting": one.setting,
        "factor": one.factor,
    }
    return rows.assign(**names)[[*names, *rows.columns]]


def _failures(one: Scaling) -> str:
    return f" ({counted(one.imputed, 'effect')} imputed)" if one.imputed else ""


def _caption(found: Sequence[Scaling]) -> str:
    first = found[0]
    failed = "; ".join(f"{one.candidate}{_failures(one)}" for one in found if one.imputed)
    imputed = f" Failures count as imputed: {failed}." if failed else ""
    n, hosts = first.n, first.slope.host_effects
    return (
        "Dots: mean effect over the data sets that have this size, with its 95 % interval. Line and band: "
        "mean of the lines fitted within each data set and host (grey), with its 95 % interval; the axis is "
        f"logarithmic. n = {counted(n['origins'], 'independent data set')} and {counted(n['hosts'], 'host')} "
        f"({hosts}) with sizes at least a factor of two apart; t interval over their slopes, alpha 0.05, for "
        f"each candidate alone. Grey area: too small to count (ROPE). Every panel has its own scale.{imputed}"
    )
