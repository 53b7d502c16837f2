"""A report as files: complete, the same every time, never half there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.errors import RequestError
from benchmark.records.schema import RECORD_COLUMNS, TRIAL_COLUMNS

FIGURES = {
    *(f"{kind}-{name}" for kind in ("forest", "heatmap") for name in ("lion", "radam", "sgd")),
    *("overview", "tuned-against-default", "tuning-budget", "cost", "references", "noise-floor"),
    *("critical-nemenyi", "critical-wilcoxon-holm", "wins", "ratings", "profiles", "time-profiles", "pareto"),
}
TABLES = {
    "tasks",
    "verdicts",
    "effects",
    "hosts",
    "robustness",
    "beside",
    "standing",
    "without-one-entrant",
    "pairs",
    "cost",
    "references",
    "aa",
    "claims",
    "claims-shown",
    "failures",
    "not-run",
    "search-spaces",
}


def test_every_figure_has_svg_pdf_and_csv(folder: Path) -> None:
    found = {path.name for path in (folder / "figures").iterdir()}
    tikz = {f"critical-{name}.tex" for name in ("nemenyi", "wilcoxon-holm")}
    assert found == tikz | {f"{name}.{kind}" for name in FIGURES for kind in ("svg", "pdf", "csv")}
    assert all((folder / "figures" / name).stat().st_size for name in found)


def test_every_table_has_csv_and_tex(folder: Path) -> None:
    found = {path.name for path in (folder / "tables").iterdir()}
    assert found == {f"{name}.{kind}" for name in TABLES for kind in ("csv", "tex")}


def test_the_numbers_in_the_csv_files_are_the_judgement_s(case: Any, folder: Path) -> None:
    comparisons = case.judgement.comparisons
    verdicts = pd.read_csv(folder / "tables" / "verdicts.csv")
    assert verdicts["verdict"].to_list() == [c.verdict for c in comparisons]
    np.testing.assert_allclose(verdicts["effect"], [c.effect.mean for c in comparisons], rtol=1e-15)
    np.testing.assert_allclose(verdicts["ci_low"], [c.effect.ci_verdict[0] for c in comparisons], rtol=1e-15)
    overview = pd.read_csv(folder / "figures" / "overview.csv")
    tuned = [c for c in comparisons if c.setting == "tuned"]
    np.testing.assert_allclose(overview["mean"], [c.effect.mean for c in tuned], rtol=1e-15)
    for c in tuned:
        heat = pd.read_csv(folder / "figures" / f"heatmap-{c.candidate}.csv")
        np.testing.assert_allclose(heat["effect"], c.effects["effect"], rtol=1e-15)
    effects = pd.read_csv(folder / "tables" / "effects.csv")
    np.testing.assert_allclose(
        effects["effect"], pd.concat([c.effects["effect"] for c in comparisons]), rtol=1e-15
    )


def test_verdict_json_is_the_judgement(case: Any, folder: Path) -> None:
    text = (folder / "verdict.json").read_text()
    wanted = case.judgement.to_json(study="demo", slot="optimizer", metric="error")
    assert json.loads(text) == json.loads(json.dumps(wanted))
    assert text.endswith("}\n")


def test_parquet_files_have_the_schema_s_columns(case: Any, folder: Path) -> None:
    records = pd.read_parquet(folder / "records.parquet")
    assert list(records.columns) == list(RECORD_COLUMNS)
    assert len(records) == len(case.records)
    assert list(pd.read_parquet(folder / "trials.parquet").columns) == list(TRIAL_COLUMNS)


def test_the_same_study_gives_the_same_bytes(case: Any, folder: Path, tmp_path: Path) -> None:
    again = case.write(tmp_path).parent
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    different = [str(name) for name in files if (folder / name).read_bytes() != (again / name).read_bytes()]
    assert different == []


def test_an_interruption_leaves_the_report_that_was_there(
    case: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "index.html").write_text("the old one")

    def interrupted(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("benchmark.report.files.render", interrupted)
    monkeypatch.setattr("benchmark.report.files.every", lambda *_: [])
    with pytest.raises(KeyboardInterrupt):
        case.write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
    assert [path.name for path in (tmp_path / "report").iterdir()] == ["index.html"]
    monkeypatch.setattr("benchmark.report.files.render", lambda *_: "the new one")
    case.write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
    assert (tmp_path / "report" / "index.html").read_text() == "the new one"


def test_a_judgement_without_comparisons_is_refused(case: Any, tmp_path: Path) -> None:
    empty = replace(case, judgement=replace(case.judgement, comparisons=(), board=None))
    with pytest.raises(RequestError, match="'demo'.*nothing to report"):
        empty.write(tmp_path / "new")
    assert not (tmp_path / "new").exists()
