r"""Figures as TikZ source, for papers whose figures must have the paper's own type."""

from __future__ import annotations

import pandas as pd

from benchmark.report.figures.critical import Kind, Label, Layout, enough, layout, standing
from benchmark.report.tables import escape_latex
from benchmark.report.words import label

__all__ = ["critical_tikz"]

_NAME = 26


def critical_tikz(
    ranks: pd.DataFrame, *, kind: Kind = "nemenyi", alpha: float = 0.05, pairs: pd.DataFrame | None = None
) -> str | None:
    """The critical difference diagram as a LaTeX document of its own; None where there is no diagram.

    It needs the class ``standalone`` and the package ``tikz``; inside a paper the ``tikzpicture`` can be
    copied as it is. The arguments are those of ``figures.critical.critical``.
    """
    if not enough(ranks):
        return None
    means, runs, difference = standing(ranks, kind=kind, alpha=alpha, pairs=pairs)
    n_units, count = ranks.shape
    where = layout(means, runs, difference)
    test = "Nemenyi" if kind == "nemenyi" else "Wilcoxon signed-rank with Holm"
    return "\n".join(
        [
            f"% Mean ranks of {count} methods over {n_units} independent data sets; {test}, alpha {alpha:g}.",
            "% pdflatex, lualatex or xelatex; names beyond Latin letters need one of the latter two.",
            r"\documentclass[tikz,border=2pt]{standalone}",
            r"\usepackage[T1]{fontenc}",
            r"\begin{document}",
            r"\begin{tikzpicture}[x=1in,y=-1in,font=\scriptsize,inner sep=1pt]",
            rf"  \draw[line width=0.5pt] {_at(where.left, 0)} -- {_at(where.right, 0)};",
            *(
                rf"  \draw[line width=0.5pt] {_at(x, 0)} -- {_at(x, -0.06)} node[above] {{{rank}}};"
                for x, rank in where.ticks
            ),
            *(_method(one, where) for one in where.labels),
            *(
                rf"  \draw[line width=2.4pt] {_at(start, y)} -- {_at(end, y)};"
                for start, end, y in where.bars
            ),
            *_ruler(where, difference),
            r"\end{tikzpicture}",
            r"\end{document}",
            "",
        ]
    )


def _at(x: float, y: float) -> str:
    return f"({x:.3f},{y:.3f})"


def _method(one: Label, where: Layout) -> str:
    name, rank = escape_latex(label(one.method, _NAME)), f"{one.rank:.2f}"
    anchor, text = ("east", rf"{name}\quad {rank}") if one.left else ("west", rf"{rank}\quad {name}")
    end = where.left - 0.08 if one.left else where.right + 0.08
    path = f"{_at(one.x, 0)} -- {_at(one.x, one.y)} -- {_at(end, one.y)}"
    return rf"  \draw[line width=0.3pt] {path} node[anchor={anchor}] {{{text}}};"


def _ruler(where: Layout, difference: float | None) -> list[str]:
    if difference is None:
        return []
    text = f"CD = {difference:.2f}"
    if where.ruler is None:
        return [rf"  \node[anchor=west] at {_at(where.left, -0.45)} {{{text}, longer than this axis}};"]
    start, end = where.ruler
    return [
        rf"  \draw[|-|,line width=0.8pt] {_at(start, -0.45)} -- {_at(end, -0.45)} node[right] {{{text}}};"
    ]
