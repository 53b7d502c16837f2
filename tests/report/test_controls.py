"""The section of controls: one row each, failed or not, and nothing where nobody asked for any."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from benchmark.judge.controls import Control
from benchmark.report.about import about_study
from benchmark.report.sections.controls import controls_table

FOUND = (
    Control("permuted", "adamw", "default", "chance", "95 % below it", False, 0.95, (0.9, 1.0)),
    Control("handicapped", "adamw", "default", "worse", "HARMS", True, -0.2, (-0.3, -0.1)),
    Control("planted", "adamw", "tuned", "+2.0 %", "too few to say", None),
)


def test_every_control_is_a_row_and_says_how_it_went() -> None:
    table = controls_table(FOUND)
    assert table is not None and controls_table(()) is None
    assert list(table.frame["result"]) == ["FAILED", "held", "not shown"]
    assert list(table.frame["ci_low"].fillna(9.0)) == [0.9, -0.3, 9.0]


def test_what_failed_stands_above_the_verdict_and_in_its_own_section(case: Any, tmp_path: Path) -> None:
    alarm = FOUND[0].finding()
    assert alarm is not None
    judgement = dataclasses.replace(case.judgement, controls=FOUND, findings=(alarm,))
    page = dataclasses.replace(case, judgement=judgement).write(tmp_path).read_text()
    assert page.index("control permuted") < page.index('class="lead"') < page.index('id="controls"')
    assert (tmp_path / "report" / "tables" / "controls.csv").is_file()


def test_the_protocol_names_them(case: Any) -> None:
    protocol = dataclasses.replace(case.study.protocol, controls=("permuted", "planted"))
    told = dict(about_study(dataclasses.replace(case.study, protocol=protocol), case.judgement).protocol)
    assert told["Controls"] == "permuted, planted"
    assert "Controls" not in dict(about_study(case.study, case.judgement).protocol)
