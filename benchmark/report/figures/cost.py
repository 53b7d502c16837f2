"""What an effect costs: fit seconds against the baseline's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from benchmark.judge import Comparison
from benchmark.judge.field.pareto import pareto_front
from benchmark.report.figures.canvas import INK, MARKERS, PALETTE, Drawing, band, percent_axis
from benchmark.report.words import bounds, label, percent, ratio

__all__ = ["cost", "cost_table", "ratio_axis"]

_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.65, 0.8, 1, 1.25, 1.5, 2, 3, 5, 10, 20, 50, 100)


def cost_table(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """One row per comparison: ratio of fit seconds and memory to the baseline, beside the effect."""
    rows = []
    for c in comparisons:
        ratios = c.volatile.get("cost_ratio") or {}
        row: dict[str, Any] = {"candidate": c.candidate, "baseline": c.baseline, "setting": c.setting}
        row |= {"fit_seconds_ratio": ratios.get("fit_seconds"), "memory_ratio": ratios.get("memory")}
        low, high = c.effect.ci_verdict or (None, None)
        rows.append(row | {"effect": c.effect.mean, "low": low, "high": high})
    return pd.DataFrame(rows)


def ratio_axis(axes: Axes, low: float, high: float) -> None:
    """A logarithmic x axis of ratios around 1, with plain numbers as ticks."""
    low, high = min(low, 0.8) / 1.15, max(high, 1.25) * 1.15
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator([step for step in _STEPS if low <= step <= high]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}×")


def _front(known: pd.DataFrame) -> pd.DataFrame:
    """The arms, the baseline too, that nobody beats in one of cost and effect and equals in the other."""
    baseline = pd.DataFrame({"fit_seconds_ratio": [1.0], "effect": [0.0]})
    points = pd.concat([known[["fit_seconds_ratio", "effect"]].astype(float), baseline], ignore_index=True)
    ours = pareto_front(points["fit_seconds_ratio"].to_numpy(), -points["effect"].to_numpy())
    return points[ours].sort_values(["fit_seconds_ratio", "effect"])


def cost(comparisons: Sequence[Comparison], about: str) -> Drawing | None:
    """Effect against cost, one point per candidate, or None where no cost is known."""
    table = cost_table(comparisons)
    known = table.dropna(subset=["fit_seconds_ratio"])
    if known.empty:
        return None
    figure = Figure(figsize=(6.2, 3.4))
    axes = figure.add_axes((0.13, 0.16, 0.84, 0.8))
    band(axes, comparisons[0].rope, "y")
    axes.axvline(1, color=INK, lw=0.7)
    for number, row in enumerate(known.itertuples()):
        look: dict[str, Any] = {
            "color": PALETTE[number % len(PALETTE)],
            "marker": MARKERS[number % len(MARKERS)],
        }
        if (ends := bounds((row.low, row.high))) is not None:
            axes.plot((row.fit_seconds_ratio,) * 2, ends, color=look["color"], lw=1.4)
        axes.scatter(
            [row.fit_seconds_ratio], [row.effect], s=46, zorder=3, label=label(row.candidate), **look
        )
    axes.scatter([1], [0], marker="*", s=70, color=INK, zorder=3, label="the baseline itself")
    dotted = ""
    if known["baseline"].nunique() == 1:  # ratios to different baselines make no common front
        front = _front(known)
        axes.step(front["fit_seconds_ratio"], front["effect"], where="post", color=INK, lw=0.9, ls=":")
        dotted = " Dotted: the arms that no other beats in both, by the points alone."
    ratio_axis(axes, known["fit_seconds_ratio"].min(), known["fit_seconds_ratio"].max())
    percent_axis(axes, "y")
    axes.set_xlabel("fit seconds, as a multiple of the baseline's (logarithmic)")
    axes.set_ylabel("mean effect, %")
    figure.legend(*axes.get_legend_handles_labels(), loc="upper left", ncols=4, bbox_to_anchor=(0.1, 0.02))
    caption = (
        "Up: smaller error than the baseline. Left: cheaper. Ratios are geometric means over data sets and "
        "hosts of wall seconds, which depend on the machine and on early stopping; bars are the verdict's "
        f"intervals.{dotted} {about}"
    )
    alt = "Effect and cost: " + "; ".join(
        f"{row.candidate} {percent(row.effect)} at {ratio(row.fit_seconds_ratio)} the time"
        for row in known.itertuples()
    )
    return Drawing("cost", "Effect and cost", caption, alt, figure, table)
