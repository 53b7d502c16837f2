"""The terminal's table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmark.judge import judge
from benchmark.report import terminal_table
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
    said = " ".join(terminal_table(judge(ours), case.about, ours).split())
    assert "The baseline adamw is worse tuned than with its default setting (−1" in said
    assert "worse tuned" not in terminal_table(case.judgement, case.about, case.records)
