"""Repeated tuning studies and TPE, from the command line to the report."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

FEW = (
    "tasks=[wine]",
    "candidates=[radam]",
    "protocol.aa=0",
    "protocol.seeds=3",
    "protocol.budget.amount=10",
    "protocol.tuning.sampler=tpe",
    "protocol.tuning.trials=9",
    "executor=serial",
)
"""Two arms on one task of two folds: four jobs, whose last trial is the first that TPE proposes."""


def executed(output: str) -> int:
    return int(output.split(" fits in ")[0].split()[-1])


def test_a_second_tuning_study_keeps_the_first_and_is_told_apart_from_the_seeds(
    lab: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lab("run", *FEW, "name=once") == 0
    # 9 trials and 6 cells in each of 4 jobs; the featureless predictor has nothing to tune.
    assert executed(capsys.readouterr().out) == 4 * (9 + 6) + 2 * (1 + 6)
    assert lab("plan", *FEW, "name=twice", "protocol.tuning.repeats=2") == 0
    said = capsys.readouterr().out
    assert "9 trials for every arm, tuned 2 times over" in said
    assert f"{4 * (18 + 6) + 2 * (1 + 6)} fits, {4 * (9 + 1)} of them not in the store yet" in said
    assert lab("run", *FEW, "name=twice", "protocol.tuning.repeats=2") == 0
    assert executed(capsys.readouterr().out) == 4 * (9 + 1)

    once, twice = lab.records("once"), lab.records("twice")
    assert (once["tuning"] == 0).all()
    tuned = twice[(twice["setting"] == "tuned") & (twice["role"] != "reference")]
    assert (tuned["tuning"] == tuned["seed"] % 2).all()
    assert (twice.drop(tuned.index)["tuning"] == 0).all()
    assert set(once.loc[once["seed"] != 1, "key"]) == set(twice.loc[twice["seed"] != 1, "key"])

    report = lab.folder / "results" / "twice" / "report"
    trials = pd.read_parquet(report / "trials.parquet")
    arms = trials[trials["role"] != "reference"].groupby(["component", "tuning"]).size()
    assert arms.to_dict() == {(arm, study): 2 * 9 for arm in ("adamw", "radam") for study in (0, 1)}
    assert set(pd.read_csv(report / "tables" / "noise.csv")["component"]) == {"adamw", "radam"}
    assert set(pd.read_csv(report / "tables" / "search-spaces.csv")["argument"]) == {"lr", "weight_decay"}
    assert not (lab.folder / "results" / "once" / "report" / "tables" / "noise.csv").exists()


def test_more_tuning_studies_than_seeds_are_refused(lab: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert lab("plan", *FEW, "protocol.tuning.repeats=4") == 2
    assert "protocol.tuning.repeats: expected a value from 1 to protocol.seeds=3" in capsys.readouterr().err
