"""Tables as CSV and LaTeX."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from benchmark.report.tables import Table, escape_latex, latex, save, text
from benchmark.report.words import percent

TABLE = Table(
    "small",
    "100 % of a_b",
    pd.DataFrame({"a_name": ["x_1 & y", "50 % $z$"], "effect": [0.1, None], "n": [1, 2]}),
    {"effect": percent},
)


def test_text_puts_every_cell_into_words() -> None:
    shown = text(TABLE)
    assert list(shown.columns) == ["a name", "effect", "n"]
    assert shown.to_numpy().tolist() == [["x_1 & y", "+10.0 %", "1"], ["50 % $z$", "–", "2"]]


def test_latex_is_booktabs_with_everything_escaped() -> None:
    lines = latex(TABLE).splitlines()
    assert r"x\_1 \& y & +10.0 \% & 1 \\" in lines
    assert r"50 \% \$z\$ & -- & 2 \\" in lines
    assert r"\caption{100 \% of a\_b}" in lines
    assert r"\begin{tabular}{lrr}" in lines
    assert [line for line in lines if line.endswith("rule")] == [r"\toprule", r"\midrule", r"\bottomrule"]


def test_backslashes_cannot_become_commands() -> None:
    assert escape_latex(r"\input{x}~^") == r"\textbackslash{}input\{x\}\textasciitilde{}\textasciicircum{}"


@given(st.text(max_size=60))
def test_no_special_character_is_left_bare(name: str) -> None:
    escaped = escape_latex(name)
    commands = r"\\text\w+\{\}|\\ldots\{\}|\$-\$|\$\\times\$|\\[{}$&#_%]"
    assert not re.search(r"[\\{}$&#_%~^\n]", re.sub(commands, "", escaped))


def test_csv_keeps_every_digit(tmp_path: Path) -> None:
    value = 0.1 + 0.2
    save(Table("t", "", pd.DataFrame({"x": [value]})), tmp_path)
    assert float((tmp_path / "t.csv").read_text().splitlines()[1]) == value
