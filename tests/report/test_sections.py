"""Sections that come and go: somebody else's table, early stopping, selection, the field, the ledger."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.errors import RequestError
from benchmark.judge import judge
from benchmark.judge.side_by_side.board import board
from benchmark.report import About, terminal_table, write
from benchmark.report.sections import Material, Section, every
from benchmark.report.sections.beside import beside_table
from benchmark.report.sections.ledger import ledger_table
from benchmark.report.words import percent


def table(
    methods: dict[str, float], tasks: int = 12, hosts: tuple[str, ...] = ("",), runs: int = 2
) -> pd.DataFrame:
    """Errors and nothing else: each method's gain over the level of every task."""
    random = np.random.default_rng(3)
    rows = [
        {"component": name, "task": f"set {number:03d}", "host": host, "seed": seed, "error": error}
        for number in range(tasks)
        for host in hosts
        for name, gain in methods.items()
        for seed in range(runs)
        for error in [(0.1 + 0.02 * (number % 7)) * (1 - gain) * np.exp(random.normal(0, 0.03))]
    ]
    return pd.DataFrame(rows)


ABOUT = About("paper", "Is ours better?", protocol=(("Table", "one file"),), kind="Table")


def headings(page: Path) -> list[str]:
    return re.findall(r"<h2[^>]*>([^<]*)</h2>", page.read_text(encoding="utf-8"))


def navigation(page: Path) -> list[str]:
    nav = re.search(r"<nav.*?</nav>", page.read_text(encoding="utf-8"), re.DOTALL)
    assert nav is not None
    return re.findall(r">([^<]+)</a>", nav[0])


def material(records: pd.DataFrame, **judged: Any) -> Material:
    about = judged.pop("about", ABOUT)
    judgement = judge(records, **judged)
    return Material(about, judgement, records, (), None, None, None, None, (), {})


def test_a_table_of_three_columns_gets_a_page_without_what_it_does_not_tell(tmp_path: Path) -> None:
    records = table({"ours": 0.1, "theirs": 0.0}, runs=1)[["component", "task", "error"]]
    judgement = judge(records, candidates=["ours"], baselines=["theirs"])
    page = write(tmp_path, about=ABOUT, judgement=judgement, records=records)
    sections = ["Verdict", "Evidence", "Robustness", "Beside the verdict", "Claims", "Protocol", "Files"]
    assert headings(page) == navigation(page) == sections
    text = page.read_text()
    assert "Table <strong>paper</strong>" in text and "slot" not in re.sub(r"<style>.*?</style>", "", text)
    assert judgement.comparisons[0].sentence in text
    assert "Primary comparison" not in text and "heatmap" not in text and "trials.parquet" not in text
    assert "12 records, none failed" not in text and "24 records, none failed." in text
    assert not (page.parent / "trials.parquet").exists()
    assert json.loads((page.parent / "verdict.json").read_text())["metric"] == ""
    said = terminal_table(judgement, ABOUT, records)
    assert "all results, against theirs" in said and "unstated" not in said + text


def test_failures_of_a_table_are_those_without_an_error(tmp_path: Path) -> None:
    records = table({"ours": 0.1, "theirs": 0.0})
    records.loc[records.query("component == 'ours'").index[:3], "error"] = np.nan
    judgement = judge(records, candidates=["ours"], baselines=["theirs"])
    page = write(tmp_path, about=ABOUT, judgement=judgement, records=records)
    assert "Failures" in headings(page)
    assert "48 records, 3 of them failed" in page.read_text()
    row = pd.read_csv(page.parent / "tables" / "failures.csv").iloc[0]
    assert (row["component"], row["status"], row["cells"]) == ("ours", "no error", 3)
    rest = pd.read_csv(page.parent / "tables" / "robustness.csv").iloc[0]
    assert (rest["worst_case_low"], rest["worst_case_high"]) == judgement.comparisons[0].worst_case


