"""What every figure shares: colours, type, and how a drawing becomes SVG, PDF and CSV."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.report.tables import csv

__all__ = [
    "BAD",
    "FLOOR",
    "GOOD",
    "INK",
    "MARKERS",
    "PALETTE",
    "PLAIN",
    "ROOMY",
    "TONES",
    "Drawing",
    "band",
    "inline",
    "percent_axis",
    "row_size",
    "save",
    "style",
]

# Okabe and Ito's palette, without yellow (too pale on white), and with grey for black (kept for ink).
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#6b6b6b")
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "<", ">")
GOOD, BAD, PLAIN = "#0072B2", "#D55E00", "#808080"
TONES = {"good": GOOD, "bad": BAD, "plain": PLAIN}
FLOOR: dict[str, Any] = {"color": "#CC79A7", "lw": 1, "ls": (0, (4, 2))}
"""How a noise floor is drawn."""
ROOMY = 40
"""Rows up to which a figure prints a number in each."""
INK = "#1b1b1d"
"""Text and axes. No other element has this colour, so that the page can exchange it for its own."""

_STYLE = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same layout on every machine
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "text.color": INK,
    "text.parse_math": False,  # a name with dollar signs is a name
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "swapbench",
    "pdf.fonttype": 42,
}


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """One figure with everything that goes beside it."""

    name: str
    """Stem of its files."""
    title: str
    caption: str
    """States n, the kind of interval or test, and alpha."""
    alt: str
    """What a person sees who does not see it."""
    figure: Figure
    table: pd.DataFrame
    """The numbers that are drawn."""
    tikz: str = ""
    """The same as LaTeX source, for papers; empty where there is none."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The endings of its files."""
        return ("svg", "pdf", "csv", *(("tex",) if self.tikz else ()))

    def svg(self) -> str:
        """Its SVG text."""
        with style():
            return _svg(self.figure, _box(self.figure))

    _repr_svg_ = svg
    """What a notebook shows."""


@contextmanager
def style() -> Iterator[None]:
    """The house style, for creating figures and for saving them."""
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # A browser has fonts for names that DejaVu cannot write; the PDF shows a box instead.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        yield


def row_size(rows: int) -> tuple[float, float]:
    """Height of a row in inches and size of its type: 120 rows still stay on one long sheet."""
    return (0.24, 8.0) if rows <= ROOMY else (0.17, 7.0) if rows <= 2 * ROOMY else (0.125, 6.0)


def band(axes: Axes, rope: float, which: str = "x", **look: Any) -> None:
    """Shade what is too small to count (ROPE) along an axis of effects, and draw its zero."""
    span, line = (axes.axvspan, axes.axvline) if which == "x" else (axes.axhspan, axes.axhline)
    span(-rope, rope, color=PLAIN, alpha=0.28, lw=0, **look)
    line(0, color=INK, lw=0.7)


def percent_axis(axes: Axes, which: str = "x") -> None:
    """Label the ticks of an axis of fractions in signed percent."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(lambda value, _: f"{100 * value:+.4g}".replace("-", "−") if value else "0")


def save(drawing: Drawing, folder: Path) -> str:
    """Write ``name`` as SVG, PDF, CSV and, where there is any, TikZ into ``folder``; returns the SVG text.

    The same figure gives the same bytes: no date, no version, ids from a fixed salt.
    """
    # Measured once for both files: long names may reach beyond the figure's own edges.
    box = _box(drawing.figure)
    text = _svg(drawing.figure, box)
    (folder / f"{drawing.name}.svg").write_text(text, encoding="utf-8")
    nothing = {"CreationDate": None, "Creator": None, "Producer": None}
    drawing.figure.savefig(folder / f"{drawing.name}.pdf", metadata=nothing, bbox_inches=box)
    (folder / f"{drawing.name}.csv").write_text(csv(drawing.table), encoding="utf-8")
    if drawing.tikz:
        (folder / f"{drawing.name}.tex").write_text(drawing.tikz, encoding="utf-8")
    return text


def _box(figure: Figure) -> Any:
    return figure.get_tightbbox().padded(0.08)


def _svg(figure: Figure, box: Any) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches=box)
    return buffer.getvalue()


def inline(text: str, prefix: str, alt: str) -> str:
    """SVG text made part of an HTML page: ids of its own, ink in the colour of the page's text."""
    body = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)

    def adopt(tag: re.Match[str]) -> str:
        mark = re.sub(r'\bid="', f'id="{prefix}-', tag[0])
        mark = mark.replace("xlink:href=", "href=").replace('href="#', f'href="#{prefix}-')
        return mark.replace("url(#", f"url(#{prefix}-").replace(INK, "currentColor")

    body = re.sub(r"<[^>]+>", adopt, body)  # tags alone: a name may contain anything, escaped
    view = re.search(r'viewBox="0 0 ([\d.]+) [\d.]+"', body)
    assert view, "matplotlib always writes a viewBox"
    points = float(view[1])
    size = f"min-width:{1.1 * points:.0f}px;max-width:{1.5 * points:.0f}px"
    label = escape(alt, quote=True)
    return f'<svg {view[0]} style="{size}" role="img" aria-label="{label}"{body[body.index(">") :]}'
