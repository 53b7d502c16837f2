"""Small studies run for real: real data, real networks, seconds of work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmark.cli import main

TINY = (
    "tasks=[iris,wine,engel,modechoice,star98]",
    "hosts=[mlp]",
    "references=[featureless]",
    "protocol.splits.folds=2",
    "protocol.tuning.trials=2",
    "protocol.budget.amount=30",
    "protocol.budget.evaluations=3",
)
"""Five origins, one host, two splits, two trials: a verdict in seconds."""

MOVES = ["fit_seconds", "predict_seconds", "peak_memory_mb", "provenance"]
"""Columns of the records that may differ between two runs."""


class Lab:
    """An empty folder in which commands run."""

    tiny = TINY

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, command: str, *overrides: str) -> int:
        """Run one command over the tiny study; the exit code comes back."""
        return main([command, *TINY, *overrides])

    def verdict(self, study: str, results: str = "results") -> dict[str, Any]:
        """The stable part of a study's verdict.json."""
        text = (self.folder / results / study / "report" / "verdict.json").read_text()
        found: dict[str, Any] = json.loads(text)
        for comparison in found["comparisons"]:
            del comparison["volatile"]
        return found

    def comparison(self, study: str, candidate: str, setting: str = "tuned") -> dict[str, Any]:
        """One comparison of a study's verdict.json."""
        every = self.verdict(study)["comparisons"]
        found: dict[str, Any] = next(
            c for c in every if (c["candidate"], c["setting"]) == (candidate, setting)
        )
        return found

    def records(self, study: str, results: str = "results") -> pd.DataFrame:
        """A study's records without what may differ between two runs, in a fixed order."""
        table = pd.read_parquet(self.folder / results / study / "report" / "records.parquet")
        order = ["role", "component", "host", "task", "fold", "seed", "setting", "replicate"]
        return table.drop(columns=MOVES).sort_values(order).reset_index(drop=True)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A place to run small studies."""
    monkeypatch.chdir(tmp_path)
    return Lab(tmp_path)
