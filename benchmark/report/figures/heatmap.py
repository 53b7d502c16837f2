"""Where a candidate helps: the effect of every (task, host)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from benchmark.judge import Comparison
from benchmark.report.figures.canvas import BAD, GOOD, INK, ROOMY, Drawing, row_size
from benchmark.report.figures.forest import by_task
from benchmark.report.words import counted, label, percent

__all__ = ["DIVERGING", "heatmap", "readable"]

DIVERGING = LinearSegmentedColormap.from_list("bad-good", [BAD, "#F3F3F1", GOOD])
"""From bad through neither to good; the lightness tells how far from neither."""


def heatmap(comparison: Comparison, name: str) -> Drawing:
    """Tasks down, hosts across, effects in percent; bold outside the noise, a dagger where imputed.

    Many tasks have thin rows, in which signs stand for numbers.
    """
    effects = comparison.effects
    order = by_task(comparison)["task"]
    hosts = sorted(effects["host"].unique(), key=_natural)
    table = effects.assign(loud=effects["outcome"] != "tie").pivot(
        index="task", columns="host", values=["effect", "loud", "imputed"]
    )
    values, loud, imputed = (
        table[part].reindex(order, columns=hosts).astype(float).to_numpy()
        for part in ("effect", "loud", "imputed")
    )
    n_tasks, n_hosts = values.shape
    roomy = n_tasks <= ROOMY
    row, size = row_size(n_tasks)
    height, width = 0.95 + (row + 0.03 * roomy) * n_tasks, 1.9 + 0.85 * n_hosts
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((1.6 / width, 0.1 / height, 1 - 1.7 / width, 1 - 0.95 / height))
    reach = max(float(np.nanquantile(np.abs(values), 0.9)), 2 * comparison.rope)
    norm = Normalize(-reach, reach, clip=True)
    known = np.ma.masked_invalid(values)
    axes.pcolormesh(known, cmap=DIVERGING, norm=norm, edgecolors="white", linewidth=1.2 if roomy else 0.4)
    colours = DIVERGING(norm(known))
    marks = _Marks(values, loud == 1, imputed == 1, colours)
    (_numbers if roomy else _signs)(axes, marks)
    axes.set_ylim(n_tasks, 0)
    axes.set_xticks(np.arange(n_hosts) + 0.5, [label(host or "(whole)", 12) for host in hosts])
    axes.set_yticks(np.arange(n_tasks) + 0.5, [label(task) for task in order])
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.tick_params(axis="y", labelsize=size + 1)
    for spine in axes.spines.values():
        spine.set_visible(False)
    title = f"{label(comparison.candidate)} by data set and host, effect in %"
    axes.set_title(title, pad=20)
    outside = "larger than ROPE and that cell's A/A floor"
    marked = (
        f"Bold values lie outside the noise ({outside}); the others count as ties."
        if roomy
        else f"+ and − stand in cells outside the noise ({outside}); the others count as ties."
    )
    caption = (
        f"Effect in % for each of {counted(n_tasks, 'data set')} and {counted(n_hosts, 'host')}; blue: the "
        f"candidate has the smaller error. {marked} †: a failure was imputed. Colours saturate at "
        f"±{100 * reach:.3g} %. No test is made for single cells."
    )
    alt = f"Table of effects of {comparison.candidate} by data set and host; the numbers are in the CSV file."
    return Drawing(name, title, caption, alt, figure, effects)


class _Marks(NamedTuple):
    """What is written into the cells, each ``(n_tasks, n_hosts)``."""

    values: np.ndarray
    loud: np.ndarray
    """Outside the noise."""
    imputed: np.ndarray
    colours: np.ndarray


def _numbers(axes: Axes, marks: _Marks) -> None:
    for (y, x), value in np.ndenumerate(marks.values):
        axes.text(
            x + 0.5,
            y + 0.5,
            percent(value).removesuffix(" %") + "†" * bool(marks.imputed[y, x]),
            ha="center",
            va="center",
            fontsize=8,
            color=readable(tuple(marks.colours[y, x])) if np.isfinite(value) else INK,
            fontweight="bold" if marks.loud[y, x] else "normal",
        )


def _signs(axes: Axes, marks: _Marks) -> None:
    for marker, signed in (("+", marks.values > 0), ("_", marks.values < 0)):
        y, x = np.nonzero(marks.loud & signed)
        inks = [readable(tuple(face)) for face in marks.colours[y, x]]
        axes.scatter(x + 0.5, y + 0.5, marker=marker, s=16, lw=0.8, color=inks)
    for y, x in np.argwhere(marks.imputed):
        ink = readable(tuple(marks.colours[y, x]))
        axes.text(x + 0.97, y + 0.5, "†", ha="right", va="center", fontsize=6, color=ink)


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts ``mlp@16`` before ``mlp@128``."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def readable(face: Sequence[float]) -> str:
    """Black or white, whichever is read more easily on ``face`` (red, green, blue, each in [0, 1])."""
    red, green, blue = (
        channel / 12.92 if channel <= 0.04 else ((channel + 0.055) / 1.055) ** 2.4 for channel in face[:3]
    )
    return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 else "#ffffff"
