"""Where a candidate helps: the effect of every (task, host)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from benchmark.judge import Comparison
from benchmark.report.figures.canvas import BAD, GOOD, INK, Drawing
from benchmark.report.figures.forest import by_task
from benchmark.report.words import NONE, counted, label, percent

__all__ = ["heatmap"]

_MAP = LinearSegmentedColormap.from_list("bad-good", [BAD, "#F3F3F1", GOOD])


def heatmap(comparison: Comparison, name: str) -> Drawing:
    """Tasks down, hosts across, effects in percent; bold outside the noise, a dagger where imputed."""
    effects = comparison.effects
    order = by_task(comparison)["task"]
    hosts = sorted(effects["host"].unique(), key=_natural)
    values = effects.pivot(index="task", columns="host", values="effect").reindex(order, columns=hosts)
    loud = (
        effects.assign(loud=effects["outcome"] != "tie")
        .pivot(index="task", columns="host", values="loud")
        .reindex(order, columns=hosts)
    )
    imputed = effects.pivot(index="task", columns="host", values="imputed").reindex(order, columns=hosts)
    n_tasks, n_hosts = values.shape
    height, width = 0.95 + 0.27 * n_tasks, 1.9 + 0.85 * n_hosts
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((1.6 / width, 0.1 / height, 1 - 1.7 / width, 1 - 0.95 / height))
    reach = max(float(np.nanquantile(values.abs(), 0.9)), 2 * comparison.rope)
    colours = _MAP(Normalize(-reach, reach, clip=True)(values.to_numpy(dtype=float)))
    for (row, column), value in np.ndenumerate(values.to_numpy(dtype=float)):
        known = np.isfinite(value)
        face = colours[row, column] if known else "none"
        axes.add_patch(Rectangle((column, row), 1, 1, facecolor=face, edgecolor="white", lw=1.2))
        dagger = "†" if known and bool(imputed.iat[row, column]) else ""
        axes.text(
            column + 0.5,
            row + 0.5,
            percent(value).removesuffix(" %") + dagger if known else NONE,
            ha="center",
            va="center",
            fontsize=8,
            color=_readable(colours[row, column]) if known else INK,
            fontweight="bold" if known and bool(loud.iat[row, column]) else "normal",
        )
    axes.set_xlim(0, n_hosts)
    axes.set_ylim(n_tasks, 0)
    axes.set_xticks(np.arange(n_hosts) + 0.5, [label(host or "(whole)", 12) for host in values.columns])
    axes.set_yticks(np.arange(n_tasks) + 0.5, [label(task) for task in values.index])
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    title = f"{label(comparison.candidate)} by data set and host, effect in %"
    axes.set_title(title, pad=20)
    caption = (
        f"Effect in % for each of {counted(n_tasks, 'data set')} and {counted(n_hosts, 'host')}; blue: the "
        "candidate has the smaller error. Bold values lie outside the noise (larger than ROPE and that "
        "cell's A/A floor); the others count as ties. †: a failure was imputed. Colours saturate at "
        f"±{100 * reach:.3g} %."
    )
    alt = f"Table of effects of {comparison.candidate} by data set and host; the numbers are in the CSV file."
    return Drawing(name, title, caption, alt, figure, effects)


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts ``mlp@16`` before ``mlp@128``."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def _readable(face: Sequence[float]) -> str:
    red, green, blue = (
        channel / 12.92 if channel <= 0.04 else ((channel + 0.055) / 1.055) ** 2.4 for channel in face[:3]
    )
    return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 else "#ffffff"
