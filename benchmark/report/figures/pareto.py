"""Cost against error of all methods, and the front that nobody beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from benchmark.judge.side_by_side.board import Board
from benchmark.report.figures.canvas import INK, PALETTE, PLAIN, Drawing, percent_axis
from benchmark.report.words import counted, label, percent, ratio

__all__ = ["pareto"]

_NAMED = 14
"""Up to so many methods all are named, else those on the front."""
_CHARACTER = 4.5
"""Width of a letter of a name, points; as all distances here."""
_STEPS = (6, -6, 12, -12, 18, -18, 26, -26)
"""How far up or down a name may stand from its point."""
_FAR = 3.0
"""The picture ends so many times as far above the median method as the best is below it."""

_Box = tuple[float, float, float, float]


def pareto(board: Board, about: str) -> Drawing | None:
    """One point per method, or None where seconds are not known, and for two methods."""
    table = board.standing[["method", "seconds", "iqm", "iqm_low", "iqm_high", "on_front"]]
    known = table[np.isfinite(table["seconds"]) & np.isfinite(table["iqm"])]
    if len(known) < 3:
        return None
    known = known.sort_values(["seconds", "iqm"], ignore_index=True)
    figure = Figure(figsize=(6.6, 3.9))
    axes = figure.add_axes((0.12, 0.22, 0.85, 0.75))
    beyond = _points(axes, known)
    axes.set_xscale("log")
    axes.set_xlim(known["seconds"].min() / 1.3, known["seconds"].max() * 1.6)
    wide = known["seconds"].max() > 10 * known["seconds"].min()
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if wide else (1, 1.5, 2, 3, 5, 7), numticks=12))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.4g}×")
    percent_axis(axes, "y")
    axes.set_xlabel("seconds of a fit, as a multiple of the fastest's (logarithmic)")
    axes.set_ylabel("error against the median method's, %")
    _names(axes, known, known["on_front"].to_numpy(dtype=bool) | beyond | (len(known) <= _NAMED))
    figure.legend(*axes.get_legend_handles_labels(), loc="upper left", ncols=3, bbox_to_anchor=(0.1, 0.09))
    missing = len(table) - len(known)
    left_out = f" {counted(missing, 'method')} without known seconds or error left out." if missing else ""
    caption = (
        "Down: smaller error; left: cheaper. Errors are interquartile means over "
        f"{counted(board.n['origins'], 'independent data set')} of the error as a multiple of the median "
        f"method's there, with {100 * (1 - board.alpha):g} % bootstrap intervals; seconds are "
        "geometric means over what all came through, and depend on the machine. The front joins the points "
        f"as they are: within the intervals others may belong to it.{left_out} {about}"
    )
    alt = "Cost and error: " + "; ".join(
        f"{row.method} {percent(row.iqm - 1)} at {ratio(row.seconds)}{', on the front' * row.on_front}"
        for row in known.itertuples()
    )
    return Drawing("pareto", "Cost and error", caption, f"{alt}.", figure, table)


def _points(axes: Axes, known: pd.DataFrame) -> np.ndarray:
    """Draws the front, intervals and points; returns which of them lie beyond the upper edge."""
    shift = known[["iqm", "iqm_low", "iqm_high"]].to_numpy() - 1
    bottom = min(np.nanmin(shift[:, :2]), -0.01)
    top, everything = -_FAR * bottom, float(shift[np.isfinite(shift)].max())
    top = everything if everything <= 1.5 * top else top
    axes.set_ylim(1.15 * bottom, 1.06 * top)
    beyond: np.ndarray = shift[:, 0] > top
    axes.axhline(0, color=INK, lw=0.7)
    front = known["on_front"].to_numpy(dtype=bool)
    axes.step(known["seconds"][front], shift[front, 0], where="post", color=PALETTE[0], lw=1.1, zorder=1)
    low, high = np.clip(shift[:, 1:], None, 1.06 * top).T
    axes.vlines(known["seconds"], low, high, color=PLAIN, lw=0.9, alpha=0.7, zorder=1)
    looks = ((front, "D", PALETTE[0], PALETTE[0], "on the front"), (~front, "o", "white", PLAIN, "not on it"))
    for rows, marker, face, edge, says in looks:
        mark: dict[str, Any] = {"facecolor": face, "edgecolor": edge, "s": 34, "zorder": 3}
        inside = rows & ~beyond
        axes.scatter(known["seconds"][inside], shift[inside, 0], marker=marker, label=says, **mark)
        above = rows & beyond
        axes.scatter(known["seconds"][above], np.full(above.sum(), top), marker="^", **mark)
    if beyond.any():
        axes.scatter(
            [], [], marker="^", facecolor="white", edgecolor=PLAIN, s=34, label="error beyond the picture"
        )
    return beyond


def _names(axes: Axes, known: pd.DataFrame, named: np.ndarray) -> None:
    """The names of some points near them, where they cover neither each other nor a point."""
    points_per_pixel = 72 / axes.figure.dpi
    height = axes.get_ylim()[1] / 1.06
    at = np.column_stack([known["seconds"], np.minimum(known["iqm"] - 1, height)])
    points = axes.transData.transform(at) * points_per_pixel
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in points]
    corner = axes.transAxes.transform((1, 1)) * points_per_pixel
    some = zip(points[named], at[named], known[named].itertuples(), strict=True)
    for (x, y), place, row in some:
        far = f" {ratio(row.iqm)}" if row.iqm - 1 > height else ""
        text = f"{label(row.method, 20)}{far}"
        half = _CHARACTER * len(text) / 2
        places = [(side * (half + 6), step) for step in _STEPS for side in (1, -1)]
        places += [(0.0, step) for step in _STEPS[2:]]
        boxes = {one: _box(x, y, one, half) for one in places}
        free = [one for one, box in boxes.items() if (box[2:] < corner).all() and not _covers(box, taken)]
        chosen = min(free or places, key=lambda one: abs(one[0]) / 6 + abs(one[1]) + (one[0] < 0))
        taken.append(boxes[chosen])
        words: dict[str, Any] = {"fontsize": 7.5, "ha": "center", "va": "center"}
        axes.annotate(text, place, chosen, textcoords="offset points", **words)


def _box(x: float, y: float, offset: tuple[float, float], half: float) -> _Box:
    right, up = offset
    return x + right - half, y + up - 4, x + right + half, y + up + 4


def _covers(box: _Box, others: Sequence[_Box]) -> bool:
    left, low, right, high = box
    return any(left < o[2] and o[0] < right and low < o[3] and o[1] < high for o in others)
