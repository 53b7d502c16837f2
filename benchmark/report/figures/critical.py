"""Critical difference diagrams: mean ranks on a line, a bar over methods that nothing tells apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.judge.field.pairwise import square
from benchmark.judge.field.ranks import cliques, friedman, mean_ranks, nemenyi, nemenyi_p
from benchmark.judge.verdict import ORIGINS_NEEDED
from benchmark.report.figures.canvas import INK, PALETTE, Drawing
from benchmark.report.words import counted, label, number, p_value

__all__ = ["Kind", "Label", "Layout", "critical", "enough", "layout", "standing"]

Kind = Literal["nemenyi", "wilcoxon_holm"]

_WIDTH = 6.6
"""Of the whole picture, inches; as all measures here."""
_ROW = 0.19
_LEVEL = 0.075
_CHARACTER = 0.068
_NAME = 22
"""Characters of a name that is not shortened."""


@dataclass(frozen=True, slots=True)
class Label:
    """One method: where its line leaves the axis, and where its name stands."""

    method: str
    rank: float
    x: float
    y: float
    """Below the axis, positive."""
    left: bool
    """On which side the name stands."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The diagram as lengths in inches, whoever draws it: x from the left edge, y down from the axis."""

    width: float
    depth: float
    """Of everything below the axis."""
    left: float
    """Where the names of the left side end and the axis begins."""
    right: float
    ticks: tuple[tuple[float, int], ...]
    """Place and rank."""
    labels: tuple[Label, ...]
    """The best first."""
    bars: tuple[tuple[float, float, float], ...]
    """From x to x at y: one for every clique."""
    ruler: tuple[float, float] | None
    """The critical difference from the best end of the axis; None where it is longer than the axis."""


def enough(ranks: pd.DataFrame) -> bool:
    """Whether there is anything to draw: three methods, and the five data sets that a verdict needs."""
    n_units, count = ranks.shape
    return bool(count >= 3 and n_units >= ORIGINS_NEEDED)


def standing(
    ranks: pd.DataFrame, *, kind: Kind, alpha: float = 0.05, pairs: pd.DataFrame | None = None
) -> tuple[pd.Series, list[tuple[int, int]], float | None]:
    """Mean ranks, the best first, the cliques as (first, last) places among them, the critical difference.

    The arguments are those of :func:`critical`; a critical difference has Nemenyi's test alone.
    """
    n_units, count = ranks.shape
    means = mean_ranks(ranks)
    if kind == "nemenyi":
        p = nemenyi_p(ranks)
    elif pairs is None:
        raise ValueError("kind='wilcoxon_holm' needs pairs, what signed_rank_pairs returns")
    else:
        p = square(pairs, list(ranks.columns))
    runs = cliques(ranks.columns.get_indexer(means.index).tolist(), p.to_numpy() <= alpha)
    return means, runs, nemenyi(count, n_units, alpha) if kind == "nemenyi" else None


def layout(means: pd.Series, runs: Sequence[tuple[int, int]], difference: float | None = None) -> Layout:
    """Where everything of a diagram stands.

    Parameters
    ----------
    means : pandas.Series
        Mean rank by method, the best first.
    runs : sequence of (first, last)
        Cliques, as places in ``means``.
    difference : float, optional
        The critical difference, for the ruler.
    """
    count = len(means)
    low, high = int(np.floor(means.min())), int(np.ceil(means.max()))
    # Wide enough for the ruler: methods that are alike should not look far apart.
    span = min(int(np.ceil(difference or 1)), count - 1)
    high = min(max(high, low + span), count)
    low = max(min(low, high - span), 1)
    side = 0.42 + _CHARACTER * max(len(label(name, _NAME)) for name in means.index)
    left, right = side, _WIDTH - side

    def place(rank: float) -> float:
        return left + (right - left) * (rank - low) / (high - low)

    bars = _stacked(
        [(place(means.iloc[first]) - 0.03, place(means.iloc[last]) + 0.03) for first, last in runs]
    )
    top = 0.2 + max((y for _, _, y in bars), default=0.0)
    half = (count + 1) // 2
    labels = []
    for index, (name, rank) in enumerate(means.items()):
        # Half a row lower on the right, so that no two lines meet and read as one.
        row = index if index < half else count - index - 0.5
        labels.append(Label(str(name), float(rank), place(rank), top + _ROW * row, index < half))
    step = max(1, (high - low) // 8)
    ticks = tuple((place(rank), rank) for rank in range(low, high + 1) if (rank - low) % step == 0)
    ruler = None
    if difference is not None and difference <= high - low:
        ruler = (left, place(low + difference))
    depth = max(one.y for one in labels) + 0.12
    return Layout(_WIDTH, depth, left, right, ticks, tuple(labels), bars, ruler)


def _stacked(spans: Sequence[tuple[float, float]]) -> tuple[tuple[float, float, float], ...]:
    """Each span as (from, to, y), in the first row below the axis in which it touches no other."""
    ends: list[float] = []
    bars = []
    for start, end in spans:
        row = next((row for row, last in enumerate(ends) if last + 0.05 < start), len(ends))
        ends[row:] = [end, *ends[row + 1 :]]
        bars.append((start, end, 0.12 + _LEVEL * row))
    return tuple(bars)


def critical(
    ranks: pd.DataFrame,
    *,
    kind: Kind = "nemenyi",
    alpha: float = 0.05,
    pairs: pd.DataFrame | None = None,
    about: str = "",
) -> Drawing | None:
    """The critical difference diagram (Demšar 2006, JMLR 7); None where :func:`enough` says no.

    Parameters
    ----------
    ranks : pandas.DataFrame
        Ranks by independent data set ``(n_units, n_methods)``: ``Entrants.unit_ranks``.
    kind : str
        ``nemenyi``: bars over methods less than a critical difference apart. ``wilcoxon_holm``: bars over
        neighbours of which no pair is told apart by signed-rank tests after Holm's adjustment.
    alpha : float
        Of all pairs together.
    pairs : pandas.DataFrame, optional
        For ``wilcoxon_holm``: what ``pairwise.signed_rank_pairs`` returns.
    about : str
        A sentence for the end of the caption.
    """
    if not enough(ranks):
        return None
    means, runs, difference = standing(ranks, kind=kind, alpha=alpha, pairs=pairs)
    where = layout(means, runs, difference)
    figure = _drawn(where, difference)
    test = "Nemenyi" if kind == "nemenyi" else "Wilcoxon and Holm"
    caption = " ".join([_caption(ranks, kind, alpha, difference), about]).strip()
    return Drawing(
        f"critical-{kind.replace('_', '-')}",
        f"Mean ranks ({test})",
        caption,
        _alt(means, runs, test),
        figure,
        _table(means, runs),
    )


def _drawn(where: Layout, difference: float | None) -> Figure:
    head = 0.72 if difference is not None else 0.34
    figure = Figure(figsize=(where.width, head + where.depth))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, where.width)
    axes.set_ylim(where.depth, -head)
    axes.axis("off")
    axes.plot((where.left, where.right), (0, 0), color=INK, lw=1)
    for x, rank in where.ticks:
        axes.plot((x, x), (-0.06, 0), color=INK, lw=1)
        axes.text(x, -0.09, str(rank), ha="center", va="bottom", fontsize=8)
    axes.text(where.left - 0.12, 0, "best", ha="right", va="center", fontsize=8)
    axes.text(where.right + 0.12, 0, "worst", ha="left", va="center", fontsize=8)
    for one in where.labels:
        _named(axes, one, where)
    for start, end, y in where.bars:
        axes.plot((start, end), (y, y), color=PALETTE[0], lw=3.2, solid_capstyle="butt", zorder=3)
    if difference is not None:
        _ruled(axes, where, difference)
    return figure


