"""Elo ratings of all methods, with what the choice of data sets leaves open."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from benchmark.judge.side_by_side.board import Board
from benchmark.report.figures.canvas import INK, PALETTE, PLAIN, Drawing
from benchmark.report.words import counted, label, number

__all__ = ["ratings"]


def ratings(board: Board, about: str) -> Drawing | None:
    """One row per method, the best mean rank first, or None for two methods: they have a comparison."""
    table = board.standing[["method", "elo", "elo_low", "elo_high", "tied_for_first"]]
    if len(table) < 3:
        return None
    height = 0.95 + 0.23 * len(table)
    figure = Figure(figsize=(6.4, height))
    axes = figure.add_axes((0.28, 0.78 / height, 0.54, 1 - 0.88 / height))
    axes.grid(axis="y", color=PLAIN, alpha=0.2, lw=0.6)
    axes.set_axisbelow(True)
    axes.axvline(1000, color=INK, lw=0.7)
    at = np.arange(len(table))
    axes.hlines(at, table["elo_low"], table["elo_high"], color=PALETTE[0], lw=1.6)
    tied = table["tied_for_first"].to_numpy(dtype=bool)
    looks = ((tied, PALETTE[0], "not told apart from the first"), (~tied, "white", "told apart from it"))
    for rows, face, says in looks:
        axes.scatter(
            table["elo"][rows], at[rows], s=34, facecolor=face, edgecolor=PALETTE[0], zorder=3, label=says
        )
    for row, value in enumerate(table["elo"]):
        text = f"{value:.0f}".replace("-", "−")
        axes.text(1.02, row, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8)
    axes.set_yticks(at, [label(name) for name in table["method"]])
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Elo rating (400 points: odds of ten to one)")
    figure.legend(
        *axes.get_legend_handles_labels(), loc="upper center", ncols=2, bbox_to_anchor=(0.5, 0.36 / height)
    )
    n, origins = board.n, counted(board.n["origins"], "independent data set")
    level = "the mean" if board.anchor is None else board.anchor
    lines = f"Lines: {100 * (1 - board.alpha):g} % bootstrap intervals over {origins}."
    if table["elo_low"].isna().all():
        lines = f"{origins} are too few for intervals."
    caption = (
        f"Bradley-Terry strengths as Elo ratings, 1000 being {level}; every method is given half a win "
        "against every other. A data set is won by the smaller error, ties count half, failures lose. "
        f"{lines} Filled: not told apart from the first by Wilcoxon's signed-rank test, adjusted by Holm "
        f"over {counted(len(board.pairs), 'pair')}, alpha {board.alpha:g}. A rating is relative to these "
        f"{n['methods']} methods. {about}"
    )
    alt = "Elo ratings: " + "; ".join(
        f"{row.method} {row.elo:.0f} ({number(row.elo_low)} to {number(row.elo_high)})"
        for row in table.itertuples()
    )
    return Drawing("ratings", "Ratings", caption, f"{alt}.", figure, table)
