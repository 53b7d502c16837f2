"""Every candidate on one axis: mean effect, simultaneous interval, prediction for a new task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from benchmark.judge import Comparison
from benchmark.report.figures.canvas import TONES, Drawing, percent_axis
from benchmark.report.figures.forest import bands
from benchmark.report.words import VERDICTS, bounds, interval, label, percent, verdict_of

__all__ = ["overview"]


def overview(comparisons: Sequence[Comparison], about: str) -> Drawing:
    """The figure that answers the study's question at one glance; ``comparisons`` share a setting."""
    height = 1.15 + 0.36 * len(comparisons)
    figure = Figure(figsize=(6.4, height))
    axes = figure.add_axes((0.22, 0.78 / height, 0.56, 1 - 0.88 / height))
    floors = [c.noise_floor for c in comparisons if c.noise_floor is not None]
    bands(axes, comparisons[0].rope, max(floors, default=None))
    for row, c in enumerate(comparisons):
        look = VERDICTS[c.verdict]
        colour = TONES[look.tone]
        if (ends := bounds(c.effect.prediction95)) is not None:
            axes.plot(ends, (row, row), color=colour, lw=1, alpha=0.6)
        if (ends := bounds(c.effect.ci_verdict)) is not None:
            axes.plot(ends, (row, row), color=colour, lw=4, solid_capstyle="butt")
        face = "white" if look.tone == "plain" else colour
        axes.scatter([c.effect.mean], [row], marker="D", s=44, facecolor=face, edgecolor=colour, zorder=3)
        says = f"{percent(c.effect.mean)}  {verdict_of(c)}"
        axes.text(1.02, row, says, transform=axes.get_yaxis_transform(), va="center", fontsize=8)
    baselines = sorted({c.baseline for c in comparisons})
    names = [
        label(c.candidate if len(baselines) == 1 else f"{c.candidate} / {c.baseline}") for c in comparisons
    ]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    percent_axis(axes)
    against = label(baselines[0], 20) if len(baselines) == 1 else "the baseline"
    axes.set_xlabel(f"worse than {against} ←  mean effect, % of the larger error  → better")
    figure.legend(
        *axes.get_legend_handles_labels(), loc="upper center", ncols=2, bbox_to_anchor=(0.5, 0.28 / height)
    )
    caption = (
        "Diamonds: mean effect, every data set and host weighing the same. Thick lines: the interval that "
        f"the verdict uses. Thin lines: 95 % prediction interval for a new data set. {about}"
    )
    alt = "; ".join(
        f"{c.candidate} {percent(c.effect.mean)}, {interval(c.effect.ci_verdict)}, {verdict_of(c)}"
        for c in comparisons
    )
    return Drawing(
        "overview", "All candidates", caption, f"Mean effects: {alt}.", figure, _table(comparisons)
    )


def _table(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    rows = []
    for c in comparisons:
        row: dict[str, Any] = {
            "candidate": c.candidate,
            "baseline": c.baseline,
            "setting": c.setting,
            "verdict": c.verdict,
        }
        row["mean"] = c.effect.mean
        for name, pair in (("ci_verdict", c.effect.ci_verdict), ("prediction95", c.effect.prediction95)):
            row[f"{name}_low"], row[f"{name}_high"] = pair or (None, None)
        rows.append(row | {"rope": c.rope, "noise_floor": c.noise_floor})
    return pd.DataFrame(rows)
