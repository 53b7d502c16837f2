"""Sections that only some studies have: what sizes, and a second slot, do to the effect."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.judge import judge
from benchmark.report import figures, terminal_table
from benchmark.report.sections.factors import factor_sentences, scale_table
from benchmark.report.words import percent

ROWS, WIDTHS = (500, 2000, 8000), (32, 128)
SHRINKS = {"radam": 0.02, "lion": 0.0}
TASKS = ("breast_cancer", "digits", "wine", "iris", "diabetes", "fair")
SCHEDULES = {"constant": 1.0, "cosine": 0.95}


def tuned(case: Any) -> pd.DataFrame:
    """Tuned records of two candidates on six tasks."""
    ours = case.records[(case.records["setting"] == "tuned") & case.records["task"].isin(list(TASKS))]
    return ours[ours["component"].isin(["adamw", "radam", "lion"])]


def scaled(case: Any) -> Any:
    """The study at three sizes and two widths; a candidate's gain shrinks by SHRINKS per doubling."""
    ours = tuned(case)[tuned(case)["host"] != "tabm"]
    parts, rng = [], np.random.default_rng(5)
    for rows in ROWS:
        for width in WIDTHS:
            part = ours.assign(rows=float(rows), width=float(width), base_host=ours["host"])
            factor = 1 + part["component"].map(SHRINKS).fillna(0.0) * np.log2(rows / ROWS[0])
            factor *= np.exp(rng.normal(0, 0.02, len(part)))
            part = part.assign(task=part["task"] + f"@{rows}", host=part["host"] + f"@{width}")
            parts.append(part.assign(error=part["error"] * factor))
    return rejudged(case, pd.concat(parts, ignore_index=True))


def crossed(case: Any) -> Any:
    """The optimizers with two schedules each; cosine helps radam more than the others."""
    ours = tuned(case)[tuned(case)["host"] == "mlp"]
    factors, parts, rng = {}, [], np.random.default_rng(6)
    for schedule, factor in SCHEDULES.items():
        for name, part in ours.groupby("component"):
            arm = f"{name}+{schedule}"
            factors[arm] = {"optimizer": str(name), "schedule": schedule}
            part = part.assign(component=arm, error=part["error"] * factor)
            part["error"] *= np.exp(rng.normal(0, 0.02, len(part)))
            if schedule == "cosine":
                part = part[part["role"] != "aa"].assign(role="candidate")
            if arm == "radam+cosine":
                part["error"] *= 0.92
            parts.append(part)
    study = replace(
        case.study,
        slots=("optimizer", "schedule"),
        candidates=tuple(arm for arm in factors if arm != "adamw+constant"),
        baselines=("adamw+constant",),
    )
    return rejudged(replace(case, study=study), pd.concat(parts, ignore_index=True), factors=factors)


def rejudged(case: Any, records: pd.DataFrame, **further: Any) -> Any:
    return replace(case, records=records, trials=case.trials.iloc[:0], judgement=judge(records, **further))


@pytest.fixture(scope="module")
def sizes(build: Callable[..., Any]) -> Any:
    return scaled(build())


@pytest.fixture(scope="module")
def slots(build: Callable[..., Any]) -> Any:
    return crossed(build())


