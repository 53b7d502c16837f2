"""What is said of tuning: ends of search spaces, and noise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from benchmark.judge import judge
from benchmark.judge.flags import attached, raised
from benchmark.judge.search.edges import EDGE_COLUMNS
from benchmark.report import about_study, terminal_table
from benchmark.report.noticed import LINES_SHOWN
from benchmark.report.sections.tuning import edge_table, noise_table, tuned_note
from benchmark.spec import Tuning


def crowded(number: int) -> pd.DataFrame:
    """Search spaces of which ``number`` are crowded at their lower end, and the last at its upper end too."""
    row = dict(zip(EDGE_COLUMNS[:5], ["optimizer", "lion", "optimizer.lr", 1e-6, 0.001], strict=True))
    row |= {
        "settings": 20,
        "median": 0.4,
        "at_lower": 0.434,
        "at_upper": 0.3,
        "p_lower": 1e-6,
        "p_upper": 0.5,
    }
    rows = [{**row, "argument": f"optimizer.a{n}", "lower": True, "upper": False} for n in range(number)]
    rows[-1] |= {"upper": True, "argument": "architecture.width"}
    return pd.DataFrame(rows, columns=EDGE_COLUMNS)


def test_an_end_that_is_crowded_is_to_be_widened() -> None:
    table = edge_table(crowded(2))
    assert table is not None
    assert table.frame["widen"].tolist() == ["lower", "lower and upper"]
    assert edge_table(pd.DataFrame(columns=EDGE_COLUMNS)) is None


def test_the_terminal_names_the_first_ends_and_counts_the_rest(case: Any) -> None:
    def said(found: pd.DataFrame) -> str:
        told = judge(case.records)
        told = attached(told, raised(case.records, told, edges=found))
        return " ".join(terminal_table(told, case.about, case.records).split())

    assert "sgd lr: 100.0 % of the tuned settings lie at the upper end (0.1)" in said(case.edges)
    assert said(case.edges).count("Widen the space") == 1
    assert "more findings" not in said(case.edges)
    many = said(crowded(20))
    assert many.count("Widen the space") == LINES_SHOWN and "more findings: the report lists them" in many


def test_one_trial_tunes_nothing_and_the_terminal_says_so(case: Any) -> None:
    assert [tuned_note(setting, n) for setting in ("tuned", "default") for n in (1, 2)] == [
        " (1 trial: the default)", "", "", "",
    ]  # fmt: skip
    study = replace(case.study, protocol=replace(case.study.protocol, tuning=Tuning(trials=1)))
    lines = terminal_table(case.judgement, about_study(study, case.judgement), case.records).splitlines()
    assert "tuned setting (1 trial: the default), against adamw" in lines
    assert "default setting, against adamw" in lines


def test_noise_is_told_per_arm_where_it_can_be(case: Any) -> None:
    assert noise_table(case.records) is None  # tuned once
    twice = case.records.assign(
        tuning=(case.records["seed"] % 2).where(case.records["setting"] == "tuned", 0)
    )
    assert noise_table(twice) is None  # one seed each
    more = pd.concat([twice, twice.assign(seed=twice["seed"] + 2, error=twice["error"] * 1.01)])
    table = noise_table(more)
    assert table is not None
    # The references of this study are whole pipelines under the same slot, with trials of their own.
    assert {"adamw", "lion", "radam", "sgd"} <= set(table.frame["component"])
    assert (table.frame[["seeds_sd", "tuning_sd"]] >= 0).all(axis=None)


@pytest.mark.parametrize("repeats", [1, 2])
def test_the_protocol_says_how_often_everything_was_tuned(case: Any, repeats: int) -> None:
    tuning = Tuning(trials=4, repeats=repeats)
    study = replace(case.study, protocol=replace(case.study.protocol, tuning=tuning))
    said = dict(about_study(study, case.judgement).protocol)["Tuning"]
    assert ("the whole of it 2 times" in said) == (repeats == 2)
