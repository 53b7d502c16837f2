"""Tables as CSV and LaTeX."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from benchmark.report.tables import Table, columns, escape_latex, latex, save
from benchmark.report.words import interval, percent

TABLE = Table(
    "small",
    "100 % of a_b",
    pd.DataFrame({"a_name": ["x_1 & y", "50 % $z$"], "effect": [0.1, None], "n": [1, 2]}),
    {"effect": percent},
)


def test_text_puts_every_cell_into_words() -> None:
    shown = columns(TABLE)
    assert [column.name for column in shown] == ["a name", "effect", "n"]
    assert [column.right for column in shown] == [False, True, True]
    assert [column.cells for column in shown] == [["x_1 & y", "50 % $z$"], ["+10.0 %", "–"], ["1", "2"]]


def test_columns_that_are_read_together_stand_in_one_cell_and_apart_in_the_csv(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": ["x", "y"], "low": [-0.1, None], "n": [3, 4], "high": [0.2, None]})
    table = Table(
        "t", "", frame, {"interval": interval}, pairs={"interval": ("low", "high")}, titles={"n": "rows"}
    )
    assert [column.name for column in columns(table)] == ["a", "interval", "n"]
    assert columns(table)[1].cells == ["−10.0 to +20.0 %", "–"]
    assert columns(table)[2].title == "rows"
    save(table, tmp_path)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "t.csv"), frame)
    assert r"x & $-$10.0 to +20.0 \% & 3 \\" in (tmp_path / "t.tex").read_text()


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
    commands = r"\\text\w+\{\}|\\ldots\{\}|\$-\$|\$\\\w+\$|\{[\[*]\}|\\[{}$&#_%]"
    assert not re.search(r"[\\{}$&#_%~^\n]", re.sub(commands, "", escaped))


def test_csv_keeps_every_digit(tmp_path: Path) -> None:
    value = 0.1 + 0.2
    save(Table("t", "", pd.DataFrame({"x": [value]})), tmp_path)
    assert float((tmp_path / "t.csv").read_text().splitlines()[1]) == value