@pytest.fixture(scope="module")
def sizes_folder(sizes: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    page: Path = sizes.write(tmp_path_factory.mktemp("scaling"))
    return page.parent


@pytest.fixture(scope="module")
def slots_folder(slots: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    page: Path = slots.write(tmp_path_factory.mktemp("interaction"))
    return page.parent


def test_the_scale_section_has_its_words_figures_and_table(sizes: Any, sizes_folder: Path) -> None:
    page = (sizes_folder / "index.html").read_text()
    assert '<h2 id="h-scale">Scale</h2>' in page and '<a href="#scale">' in page
    assert 'id="interaction"' not in page
    said = factor_sentences(sizes.judgement)["scale"]
    assert len(said) == 3
    assert all(sentence in page for sentence in said)
    assert 'id="figure-scale-rows"' in page and 'id="figure-scale-width"' in page
    table = pd.read_csv(sizes_folder / "tables" / "scale.csv")
    assert len(table) == len(sizes.judgement.scaling) == 4
    one = table[(table["candidate"] == "radam") & (table["size"] == "rows")]
    assert one["per_doubling"].item() == pytest.approx(-0.02, abs=0.004)
    assert one["trend"].item() == "falls"
    assert (one["origins"].item(), one["hosts"].item(), one["sizes"].item()) == (6, 2, 3)


def test_the_scale_figure_draws_the_judgement_s_numbers(sizes: Any, sizes_folder: Path) -> None:
    drawn = pd.read_csv(sizes_folder / "figures" / "scale-rows.csv")
    found = [one for one in sizes.judgement.scaling if one.factor == "rows"]
    assert drawn["candidate"].unique().tolist() == [one.candidate for one in found]
    wanted = pd.concat([one.sizes for one in found], ignore_index=True)
    pd.testing.assert_frame_equal(drawn[wanted.columns], wanted, check_dtype=False)
    with figures.style():
        drawing = figures.scaling(found, "rows", 0.01)
    assert drawing is not None
    assert [axes.get_visible() for axes in drawing.figure.axes] == [True] * 2
    assert [text.get_text() for text in drawing.figure.axes[0].get_xticklabels()] == ["500", "2,000", "8,000"]
    for words in ("6 independent data sets", "2 hosts", "alpha 0.05"):
        assert words in drawing.caption
    assert f"radam {percent(found[1].slope.mean)} per doubling" in drawing.alt


def test_what_rests_on_failures_is_said_wherever_it_is_shown(sizes: Any) -> None:
    records = sizes.records.copy()
    failed = (records["component"] == "lion") & (records["width"] == 128)
    records.loc[failed, ["status", "error"]] = ["failed", np.nan]
    judgement = judge(records)
    (one,) = [found for found in judgement.scaling if (found.candidate, found.factor) == ("lion", "width")]
    assert "rests on imputed failures and is not judged" in one.sentence
    assert one.sentence in factor_sentences(judgement)["scale"]
    table = scale_table(judgement)
    assert table is not None
    shown = table.frame.set_index(["candidate", "size"])
    assert shown.loc[("lion", "width"), "imputed"] == one.imputed > 0
    assert shown.loc[("radam", "width"), "imputed"] == 0
    with figures.style():
        drawing = figures.scaling(judgement.scaling, "width", 0.01)
    assert drawing is not None
    titles = [axes.get_title("left") for axes in drawing.figure.axes]
    assert "lion: open, failures" in titles and "radam: no change seen" in titles
    assert f"Failures count as imputed: lion ({one.imputed} effects imputed)." in drawing.caption
    assert f"per doubling ({one.imputed} effects imputed)" in drawing.alt


def test_verdict_json_has_what_was_found(sizes_folder: Path, slots_folder: Path, folder: Path) -> None:
    scaling, together, plain = (
        set(json.loads((place / "verdict.json").read_text()))
        for place in (sizes_folder, slots_folder, folder)
    )
    assert scaling - plain == {"scaling"}
    assert together - plain == {"interaction"}


def test_the_interaction_section_has_its_words_figure_and_tables(slots: Any, slots_folder: Path) -> None:
    page = (slots_folder / "index.html").read_text()
    assert '<h2 id="h-interaction">Interaction</h2>' in page and '<a href="#interaction">' in page
    assert 'id="scale"' not in page
    (found,) = slots.judgement.interactions
    assert found.sentence in page
    assert found.sentence.startswith("The gain of radam over adamw is ")
    assert "larger with cosine than with constant" in found.sentence
    table = pd.read_csv(slots_folder / "tables" / "interaction.csv").set_index(["setting", "part"])
    assert set(table.loc["tuned"].index) == {"radam", "lion"}
    assert table.loc[("tuned", "radam"), "mean"] == pytest.approx(0.92 * 0.08, abs=0.02)
    assert table.loc[("tuned", "lion"), "p_holm"] > 0.05
    main = pd.read_csv(slots_folder / "tables" / "main-effects.csv").set_index(["setting", "part"])
    assert main.loc[("tuned", "cosine"), "mean"] == pytest.approx(0.05 + 0.95 * 0.08 / 3, abs=0.01)


def test_the_interaction_figure_has_a_line_per_part(slots: Any, slots_folder: Path) -> None:
    with figures.style():
        drawing = figures.interaction(slots.judgement.interactions[0], 0.01)
    assert drawing is not None
    axes = drawing.figure.axes[0]
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["lion", "radam"]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["constant", "cosine"]
    drawn = pd.read_csv(slots_folder / "figures" / "interaction.csv")
    gains = slots.judgement.interactions[0].of("gain")
    np.testing.assert_allclose(drawn["gain"], [term.found.mean for term in gains], rtol=1e-15)
    assert drawn["with"].to_list() == [term.over[0] for term in gains]


def test_the_terminal_says_it_in_few_lines(sizes: Any, slots: Any, case: Any) -> None:
    def said(of: Any) -> str:
        lines = terminal_table(of.judgement, of.about, of.records).splitlines()
        assert max(map(len, lines)) <= 100
        return " ".join(" ".join(lines).split())

    assert "of radam against adamw changes by −" in said(sizes)
    assert "Doubling the width: no change with scale can be seen for 2 candidates" in said(sizes)
    assert slots.judgement.interactions[0].sentence in said(slots)
    assert "Doubling" not in said(case) and "interaction" not in said(case)


def test_the_budget_curve_weighs_a_host_s_variants_as_one(case: Any) -> None:
    ours = case.trials[case.trials["host"] != "tabm"]
    twice = [ours[ours["host"] == "resnet"].assign(host=f"resnet@{width}") for width in WIDTHS]
    trials = pd.concat([ours[ours["host"] == "mlp"], *twice])
    hosts = pd.DataFrame(
        {"host": ["mlp", "resnet@32", "resnet@128"], "base_host": ["mlp", "resnet", "resnet"]}
    )
    records = case.records[case.records["host"] == "mlp"].drop(columns="host").merge(hosts, how="cross")
    plain = figures.budget_curves(ours, case.records, "adamw", "sobol")
    np.testing.assert_allclose(
        figures.budget_curves(trials, records, "adamw", "sobol")["effect"], plain["effect"]
    )
