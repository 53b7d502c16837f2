"""Verdicts over time: confidence sequences look by look, and effects before and after selection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchmark.judge import Comparison, Judgement
from benchmark.judge.pairing import UNSTATED
from benchmark.report.basis import interval_kind
from benchmark.report.figures.canvas import FLOOR, INK, PALETTE, PLAIN, TONES, Drawing, band, percent_axis
from benchmark.report.words import VERDICTS, bounds, counted, interval, label, percent

__all__ = ["selection", "stopping"]

_ACROSS = 3
_MOST = 12
"""Panels; the looks of all comparisons are in the CSV file."""


def stopping(comparisons: Sequence[Comparison]) -> Drawing | None:
    """One panel per candidate: mean and interval after every data set; None without any."""
    found = [c for c in comparisons if c.sequential is not None]
    if not found:
        return None
    shown = found[:_MOST]
    across, down = min(len(shown), _ACROSS), -(-len(shown) // _ACROSS)
    width, height = 0.75 + 2.2 * across, 0.85 + 1.9 * down
    figure = Figure(figsize=(width, height))
    grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    figure.subplots_adjust(
        left=0.75 / width, right=0.98, bottom=0.62 / height, top=1 - 0.3 / height, hspace=0.42, wspace=0.12
    )
    several = len({c.baseline for c in found}) > 1
    for axes, c in zip(grid.flat, shown, strict=False):
        _panel(axes, c)
        name = f"{c.candidate} / {c.baseline}" if several else c.candidate
        axes.set_title(f"{label(name, 20)}: {c.verdict}", fontsize=8.5)
    for axes in grid.flat[len(shown) :]:
        axes.set_visible(False)
    for axes in grid.flat[max(len(shown) - across, 0) : len(shown)]:
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("data sets seen")
    percent_axis(grid[0, 0], "y")
    grid[0, 0].xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    figure.supylabel("mean effect, %", x=0.06 / width, fontsize=9)
    table = pd.concat([_named(c) for c in found], ignore_index=True)
    alt = "; ".join(f"{c.candidate} {_ending(c)}" for c in shown)
    return Drawing(
        "stopping", "Look by look", _caption(found), f"Confidence sequences: {alt}.", figure, table
    )


def _panel(axes: Axes, c: Comparison) -> None:
    assert c.sequential is not None
    table, stop = c.sequential.table, c.sequential.stopped_at
    band(axes, c.rope, "y")
    if c.noise_floor is not None:
        for edge in (-c.noise_floor, c.noise_floor):
            axes.axhline(edge, **FLOOR)
    n = table["n"]
    axes.fill_between(n, table["low"], table["high"], step="mid", color=PALETTE[0], alpha=0.16, lw=0)
    for end in ("low", "high"):
        axes.step(n, table[end], where="mid", color=PALETTE[0], lw=0.9)
    axes.plot(n, table["mean"], color=PALETTE[0], lw=1.8)
    if stop is not None:
        tone = TONES[VERDICTS[c.verdict].tone]
        axes.axvline(stop, color=INK, lw=0.9, ls=(0, (1, 1.5)))
        axes.scatter([stop], [c.effect.mean], marker="D", s=38, color=tone, edgecolor=INK, lw=0.5, zorder=3)
    axes.set_xlim(0.4, max(c.sequential.planned, 2) + 0.6)


def _ending(c: Comparison) -> str:
    assert c.sequential is not None
    stop = c.sequential.stopped_at
    when = f"not settled after {c.sequential.looks}" if stop is None else f"settled after {stop}"
    return f"{when} of {c.sequential.planned}, {percent(c.effect.mean)}, {interval(c.effect.ci_verdict)}"


def _named(c: Comparison) -> pd.DataFrame:
    assert c.sequential is not None
    names = {"candidate": c.candidate, "baseline": c.baseline, "setting": c.setting}
    return c.sequential.table.assign(**names)[[*names, *c.sequential.table.columns]]


def _caption(found: Sequence[Comparison]) -> str:
    first = found[0]
    assert first.sequential is not None
    family = f", Bonferroni over {counted(first.family, 'candidate')}" if first.family > 1 else ""
    rest = f" The first {_MOST} of {len(found)} comparisons." if len(found) > _MOST else ""
    planned = counted(first.sequential.planned, "independent data set")
    return (
        f"Thick line: mean effect after every data set, in the order fixed in advance (n up to {planned}). "
        f"Band: confidence sequence ({first.sequential.sequence} effects) that holds at all looks together, "
        f"alpha {1 - first.level:.3g}{family}. Dotted line and diamond: where the verdict was settled. Grey: "
        f"ROPE; dashed: noise floor of the mean.{rest}"
    )


def selection(judgement: Judgement) -> Drawing | None:
    """The effect of each selected candidate on both halves of the data sets, or None without any."""
    found = judgement.selections
    if not found:
        return None
    verdicts = {(c.candidate, c.baseline, c.setting): c for c in judgement.comparisons}
    height = 1.15 + 0.5 * len(found)
    figure = Figure(figsize=(6.4, height))
    axes = figure.add_axes((0.3, 0.82 / height, 0.66, 1 - 0.92 / height))
    band(axes, judgement.rope)
    for row, one in enumerate(found):
        c = verdicts[one.selected, one.baseline, one.setting]
        if (ends := bounds(c.effect.ci_verdict)) is not None:
            axes.plot(ends, (row, row), color=PALETTE[0], lw=2.4, solid_capstyle="butt")
        axes.annotate(
            "",
            (one.confirming, row),
            (one.selecting, row - 0.28),
            arrowprops={"arrowstyle": "->", "color": PLAIN},
        )
    rows, before = np.arange(len(found)), [one.selecting for one in found]
    look: dict[str, Any] = {"marker": "o", "facecolor": "white", "edgecolor": PALETTE[1]}
    axes.scatter(before, rows - 0.28, s=36, zorder=3, label="on the half that selected it", **look)
    look = {"marker": "D", "color": PALETTE[0], "label": "on the other half, with its interval"}
    axes.scatter([one.confirming for one in found], rows, s=40, zorder=3, **look)
    names = [
        f"{label(one.selected, 18)} / {label(one.baseline, 12)}"
        + f", {one.setting}" * (one.setting != UNSTATED)
        for one in found
    ]
    axes.set_yticks(range(len(found)), names)
    axes.set_ylim(len(found) - 0.6, -0.7)
    axes.tick_params(axis="y", length=0)
    percent_axis(axes)
    axes.set_xlabel("worse ←  mean effect, %  → better")
    figure.legend(
        *axes.get_legend_handles_labels(), loc="upper center", ncols=2, bbox_to_anchor=(0.5, 0.3 / height)
    )
    first = found[0]
    kind = interval_kind(verdicts[first.selected, first.baseline, first.setting])
    caption = (
        f"Hollow: mean effect on the {counted(first.n_selecting, 'independent data set')} that selected the "
        f"candidate among {first.candidates}, no interval since the choice flatters it. Diamond: on "
        f"{counted(first.n_confirming, 'fresh one')}, with the interval of the verdict ({kind}). Grey: ROPE."
    )
    alt = "; ".join(
        f"{one.selected} {percent(one.selecting)}, then {percent(one.confirming)}" for one in found
    )
    table = pd.DataFrame([one.to_json() for one in found]).drop(columns="sentence")
    return Drawing("selection", "Before and after selection", caption, f"Effects: {alt}.", figure, table)
