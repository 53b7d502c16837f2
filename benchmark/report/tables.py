"""Tables for reading and for papers: one frame of numbers, shown as HTML, CSV and LaTeX (booktabs)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.report.words import NONE, label

__all__ = ["Table", "escape_latex", "latex", "save", "text"]

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
    "−": "$-$",
    "×": r"$\times$",
    "–": "--",
    "…": r"\ldots{}",
}


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


def text(table: Table) -> pd.DataFrame:
    """The table's cells as people read them, strings throughout; headings without underscores."""
    shown = {
        str(name).replace("_", " "): [
            _cell(value, table.formats.get(str(name))) for value in table.frame[name]
        ]
        for name in table.frame.columns
    }
    return pd.DataFrame(shown, dtype="str")


def _cell(value: Any, form: Callable[[Any], str] | None) -> str:
    if not isinstance(value, (list, tuple, dict)) and pd.isna(value):
        return NONE
    return form(value) if form else str(value)


def escape_latex(value: str) -> str:
    """``value`` as LaTeX prints it verbatim, on one line."""
    return "".join(_LATEX.get(character, character) for character in label(value, 10_000))


def latex(table: Table) -> str:
    r"""A ``table`` float with ``\toprule``, ``\midrule`` and ``\bottomrule``; needs the package booktabs."""
    shown = text(table)
    numeric = [
        str(name) in table.formats or pd.api.types.is_numeric_dtype(table.frame[name]) for name in table.frame
    ]
    lines = [" & ".join(escape_latex(cell) for cell in row) + r" \\" for row in shown.itertuples(index=False)]
    head = " & ".join(escape_latex(name) for name in shown.columns) + r" \\"
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape_latex(table.caption)}}}",
            rf"\label{{tab:{table.name}}}",
            rf"\begin{{tabular}}{{{''.join('r' if right else 'l' for right in numeric)}}}",
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


def save(table: Table, folder: Path) -> None:
    """Write ``name.csv`` (numbers at full precision) and ``name.tex`` (as read) into ``folder``."""
    table.frame.to_csv(folder / f"{table.name}.csv", index=False, lineterminator="\n")
    (folder / f"{table.name}.tex").write_text(latex(table), encoding="utf-8")
