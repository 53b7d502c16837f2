"""Who beats whom, on how many data sets."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmark.judge.side_by_side.board import Board
from benchmark.report.figures.canvas import INK, Drawing
from benchmark.report.figures.heatmap import DIVERGING, readable
from benchmark.report.words import counted, label

__all__ = ["wins"]

_ROOMY = 12
"""Up to so many methods the cells are large; beyond, the half below the diagonal has colours alone."""


def wins(board: Board, about: str) -> Drawing | None:
    """The win matrix, methods in order of mean rank, or None for two methods."""
    order = list(board.standing["method"])
    if len(order) < 3:
        return None
    shares = board.win_matrix.loc[order, order]
    apart = _told_apart(board).loc[order, order].to_numpy()
    roomy = len(order) <= _ROOMY
    cell, size = (0.44, 8) if roomy else (0.27, 5.5)
    names = [label(name, 18) for name in order]
    side = 0.25 + 0.075 * max(len(name) for name in names)
    extent = cell * len(order)
    whole = side + extent + 0.1
    figure = Figure(figsize=(whole, whole))
    axes = figure.add_axes((side / whole, 0.1 / whole, extent / whole, extent / whole))
    values = shares.to_numpy()
    axes.pcolormesh(values, cmap=DIVERGING, vmin=0, vmax=1, edgecolors="white", linewidth=0.8)
    colours = DIVERGING(np.nan_to_num(values))
    for (row, column), share in np.ndenumerate(values):
        if row == column or (row > column and not roomy):
            continue
        axes.text(
            column + 0.5,
            row + 0.5,
            f"{100 * share:.0f}",
            ha="center",
            va="center",
            fontsize=size,
            color=readable(colours[row, column]),
            fontweight="bold" if apart[row, column] else "normal",
        )
    axes.set_xlim(0, len(order))
    axes.set_ylim(len(order), 0)
    axes.set_xticks(np.arange(len(order)) + 0.5, names, rotation=90)
    axes.set_yticks(np.arange(len(order)) + 0.5, names)
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.plot((0, len(order)), (0, len(order)), color=INK, lw=0.5)
    caption = (
        f"Share in % of {counted(board.n['origins'], 'independent data set')} on which the row has a smaller "
        "error than the column; ties count half, failures lose. Best mean rank first. Blue: the row wins "
        "more than half. Bold: the two are told apart by Wilcoxon's signed-rank test over these data sets, "
        f"adjusted by Holm over {counted(len(board.pairs), 'pair')}, alpha {board.alpha:g}. "
        f"{'' if roomy else 'Below the diagonal stand the mirrored shares. '}{about}"
    )
    first = shares.iloc[0].drop(order[0])
    alt = f"Win matrix; {order[0]} wins against " + ", ".join(
        f"{name} on {100 * share:.0f} %" for name, share in first.items()
    )
    table = shares.rename_axis("method").reset_index()
    return Drawing("wins", "Who beats whom", caption, f"{alt}.", figure, table)


def _told_apart(board: Board) -> pd.DataFrame:
    """Whether the test tells two methods apart, both ways round."""
    found = pd.DataFrame(False, board.win_matrix.index, board.win_matrix.columns)
    for row in board.pairs[board.pairs["p_holm"] <= board.alpha].itertuples():
        found.loc[row.first, row.second] = found.loc[row.second, row.first] = True
    return found
