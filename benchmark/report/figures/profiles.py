"""Performance profiles: how often a method comes how near the best."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from benchmark.judge.side_by_side.board import Board
from benchmark.report.figures.canvas import PALETTE, PLAIN, Drawing
from benchmark.report.words import counted, label

__all__ = ["profiles", "time_profiles"]

_STROKES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1)), (0, (9, 2)))
"""One for each of the methods that have a colour: the first ones in mean rank."""
_FINE, _COARSE = (1, 1.2, 1.5, 2, 2.5, 3, 4), (1, 2, 4, 8, 16, 32)


def profiles(board: Board, about: str) -> Drawing | None:
    """Profiles of the error, or None for two methods: they have a comparison."""
    says = (
        "Share of data sets on which a method's error is at most τ times the smallest one there; "
        "where it failed, it never is."
    )
    found = (board.profile, board.profile_area)
    texts = ("profiles", "Performance profiles", "error at most τ times the smallest (logarithmic)")
    return _drawn(board, found, texts, says, about)


def time_profiles(board: Board, about: str) -> Drawing | None:
    """Profiles of the seconds to the target, or None where they are not known, and for two methods."""
    if board.time_profile is None or board.time_profile_area is None:
        return None
    goal = "the median error of the methods that came through"
    if board.target is not None:
        goal = f"the error of {board.target} and {100 * board.rope:g} % more"
    says = (
        f"Share of data sets on which a method reached the target ({goal}) and took at most τ times the "
        "seconds of the fastest that did. These are seconds of whole fits, not of the way to the target, "
        "and they depend on the machine."
    )
    found = (board.time_profile, board.time_profile_area)
    texts = ("time-profiles", "Time to target", "seconds at most τ times the fastest (logarithmic)")
    return _drawn(board, found, texts, says, about)


def _drawn(
    board: Board, found: tuple[pd.DataFrame, pd.Series], texts: tuple[str, str, str], says: str, about: str
) -> Drawing | None:
    curves, areas = found
    name, title, axis = texts
    order = list(board.standing["method"])
    if len(order) < 3:
        return None
    figure = Figure(figsize=(6.8, 3.5))
    axes = figure.add_axes((0.09, 0.15, 0.56, 0.81))
    _curves(axes, curves, areas, order)
    up_to = float(curves["tau"].iloc[-1])
    axes.set_xscale("log")
    axes.set_xlim(1, up_to)
    axes.set_ylim(0, 1.01)
    axes.xaxis.set_major_locator(FixedLocator(_FINE if up_to <= _FINE[-1] else _COARSE))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}×")
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
    axes.set_xlabel(axis)
    axes.set_ylabel("share of data sets")
    handles, names = axes.get_legend_handles_labels()
    key = {"loc": "upper left", "bbox_to_anchor": (0.66, 0.97), "title": "area under the profile"}
    figure.legend(handles[::-1], names[::-1], **key)
    n = board.n
    caption = (
        f"{says} Over {counted(n['origins'], 'independent data set')}; {counted(n['methods'], 'method')} in "
        f"order of mean rank. Area: mean height as drawn, τ from 1 to {up_to:g}. No test is made here, and a "
        f"profile is relative to who entered. {about}"
    )
    alt = f"{title}, area under the profile: " + "; ".join(f"{one} {areas[one]:.2f}" for one in order)
    return Drawing(name, title, caption, f"{alt}.", figure, curves)


def _curves(axes: Axes, curves: pd.DataFrame, areas: pd.Series, order: list[str]) -> None:
    """The last method first, so that the first one lies on top."""
    rest = order[len(_STROKES) :]
    for method in rest:
        says = f"the {len(rest)} others" if len(rest) > 1 else f"{label(method, 20)}  {areas[method]:.2f}"
        kept = says if method == rest[0] else None
        axes.step(curves["tau"], curves[method], where="post", color=PLAIN, lw=0.7, alpha=0.7, label=kept)
    looks = list(zip(order, PALETTE, _STROKES, strict=False))
    for method, colour, stroke in reversed(looks):
        says = f"{label(method, 20)}  {areas[method]:.2f}"
        axes.step(curves["tau"], curves[method], where="post", color=colour, ls=stroke, lw=1.8, label=says)
