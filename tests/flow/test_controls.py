"""Studies that check themselves: controls run for real, on a pipeline that leaks and on one that does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmark import texts
from benchmark.api import PlannedStudy, forecast, plan_study, run
from benchmark.api.linking import records_of
from benchmark.api.reporting import judged
from benchmark.api.stages import finished
from benchmark.cli import main
from benchmark.judge import Judgement
from benchmark.plan.cost import total
from benchmark.records.store import open_store

LEAKY = '''
import sys

from components.preprocessor.tables import Scaled


class Leaky(Scaled):
    """Numbers as they are and, unasked, the labels of whatever rows it is given."""

    def transform(self, X):
        labels = sys.modules["benchmark.execute.material"]._last[0][1].y
        return super().transform(X).assign(known=10.0 * labels[X.index])
'''
SEEN = '''
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits, load_iris, load_wine

SETS = [loader(return_X_y=True) for loader in (load_digits, load_iris, load_wine)]
KNOWN = {tuple(row): int(label) for X, y in SETS for row, label in zip(X, y)}


class Seen(ClassifierMixin, BaseEstimator):
    """Says what it remembers of rows that it was trained on long before this study."""

    def __init__(self, task_type="", seed=0):
        self.task_type, self.seed = task_type, seed

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        said = [KNOWN.get(tuple(row), 0) for row in np.asarray(X)]
        return np.eye(len(self.classes_))[np.searchsorted(self.classes_, said)]

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]
'''
STUDY = (
    "study=preprocessors",
    "candidates=[robust]",
    "baselines=[standard]",
    "hosts=[linear]",
    "references=[featureless]",
    "tasks=[iris,wine,diabetes,engel,breast_cancer]",
    "protocol=quick",
    "protocol.splits.repeats=1",
    "protocol.tuning.trials=1",
    "protocol.controls=[permuted,handicapped,planted]",
    "executor=serial",
    "name=a",
)
"""Five origins in two splits each: as few as a control may fail on."""

Planned = Callable[..., PlannedStudy]


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planned:
    """The small study with further overrides, its results below the test's own folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *overrides: plan_study([*STUDY, *overrides])


def judgement_of(study: PlannedStudy) -> Judgement:
    """What the records of a study that was run support; no page is written."""
    with open_store(study.resolved.results_dir, write=True) as store:
        finished(study, store)
        return judged(study, records_of(study, store), {})


def held(judgement: Judgement, component: str = "standard") -> dict[str, bool | None]:
    """Which controls of an arm held, by name."""
    theirs = (one for one in judgement.controls if one.component.rpartition(":")[2] == component)
    return {one.name: one.held for one in theirs}


def test_a_healthy_study_holds_and_its_controls_are_in_no_comparison_and_in_no_count(
    planned: Planned, capsys: pytest.CaptureFixture[str]
) -> None:
    study, plain = planned(), planned("protocol.controls=[]", "name=b")
    assert main(["run", *STUDY]) == 0
    run(plain, quiet=True)
    said, told = capsys.readouterr().out, study.folder / "report"
    found, alone = judgement_of(study), judgement_of(plain)
    assert held(found) == {
        "aa": True,
        "permuted": True,
        "handicapped": True,
        "planted": held(found)["planted"],
    }
    assert held(found)["planted"] is not False and set(held(alone)) == {"aa"}
    assert "control permuted" not in said and "control handicapped" not in said
    assert 'id="controls"' in (told / "index.html").read_text()
    verdict = json.loads((told / "verdict.json").read_text())
    told_of = {one["name"]: one["held"] for one in verdict["controls"] if one["component"] == "standard"}
    assert told_of == held(found) and held(found, "robust") == {"permuted": True}
    ours, theirs = ([one.to_json() for one in each.comparisons] for each in (found, alone))
    for comparison in (*ours, *theirs):
        del comparison["volatile"]
    assert json.dumps(ours) == json.dumps(theirs)
    records = pd.read_parquet(told / "records.parquet")
    controls = records[records["role"] == "control"]
    assert set(controls["control"]) == {"permuted", "handicapped"} and set(controls["setting"]) == {"default"}
    assert {*zip(controls["component"], controls["control"], strict=True)} == {
        ("standard", "permuted"),
        ("standard", "handicapped"),
        ("robust", "permuted"),
    }
    assert set(records.loc[records["role"] != "control", "control"]) == {""}
    records.to_csv("records.csv", index=False)
    for table in (told / "records.parquet", Path("records.csv")):
        assert main(["judge", str(table), "--candidate", "robust", "--baseline", "standard", "--json"]) == 0
        judged_again: dict[str, Any] = json.loads(capsys.readouterr().out)
        effects = [
            {c["setting"]: c["effect"]["mean"] for c in one["comparisons"]} for one in (judged_again, verdict)
        ]
        assert effects[0]["tuned"] == pytest.approx(effects[1]["tuned"], abs=1e-12)
        assert "controls" not in judged_again


