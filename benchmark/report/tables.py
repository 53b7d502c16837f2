"""Tables for reading and for papers: one frame of numbers as HTML, CSV, Markdown and LaTeX (booktabs)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from benchmark.report.words import NONE, bounds, label

__all__ = [
    "Column",
    "Table",
    "columns",
    "csv",
    "ends",
    "escape_latex",
    "escape_markdown",
    "latex",
    "markdown",
    "save",
]

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "[": "{[}",  # after a line break in a table both would be taken for its arguments
    "*": "{*}",
    "−": "$-$",
    "×": r"$\times$",
    "–": "--",
    "…": r"\ldots{}",
    "Δ": r"$\Delta$",
    "δ": r"$\delta$",
    "±": r"$\pm$",
}
_MARKED = re.compile(r"([\\`*_\[\]<>#|!~&$^@])")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet takes for a formula."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Numbers with the way each column is put into words."""

    name: str
    """Stem of its files."""
    caption: str
    frame: pd.DataFrame
    formats: Mapping[str, Callable[[Any], str]] = field(default_factory=dict)
    """By column; other columns are shown as they are."""
    prose: tuple[str, ...] = ()
    """Columns of running text: left-aligned and wrapped."""
    pairs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Columns that are read together, say both ends of an interval: by the name of the one that stands for
    them, at the place of the first; its format gets them all as a tuple."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """What a column means, where its name and the caption leave it open."""


class Column(NamedTuple):
    """A column as people read it."""

    name: str
    """Without underscores."""
    cells: list[str]
    right: bool
    """Whether it holds numbers."""
    prose: bool
    title: str


def ends(name: str, pair: Sequence[float | None] | None) -> dict[str, float | None]:
    """An interval as two columns of a row, ``name_low`` and ``name_high``; None where it has no ends."""
    low, high = bounds(pair) or (None, None)
    return {f"{name}_low": low, f"{name}_high": high}


def columns(table: Table) -> list[Column]:
    """The table's columns as people read them, pairs in one."""
    standing = {names[0]: (name, names) for name, names in table.pairs.items()}
    hidden = {name for names in table.pairs.values() for name in names}
    found = []
    for column in table.frame.columns:
        if column in standing:
            name, names = standing[column]
            values = list(table.frame[list(names)].itertuples(index=False, name=None))
        elif column in hidden:
            continue
        else:
            name, values = str(column), list(table.frame[column])
        right = name in table.formats or pd.api.types.is_numeric_dtype(table.frame[column])
        cells = [_cell(value, table.formats.get(name)) for value in values]
        title = table.titles.get(name, "")
        found.append(Column(name.replace("_", " "), cells, bool(right), name in table.prose, title))
    return found


def _cell(value: Any, form: Callable[[Any], str] | None) -> str:
    if not isinstance(value, (list, tuple, dict)) and pd.isna(value):
        return NONE
    return form(value) if form else str(value)


def escape_latex(value: str) -> str:
    """``value`` as LaTeX prints it verbatim, on one line."""
    return "".join(_LATEX.get(character, character) for character in label(value, 10_000))


def latex(table: Table) -> str:
    r"""A ``table`` float with ``\toprule``, ``\midrule`` and ``\bottomrule``; needs the package booktabs."""
    shown = columns(table)
    rows = zip(*(column.cells for column in shown), strict=True)
    lines = [" & ".join(escape_latex(cell) for cell in row) + r" \\" for row in rows]
    head = " & ".join(escape_latex(column.name) for column in shown) + r" \\"
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape_latex(table.caption)}}}",
            rf"\label{{tab:{table.name}}}",
            rf"\begin{{tabular}}{{{''.join('r' if column.right else 'l' for column in shown)}}}",
            r"\toprule",
            head,
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def escape_markdown(value: str) -> str:
    """``value`` as Markdown shows it verbatim, on one line."""
    return _MARKED.sub(r"\\\1", label(value, 10_000))


def markdown(table: Table) -> str:
    """The table as GitHub and pandoc read it, under its caption."""
    shown = columns(table)
    rows = [[column.name for column in shown], *zip(*(column.cells for column in shown), strict=True)]
    head, *lines = [f"| {' | '.join(map(escape_markdown, row))} |" for row in rows]
    rule = "|".join("---:" if column.right else "---" for column in shown)
    return "\n".join([escape_markdown(table.caption), "", head, f"|{rule}|", *lines, ""])


def csv(frame: pd.DataFrame) -> str:
    """A header and a line a row, numbers at full precision.

    Text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    text = frame.select_dtypes(exclude=("number", "bool", "datetime"))
    harmless = frame.assign(**{str(name): text[name].map(_harmless) for name in text})
    return str(harmless.to_csv(index=False, lineterminator="\n"))


def _harmless(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")  # a bare one would end the line in some readers
    return f"'{text}" if value.startswith(_FORMULA) else text


def save(table: Table, folder: Path) -> None:
    """Write ``name.csv`` (numbers at full precision) and ``name.tex`` (as read) into ``folder``."""
    (folder / f"{table.name}.csv").write_text(csv(table.frame), encoding="utf-8")
    (folder / f"{table.name}.tex").write_text(latex(table), encoding="utf-8")