def test_methods_side_by_side_need_no_comparison(tmp_path: Path) -> None:
    records = table({"a": 0.0, "b": 0.05, "c": 0.3})
    compared = judge(records, candidates=["b", "c"], baselines=["a"])
    alone = replace(compared, comparisons=(), aa={}, primary=None, board=board(records, pairs=True))
    page = write(tmp_path, about=ABOUT, judgement=alone, records=records)
    assert headings(page) == navigation(page) == ["Field", "Protocol", "Files"]
    assert "interval" in (page.parent / "tables" / "pairs.tex").read_text()
    with pytest.raises(RequestError, match="table 'paper'.*nothing to report"):
        write(tmp_path, about=ABOUT, judgement=replace(alone, board=None), records=records)


def test_the_field_has_the_board_s_numbers_and_no_winner_inside_the_noise(case: Any, folder: Path) -> None:
    found = case.judgement.board
    shown = pd.read_csv(folder / "tables" / "standing.csv")
    assert shown["method"].to_list() == found.standing["method"].to_list()
    np.testing.assert_allclose(shown["mean_rank"], found.standing["mean_rank"], rtol=1e-15)
    assert shown["may_be_first"].to_list() == found.standing["tied_for_first"].to_list()
    page = (folder / "index.html").read_text()
    field = page[page.index('<section id="field"') : page.index('<section id="data"')]
    assert "<strong>" not in field and "<b>" not in field and "badge good" not in field
    assert "relative to these" in field and "alpha 0.05" in field
    source = (folder / "figures" / "critical-nemenyi.tex").read_text()
    assert r"\begin{tikzpicture}" in source and all(name in source for name in shown["method"])
    assert 'href="figures/critical-nemenyi.tex"' in field


def test_two_arms_make_no_field() -> None:
    found = every(material(table({"a": 0.0, "b": 0.1}), candidates=["b"], baselines=["a"]))
    assert "field" not in [one.anchor for one in found]


def test_the_statistics_beside_a_verdict_are_the_judge_s(case: Any) -> None:
    frame = beside_table(case.judgement.comparisons).frame
    for row, c in zip(frame.to_dict("records"), case.judgement.comparisons, strict=True):
        found = c.beside
        assert (row["improvement"], row["improvement_low"], row["improvement_high"]) == found.improvement
        assert (row["bayes_worse"], row["bayes_equal"]) == (found.bayes.worse, found.bayes.equal)
        assert row["iqm_candidate"] == found.iqm["candidate"].value
        assert row["k_fisher"] == found.replicability["k_fisher"]
        assert row["welch_wins"] == found.welch["wins"]


def test_what_no_record_tells_has_no_column_beside_the_verdict() -> None:
    one = material(table({"a": 0.0, "b": 0.1}, runs=1), candidates=["b"], baselines=["a"])
    shown = beside_table(one.judgement.comparisons)
    assert "welch_wins" not in shown.frame and "Welch W / T / L" not in shown.pairs
    assert "Welch" not in shown.caption and "Shown on" not in shown.caption


def section(given: Material, anchor: str) -> Section:
    (found,) = [one for one in every(given) if one.anchor == anchor]
    return found


def test_every_look_of_a_sequential_study_is_drawn_with_where_it_stopped() -> None:
    records = table({"a": 0.0, "much": 0.9, "none": 0.001}, tasks=30)
    order = sorted(records["task"].unique())
    given = material(records, candidates=["much", "none"], baselines=["a"], order=order)
    found = section(given, "stopping")
    (drawing,) = found.drawings()
    for c in given.judgement.comparisons:
        assert c.sequential is not None
        mine = drawing.table[drawing.table["candidate"] == c.candidate].reset_index(drop=True)
        pd.testing.assert_frame_equal(mine[c.sequential.table.columns], c.sequential.table)
    first, second = given.judgement.comparisons
    assert first.sequential is not None and second.sequential is not None
    stop = first.sequential.stopped_at
    assert stop is not None and second.sequential.stopped_at is None
    (said,) = found.parts[0].says
    assert f"Settled: much after {stop} of 30 data sets ({first.verdict}). 1 comparison stayed" in said
    (overview,) = section(given, "verdict").drawings()
    assert "confidence sequence (bounded) that holds at every look" in overview.caption
    assert f"n = {stop} to 30 independent data sets" in overview.caption