def test_labels_that_leak_are_caught_above_the_verdict(
    planned: Planned, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "leaky.py").write_text(LEAKY)
    assert main(["run", *STUDY, "baselines=[leaky.py:Leaky]"]) in (0, 1)
    said = capsys.readouterr().out
    study = planned("baselines=[leaky.py:Leaky]")
    control = next(one for one in judgement_of(study).controls if one.name == "permuted")
    assert control.held is False and control.effect is not None and control.effect > 0.9
    page = (study.folder / "report" / "index.html").read_text()
    assert 0 < page.index("control permuted") < page.index('class="lead"')
    assert 0 < said.index("control permuted") < said.index("W/T/L")
    assert "reaches the pipeline some other way" in " ".join(said.split())


def test_a_candidate_whose_labels_leak_is_caught_beside_a_sound_baseline(
    planned: Planned, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "leaky.py").write_text(LEAKY)
    assert main(["run", *STUDY, "candidates=[leaky.py:Leaky]"]) in (0, 1)
    said = capsys.readouterr().out
    found = judgement_of(planned("candidates=[leaky.py:Leaky]"))
    assert held(found)["permuted"] is True and held(found, "Leaky") == {"permuted": False}
    assert 0 < said.index("control_permuted") < said.index("W/T/L")


def test_an_estimator_that_has_seen_the_test_rows_is_caught(planned: Planned, tmp_path: Path) -> None:
    (tmp_path / "seen.py").write_text(SEEN)
    study = planned(
        "study=estimators",
        "baselines=[seen.py:Seen]",
        "candidates=[linear]",
        "hosts=[random_forest]",
        "tasks=[iris,wine,digits]",
        "protocol.splits.folds=4",
        "protocol.controls=[permuted]",
    )
    run(study, quiet=True)
    assert held(judgement_of(study), "Seen")["permuted"] is False


def test_a_plan_says_what_the_controls_cost(planned: Planned) -> None:
    study, plain = planned(), planned("protocol.controls=[]")
    more = total(study.plan, {}).fits - total(plain.plan, {}).fits
    expected = forecast(study)
    assert expected.controls.fits == more == 5 * 2 * 3 and forecast(plain).controls.fits == 0
    assert f"; {more} for controls, " in texts.forecast(study, expected)
    assert "controls" not in texts.forecast(plain, forecast(plain))


@pytest.mark.all
def test_an_interrupted_study_goes_on_to_the_same_controls(planned: Planned) -> None:
    whole, halved = planned(), planned("results_dir=again")
    run(whole, quiet=True)
    run(halved, quiet=True, budget_seconds=0.0)
    run(halved, quiet=True)
    told = [[one.to_json() for one in judgement_of(study).controls] for study in (whole, halved)]
    assert told[0] == told[1]


@pytest.mark.all
@pytest.mark.parametrize("course", ["protocol.stop=sequential", "protocol.confirm=split"])
def test_studies_in_stages_have_controls_too(planned: Planned, course: str) -> None:
    study = planned(course)
    run(study, quiet=True)
    assert held(judgement_of(study))["permuted"] is True
    with open_store(study.resolved.results_dir, write=False) as store:
        assert (store.record_table(study.name)["control"] != "").sum() == 3 * 5 * 2
