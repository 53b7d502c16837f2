"""The terminal's table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from benchmark.judge import judge
from benchmark.judge.flags import attached, raised
from benchmark.report import terminal_table
from benchmark.report.sections.material import Material
from benchmark.report.sections.verdict import warnings
from benchmark.report.words import interval, percent


def test_one_line_per_candidate_and_setting_with_the_judgement_s_numbers(case: Any) -> None:
    said = terminal_table(case.judgement, case.about, case.records, case.refused)
    lines = said.splitlines()
    for c in case.judgement.comparisons:
        row = [line for line in lines if line.split()[:1] == [c.candidate] and c.verdict in line.split()]
        assert row, c.candidate
        parts = (percent(c.effect.mean), interval(c.effect.ci_verdict), f"{c.wins}/{c.ties}/{c.losses}")
        assert any(all(part in line for part in parts) for line in row)
    order = [line for line in lines if "setting, against" in line]
    assert order == ["tuned setting, against adamw", "default setting, against adamw"]


def test_it_says_what_failed_and_what_was_not_run(case: Any) -> None:
    said = " ".join(terminal_table(case.judgement, case.about, case.records, case.refused).split())
    failed = (case.records["status"] != "ok").sum()
    assert failed > 0
    assert f"{failed} cells of {len(case.records)} came to no result (sgd {failed})." in said
    assert "8 combinations of the plan could not run" in said
    assert case.judgement.comparisons[0].sentence in said


def test_a_failed_control_is_told_apart_from_the_baseline(case: Any) -> None:
    base = case.records[case.records["component"] == "adamw"].head(3)
    controls = base.assign(role="control", control="permuted", setting="default", status="failed", error=None)
    both = pd.concat([case.records, controls], ignore_index=True)
    said = " ".join(terminal_table(case.judgement, case.about, both).split())
    failed = (case.records["status"] != "ok").sum()
    assert f"{failed} cells of {len(case.records)} came to no result (sgd {failed})." in said
    assert "3 cells of 3 of the controls came to no result (adamw 3)." in said
    told = list(warnings(Material(case.about, case.judgement, both, (), None, None, None, None, (), {})))
    assert f"(sgd {failed}). Their errors were imputed; see Failures." in told[0]
    assert told[1].endswith("(adamw 3). No verdict rests on them; see Failures.")


def test_it_is_at_most_100_columns_of_printable_text(build: Callable[..., Any]) -> None:
    case = build(
        {"radam": "my_package.optimizers:" + "R" * 300, "sgd": "a\x1b[31mb\nc", "question": "why? " * 80}
    )
    lines = terminal_table(case.judgement, case.about, case.records).splitlines()
    assert max(map(len, lines)) <= 100
    assert all(line.isprintable() for line in lines)


def test_it_warns_where_tuning_made_the_baseline_worse(case: Any) -> None:
    swapped = case.records.assign(
        setting=case.records["setting"].replace({"tuned": "default", "default": "tuned"})
    )
    ours = swapped[swapped["role"] != "reference"]
    judgement = judge(ours)
    judgement = attached(judgement, raised(ours, judgement))
    said = " ".join(terminal_table(judgement, case.about, ours).split())
    assert "warning worse_than_its_default (adamw, tuned): the baseline adamw is 1" in said
    assert "worse tuned" not in terminal_table(case.judgement, case.about, case.records)
