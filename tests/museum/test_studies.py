"""Studies that are really run, each with one bug, which their report has to tell: no record is edited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmark.api import plan_study, run, write_report

SMALL = ("protocol=quick", "executor=serial", "protocol.splits.folds=2", "protocol.tuning.trials=1", "name=a")

OTHER_NAME = '''
import torch


class Mine(torch.optim.AdamW):
    """AdamW, which the catalog runs with a fused kernel and this file without."""
'''
LOOKED_UP = '''
from components.preprocessor.tables import Scaled
from sklearn.datasets import load_diabetes


class LookedUp(Scaled):
    """Numbers on one scale, and beside them what became of each row: of test rows too."""

    def transform(self, X):
        return super().transform(X).assign(known=load_diabetes().target[X.index])
'''


def told(code: str, *overrides: str) -> dict[str, Any]:
    """The leading comparison of the report on a study of the component in ``code``."""
    Path("mine.py").write_text(code, encoding="utf-8")
    planned = plan_study([*overrides, *SMALL])
    run(planned, quiet=True)
    verdict = json.loads(write_report(planned).page.with_name("verdict.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = verdict["comparisons"][0]
    return found


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("candidate", "flagged"), [("mine.py:Mine", True), ("nadam", False)])
def test_adamw_under_another_name(candidate: str, flagged: bool) -> None:
    found = told(
        OTHER_NAME,
        "study=optimizers",
        f"candidates=[{candidate}]",
        "hosts=[mlp]",
        "references=[featureless]",
        "tasks=[iris,engel,modechoice,star98,diabetes]",
        "protocol.budget.amount=30",
        "protocol.budget.evaluations=3",
    )
    named = {one["name"]: one for one in found["findings"]}
    assert ("nearly_identical" in named) == flagged and "not_hooked_up" not in named
    if flagged:
        assert named["nearly_identical"]["severity"] == "warning" and 0 < abs(found["effect"]["mean"]) < 1e-6


@pytest.mark.parametrize(("candidate", "flagged"), [("mine.py:LookedUp", True), ("robust", False)])
def test_the_answers_of_test_rows_are_looked_up(candidate: str, flagged: bool) -> None:
    found = told(
        LOOKED_UP,
        "study=preprocessors",
        f"candidates=[{candidate}]",
        "baselines=[standard]",
        "hosts=[linear]",
        "references=[knn,featureless]",
        "tasks=[diabetes]",
    )
    errors = [one for one in found["findings"] if one["severity"] == "error"]
    assert [one["name"] for one in errors] == ["perfect_score"] * flagged
    assert not flagged or "next to no error (" in errors[0]["seen"]
