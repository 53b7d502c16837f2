"""Paired effects task by task, with their mean: one figure per comparison."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.judge import Comparison
from benchmark.report.basis import interval_kind, sample
from benchmark.report.figures.canvas import (
    BAD,
    FLOOR,
    GOOD,
    INK,
    PLAIN,
    ROOMY,
    TONES,
    Drawing,
    band,
    percent_axis,
    row_size,
)
from benchmark.report.words import VERDICTS, bounds, interval, label, percent

__all__ = ["bands", "by_task", "forest"]


def by_task(comparison: Comparison) -> pd.DataFrame:
    """The comparison's rows per task, the best for the candidate first."""
    return comparison.tasks.sort_values(["effect", "task"], ascending=[False, True], ignore_index=True)


def bands(axes: Axes, rope: float, floor: float | None) -> None:
    """Shade what is too small to count (ROPE) and mark the noise floor of the mean."""
    band(axes, rope, label=f"too small to count (±{100 * rope:g} %)")
    if floor is not None:
        for number, edge in enumerate((-floor, floor)):
            axes.axvline(edge, **FLOOR, label="" if number else "noise floor of the mean (A/A)")


def forest(comparison: Comparison, name: str) -> Drawing:
    """The forest plot of one comparison: hosts as small dots, their mean per task, the overall mean."""
    tasks = by_task(comparison)
    row, size = row_size(len(tasks))
    height = 1.35 + row * len(tasks)
    figure = Figure(figsize=(5.6, height))
    axes = figure.add_axes((0.3, 0.62 / height, 0.58, 1 - 0.95 / height))
    bands(axes, comparison.rope, comparison.noise_floor)
    rows = dict(zip(tasks["task"], range(len(tasks), 0, -1), strict=True))
    hosts = comparison.effects
    if len(comparison.hosts) > 1:
        at = hosts["task"].map(rows)
        axes.scatter(hosts["effect"], at, s=9, color=PLAIN, alpha=0.6, lw=0, label="one host")
    for outcome, colour, marker in (("win", GOOD, "^"), ("tie", PLAIN, "o"), ("loss", BAD, "v")):
        some = tasks[tasks["outcome"] == outcome]
        face = "none" if outcome == "tie" else colour
        axes.scatter(
            some["effect"],
            some["task"].map(rows),
            s=4 * size,
            marker=marker,
            facecolor=face,
            edgecolor=colour,
        )
    tone = TONES[VERDICTS[comparison.verdict].tone]
    if (ends := bounds(comparison.effect.ci_verdict)) is not None:
        axes.plot(ends, (0, 0), color=tone, lw=2.5, solid_capstyle="butt")
    axes.scatter([comparison.effect.mean], [0], marker="D", s=42, color=tone, zorder=3)
    axes.axhline(0.5, color=INK, lw=0.5)
    texts = {0: percent(comparison.effect.mean)}
    if len(tasks) <= ROOMY:
        texts |= dict(zip(rows.values(), map(percent, tasks["effect"]), strict=True))
    for at, text in texts.items():
        axes.text(1.02, at, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8)
    names = [
        label(row.task) + (" *" if row.saturated else "") + (" †" if row.imputed else "")
        for row in tasks.itertuples()
    ]
    axes.set_yticks([*rows.values(), 0], [*names, "mean"])
    axes.set_ylim(-0.7, len(tasks) + 0.7)
    axes.tick_params(axis="y", length=0, labelsize=size + 1)
    percent_axis(axes)
    axes.set_xlabel(f"worse than {label(comparison.baseline, 16)} ←  effect, %  → better")
    axes.set_title(f"{label(comparison.candidate)} against {label(comparison.baseline)}", loc="left")
    figure.legend(
        *axes.get_legend_handles_labels(), loc="upper center", ncols=3, bbox_to_anchor=(0.5, 0.14 / height)
    )
    return Drawing(name, axes.get_title("left"), _caption(comparison), _alt(comparison, tasks), figure, tasks)


def _caption(comparison: Comparison) -> str:
    solved = (
        " * nearly solved: both arms make fewer than five test errors."
        if comparison.tasks["saturated"].any()
        else ""
    )
    dots = ": small dots its hosts, the large mark their mean" if len(comparison.hosts) > 1 else ""
    failed = " † a failure was imputed." if comparison.tasks["imputed"].any() else ""
    return (
        f"Each row is one data set{dots}; ▲ win, ▼ loss, ○ tie "
        "(inside ROPE or the data set's A/A floor). Bottom: the mean with the interval that the verdict "
        f"uses ({interval(comparison.effect.ci_verdict)}). {sample(comparison)}, averaged; "
        f"{interval_kind(comparison)}.{solved}{failed}"
    )


def _alt(comparison: Comparison, tasks: pd.DataFrame) -> str:
    each = "; ".join(f"{row.task} {percent(row.effect)}" for row in tasks.itertuples())
    return (
        f"Effects of {comparison.candidate} against {comparison.baseline} by data set: {each}; "
        f"mean {percent(comparison.effect.mean)}, {interval(comparison.effect.ci_verdict)}."
    )
