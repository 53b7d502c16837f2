"""Every study runs as it is shipped: planned always, a sample of them run, and all of them in test-full."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark import plan_study
from benchmark.catalog import open_catalog
from benchmark.cli import main

STUDIES = open_catalog().names("study")
SAMPLE = ("losses", "preprocessors", "estimators")
SHORT = (
    "protocol=quick",
    "tasks=[iris,wine,engel,modechoice,diabetes]",
    "protocol.tuning.trials=2",
    "protocol.budget.amount=20",
    "protocol.budget.evaluations=2",
)
"""Five origins, two trials, twenty steps."""


def records_of(folder: Path, study: str) -> pd.DataFrame:
    """The records of the one run of a study below a folder, every one of them ok."""
    (file,) = (folder / "results").glob(f"{study}*/report/records.parquet")
    records = pd.read_parquet(file)
    failed = records[records["status"] != "ok"]
    assert failed.empty, failed[["component", "host", "task", "status", "reason"]].to_string()
    return records


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_can_be_planned(study: str) -> None:
    planned = plan_study([f"study={study}", "protocol=quick", "tasks=[iris,engel,digits_images,sunspots]"])
    run = {row.arm.component for row in planned.plan.rows if row.arm.role != "reference"}
    refused = {refusal.component for refusal in planned.plan.refused}
    assert {*planned.study.baselines} <= run
    assert {*planned.study.candidates} <= run | refused
    assert {row.host for row in planned.plan.rows} >= {*planned.study.hosts}


def test_an_interaction_from_the_command_line(lab: Any, capsys: pytest.CaptureFixture[str]) -> None:
    candidates = "candidates=[adamw+cosine,radam+constant,radam+cosine]"
    assert lab("run", "study=interaction", "protocol=quick", candidates, "name=a", "executor=serial") == 0
    records = records_of(lab.folder, "a")
    assert {"adamw+constant", "radam+cosine"} < set(records["component"])
    found = lab.verdict("a")
    assert found["slot"] == "optimizer+schedule"
    assert {c["candidate"] for c in found["comparisons"]} == {
        "adamw+cosine",
        "radam+constant",
        "radam+cosine",
    }
    assert found["interaction"]
    assert "interaction" in capsys.readouterr().out.lower()
    assert "Interaction" in (lab.folder / "results/a/report/index.html").read_text()


def test_a_study_of_scale_from_the_command_line(lab: Any) -> None:
    sizes = ("rows=[60,120]", "widths=[8,32]", "candidates=[muon]")
    assert lab("run", "study=scaling", "protocol=quick", *sizes, "name=a", "executor=serial") == 0
    records = records_of(lab.folder, "a")
    ours = records[records["role"] == "candidate"]
    assert set(ours["host"]) == {"mlp@8", "mlp@32"} and set(ours["base_host"]) == {"mlp"}
    assert set(ours["width"]) == {8.0, 32.0} and set(ours["rows"]) == {60.0, 120.0}
    (comparison, *_) = lab.verdict("a")["comparisons"]
    assert comparison["n"]["hosts"] == 1, "a host at two widths is one host"
    assert {slope["factor"] for slope in lab.verdict("a")["scaling"]} == {"rows", "width"}


@pytest.mark.all
@pytest.mark.parametrize("study", SAMPLE)
@pytest.mark.timeout(1200)
def test_a_sample_of_the_studies_run(study: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", f"study={study}", *SHORT]) == 0
    records_of(tmp_path, study)


@pytest.mark.full
@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.timeout(6 * 3600)
def test_every_study_runs(study: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", f"study={study}", "protocol=quick", "suite=bundled"]) == 0
    records_of(tmp_path, study)


def test_a_refused_candidate_with_the_name_of_a_reference(lab: Any) -> None:
    """Its name stands among the records of the reference; the study is reported without it."""
    table = pd.DataFrame({"x": np.arange(80.0), "y": np.arange(80.0) % 7})
    table.loc[::5, "x"] = np.nan
    table.to_csv(lab.folder / "gaps.csv", index=False)
    overrides = (
        "study=estimators",
        "protocol=quick",
        "hosts=[random_forest]",
        "candidates=[linear,extra_trees]",
        "tasks=[gaps.csv:y]",
        "references=[linear]",
        "name=a",
        "executor=serial",
    )
    assert main(["run", *overrides]) == 0
    assert {c["candidate"] for c in lab.verdict("a")["comparisons"]} == {"extra_trees"}
