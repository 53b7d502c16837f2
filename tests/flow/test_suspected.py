"""What is suspicious about a study's data: in its report, and looked for only once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark import data
from benchmark.api import plan_study, run, write_report
from benchmark.api.suspecting import suspected
from benchmark.plan import leaks, splits
from benchmark.plan import suspects as rules

STUDY = ["study=estimators", "candidates=[knn]", "hosts=[linear]", "protocol=quick", "executor=serial"]
SMALL = ["references=[featureless]", "protocol.tuning.trials=1", "protocol.splits.folds=2"]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """120 rows whose diagnosis stands among the features too, by its code."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    ill = random.integers(0, 2, 120)
    frame = pd.DataFrame({"x": random.normal(size=120), "code": np.where(ill, 3.5, 9.5), "ill": ill})
    file = tmp_path / "table.csv"
    frame.to_csv(file, index=False)
    return file


def planned_on(file: Path, *more: str) -> Any:
    planned = plan_study([*STUDY, *SMALL, f"tasks=[{file.name}:ill]", "name=mine", *more])
    planned.folder.mkdir(parents=True, exist_ok=True)
    return planned


def test_they_are_looked_for_once_and_again_when_something_changed(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    whole = rules.suspects

    def counted(*what: Any) -> Any:
        calls.append(what[0].name)
        return whole(*what)

    monkeypatch.setattr(rules, "suspects", counted)
    planned = planned_on(table)
    first = suspected(planned)
    assert [one.name for one in first] == ["target_among_features"] and first[0].severity == "error"
    assert [one.name for one in first[0].consequences] == ["one_feature_predicts"]
    assert suspected(planned) == first == suspected(planned_on(table)) and len(calls) == 1
    assert str(table.parent) not in (planned.folder / "suspects.json").read_text()
    other_splits = planned_on(table, "protocol.splits.folds=3")
    assert suspected(other_splits) == first and len(calls) == 2
    pd.read_csv(table).drop(columns="code").to_csv(table, index=False)
    assert suspected(planned_on(table)) == () and len(calls) == 3
    (planned.folder / "suspects.json").write_text("{ half of")
    assert suspected(planned_on(table)) == () and len(calls) == 4


def test_what_planning_found_is_not_looked_for_again(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.read_csv(table).drop(columns="code")
    pd.concat([frame, frame], ignore_index=True).to_csv(table, index=False)
    planned = planned_on(table)
    monkeypatch.setattr(leaks, "leaks", None)
    monkeypatch.setattr(splits, "splits", None)
    (copies,) = suspected(planned)
    assert copies.name == "duplicates_across_the_split"
    assert copies.seen == next(iter(planned.plan.tasks.values())).notes[-1]


def test_images_without_a_leak_are_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = plan_study(
        ["study=architectures", "tasks=[digits_images]", f"results_dir={tmp_path}", "name=i"]
    )
    assert planned.plan.tasks["digits_images"].modality == "image"
    planned.folder.mkdir(parents=True)
    monkeypatch.setattr(data, "load", None)
    assert planned.leaks == {"digits_images": ()} and suspected(planned) == ()


def test_the_report_tells_them(table: Path) -> None:
    planned = planned_on(table, "protocol.aa=0")
    run(planned, quiet=True)
    verdict = write_report(planned).page.with_name("verdict.json")
    said = json.loads(verdict.read_text())["findings"]
    told = next(one for one in said if one["name"] == "target_among_features")
    assert told["severity"] == "error" and "column 'code'" in told["seen"]