def _named(axes: Axes, one: Label, where: Layout) -> None:
    end = where.left - 0.08 if one.left else where.right + 0.08
    axes.plot((one.x, one.x, end), (0, one.y, one.y), color=INK, lw=0.7)
    name, rank = label(one.method, _NAME), f"{one.rank:.2f}"
    text = f"{name}  {rank}" if one.left else f"{rank}  {name}"
    axes.text(
        end + (-0.05 if one.left else 0.05),
        one.y,
        text,
        va="center",
        fontsize=8,
        ha="right" if one.left else "left",
    )


def _ruled(axes: Axes, where: Layout, difference: float) -> None:
    text = f"critical difference {difference:.2f}"
    if where.ruler is None:
        axes.text(where.left, -0.48, f"{text}: longer than this axis", va="center", fontsize=8)
        return
    start, end = where.ruler
    axes.plot((start, end), (-0.48, -0.48), color=PALETTE[0], lw=1.4)
    for x in where.ruler:
        axes.plot((x, x), (-0.53, -0.43), color=PALETTE[0], lw=1.4)
    axes.text(end + 0.08, -0.48, text, va="center", fontsize=8)


def _caption(ranks: pd.DataFrame, kind: Kind, alpha: float, difference: float | None) -> str:
    n_units, count = ranks.shape
    found, pairs = friedman(ranks), count * (count - 1) // 2
    parts = [
        f"Mean ranks of {count} methods over {counted(n_units, 'independent data set')}; 1 is the best, "
        "failures rank last."
    ]
    if kind == "nemenyi":
        parts.append(
            "A bar joins methods whose mean ranks differ by less than the critical difference "
            f"{difference:.2f} (Nemenyi's test of all {pairs} pairs together, alpha {alpha:g}): this "
            "test does not tell them apart."
        )
    else:
        parts.append(
            "A bar joins neighbours of which no pair is told apart (Wilcoxon's signed-rank test on paired "
            f"effects, Holm's adjustment over all {pairs} pairs, alpha {alpha:g}); two methods without a "
            "common bar may still be indistinguishable."
        )
        if pairs * 2.0 ** (1 - n_units) > alpha:
            parts.append("With so few data sets this test cannot tell any two methods apart.")
    alike = "do not tell" if found.p_f > alpha else "tell"
    f = number(found.f) if np.isfinite(found.f) else "infinite"
    parts.append(
        f"Ranks as a whole {alike} the methods apart (Friedman's chi-square {number(found.chi2)}; Iman and "
        f"Davenport's F {f} with {found.df[0]} and {found.df[1]} degrees of freedom, "
        f"p {p_value(found.p_f)}). All of it is relative to these methods."
    )
    return " ".join(parts)


def _alt(means: pd.Series, runs: Sequence[tuple[int, int]], test: str) -> str:
    order = "; ".join(f"{name} {rank:.2f}" for name, rank in means.items())
    names = list(means.index)
    groups = "; ".join(f"{names[first]} to {names[last]}" for first, last in runs) or "none"
    return f"Mean ranks, the best first: {order}. Not told apart ({test}): {groups}."


def _table(means: pd.Series, runs: Sequence[tuple[int, int]]) -> pd.DataFrame:
    """One row per method: method, mean_rank, bars (the numbers of those that it is under)."""
    under = [
        " ".join(str(bar + 1) for bar, (first, last) in enumerate(runs) if first <= place <= last)
        for place in range(len(means))
    ]
    return pd.DataFrame({"method": list(means.index), "mean_rank": means.to_numpy(), "bars": under})
