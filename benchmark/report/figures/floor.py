"""The noise floor seen: effects of the baseline against itself beside those of the candidates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmark.judge import Comparison
from benchmark.report.figures.canvas import PALETTE, Drawing, band, percent_axis
from benchmark.report.words import counted, label, percent

__all__ = ["floor"]


def floor(aa: pd.DataFrame, comparisons: Sequence[Comparison], about: str) -> Drawing | None:
    """Histograms on one axis, A/A first, or None without A/A runs.

    ``aa`` has one row per (replicate, task, host), column ``effect``.
    """
    if aa.empty:
        return None
    panels = [("A/A: the baseline again", aa["effect"], PALETTE[3])]
    panels += [(f"A/B: {label(c.candidate)}", c.effects["effect"], PALETTE[0]) for c in comparisons]
    every = np.concatenate([values.to_numpy(dtype=float) for _, values, _ in panels])
    low, high = min(every.min(), -0.02), max(every.max(), 0.02)
    edges = np.linspace(low - 0.02 * (high - low), high + 0.02 * (high - low), 41)
    height = 0.55 + 0.72 * len(panels)
    figure = Figure(figsize=(6.2, height))
    for number, (name, values, colour) in enumerate(panels):
        bottom = 0.5 / height + (len(panels) - 1 - number) * (0.72 / height)
        axes = figure.add_axes((0.06, bottom, 0.92, 0.5 / height))
        band(axes, comparisons[0].rope)
        axes.hist(values, bins=list(edges), color=colour)
        axes.set_xlim(edges[0], edges[-1])
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_title(name, fontsize=8.5, fontweight="normal", pad=2)
        percent_axis(axes)
        if number < len(panels) - 1:
            axes.tick_params(labelbottom=False)
    axes.set_xlabel("effect of one data set and host, %")
    caption = (
        f"How many (data set, host) pairs show which effect. A/A: {counted(len(aa), 'pair')} of the "
        f"baseline with other seeds and tuned again, where every difference is noise. Grey: ROPE. {about}"
    )
    alt = (
        f"Histograms. The baseline against itself spreads from {percent(aa['effect'].min())} to "
        f"{percent(aa['effect'].max())}; the candidates from {percent(low)} to {percent(high)}."
    )
    table = pd.concat(
        [aa.assign(kind="A/A"), *(c.effects.assign(kind="A/B", component=c.candidate) for c in comparisons)]
    )
    return Drawing("noise-floor", "Noise floor", caption, alt, figure, table)