def test_a_selection_is_told_with_both_halves() -> None:
    records = table({"a": 0.0, "b": 0.1, "c": 0.02}, tasks=16)
    origins = sorted(records["task"].unique())
    given = material(records, candidates=["b", "c"], baselines=["a"], confirm=(origins[::2], origins[1::2]))
    (one,) = given.judgement.selections
    found = section(given, "selection")
    (drawing,) = found.drawings()
    row = drawing.table.iloc[0]
    assert (row["selecting"], row["confirming"]) == (one.selecting, one.confirming)
    assert list(found.parts[0].says) == [one.sentence]
    assert percent(one.selecting) in drawing.alt
    assert one.sentence in " ".join(terminal_table(given.judgement, ABOUT, records).split())


LEDGER = pd.DataFrame(
    {
        "slot": "optimizer",
        "component": ["radam", "radam", "somebody_s"],
        "variant": ["11111111", "22222222", "33333333"],
        "first_seen": ["2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", ""],
        "studies": ["demo", "demo,other", "else"],
        "baseline": ["adamw", None, "adamw"],
        "setting": ["tuned", None, "tuned"],
        "origins": [8.0, np.nan, 3.0],
        "effect": [0.08, np.nan, 0.5],
        "verdict": ["HELPS", None, "HELPS"],
    }
)


def test_the_ledger_shows_every_variant_of_the_candidates_and_of_no_other(case: Any) -> None:
    given = Material(case.about, case.judgement, case.records, (), None, None, None, LEDGER, (), {})
    found = ledger_table(given)
    assert found is not None
    assert found.frame["variant"].to_list() == ["22222222", "11111111"]
    assert "2 variants of 1 component" in found.caption
    assert section(given, "ledger").parts[0].tables[0] is not None
    assert ledger_table(replace(given, ledger=LEDGER.query("component == 'somebody_s'"))) is None
    assert ledger_table(replace(given, ledger=None)) is None


def test_the_primary_comparison_leads_and_the_others_are_secondary(case: Any, folder: Path) -> None:
    text = (folder / "index.html").read_text()
    first = case.judgement.primary
    assert f"Primary comparison: {first.candidate} against {first.baseline}, tuned." in text
    assert text.count(first.sentence) == 1
    assert text.index(first.sentence) < text.index("Secondary comparisons")
    said = terminal_table(case.judgement, case.about, case.records)
    assert "Primary: " in said
    assert "Primary: " not in terminal_table(case.judgement, replace(case.about, primary=False), case.records)


def test_the_winner_s_curse_is_among_the_notes() -> None:
    records = table({"a": 0.0, "b": 0.01})
    given = material(records, candidates=["b"], baselines=["a"], variants_tried={"b": 40})
    assert given.judgement.comparisons[0].volatile["flags"] == ["winners_curse"]
    told = section(given, "verdict").parts[0].warnings
    assert any(says.startswith("40 variants of b were run in this store") for says in told)


def test_many_comparisons_get_few_figures_and_a_word() -> None:
    names = [f"c{number:02d}" for number in range(11)]
    records = table({"a": 0.0} | {name: 0.01 * n for n, name in enumerate(names)}, hosts=("x", "y"))
    about = replace(ABOUT, primary=True)
    given = material(records, candidates=names, baselines=["a"], primary="c09", about=about)
    evidence = section(given, "evidence")
    drawn = [drawing.name for drawing in evidence.drawings()]
    assert drawn[:3] == ["forest-c09", "heatmap-c09", "forest-c00"] and len(drawn) == 16
    assert evidence.parts[0].says == [
        "3 more comparisons of 11 not drawn. Every effect stands in tables/effects.csv."
    ]
