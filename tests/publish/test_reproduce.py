"""``reproduce`` runs a random part again: honest bundles come out the same, forged ones do not."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from benchmark.api import Request, bundle, plan_study, reproduce, run, verify
from benchmark.api.verifying import opened_bundle
from benchmark.cli import main
from benchmark.errors import RequestError
from benchmark.publish.archive import write
from benchmark.publish.bundle import Bundle, planned_cells
from benchmark.publish.document import Document
from benchmark.records.code import identity_of
from tests.publish.conftest import TASKS

SOURCE = "sources/components/estimator/mine.py"
TRUST = ("trust=[mine]", "executor=serial")


def swapbench(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command in a process and a folder of its own, as a stranger calls it."""
    environment = {**os.environ, "PYTHONPATH": ""}
    return subprocess.run(
        [sys.executable, "-m", "benchmark", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_stranger_gets_the_same_to_the_last_bit(published: Path, tmp_path: Path) -> None:
    shutil.copytree(published, tmp_path / "b")
    refused = swapbench("reproduce", "b", cwd=tmp_path)
    assert refused.returncode == 2 and refused.stderr.strip().endswith("trust=[mine]")
    assert "class Mine(BaseEstimator)" in refused.stderr, "the code is shown before it is asked for"
    assert not (tmp_path / "b-reproduced").exists()
    done = swapbench(
        "reproduce", "b", "trust=[mine]", "workers=2", "--sample", "0.3", "--seed", "7", cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "small: reproduced" in done.stdout
    told = json.loads((tmp_path / "b-reproduced" / "reproduction.json").read_text())
    assert told["answer"] == "reproduced" and told["seed"] == 7 and told["differences"] == []
    cells = pd.read_csv(tmp_path / "b-reproduced" / "cells.csv")
    assert cells["same_key"].all() and cells["same_predictions"].all()
    assert {"mine", "knn", "random_forest"} <= set(cells["component"])
    page = (tmp_path / "b-reproduced" / "index.html").read_text()
    assert "reproduced" in page and "What is different here" in page
    again = swapbench("reproduce", "b", "trust=[mine]", "--sample", "0.3", "--json", cwd=tmp_path)
    assert json.loads(again.stdout)["fits"] == 0 and json.loads(again.stdout)["seed"] == 7


def rekeyed(found: Bundle, document: Document) -> Bundle:
    """The bundle of another document: every row gets the key that it has in that one's plan."""
    before, after = planned_cells(found.document.plan()), planned_cells(document.plan())
    keys = dict(zip(before["key"], after["key"], strict=True))
    rows = zip(found.document.plan().rows, document.plan().rows, strict=True)
    keys |= {
        old.key: new.key
        for one, other in rows
        for old, new in zip(one.job.trials, other.job.trials, strict=True)
    }
    return dataclasses.replace(
        found,
        document=document,
        plan=after,
        records=found.records.assign(key=found.records["key"].map(keys)),
        trials=found.trials.assign(key=found.trials["key"].map(keys)),
        predictions={keys[key]: value for key, value in found.predictions.items()},
    )


def with_code(found: Bundle, change: Mapping[bytes, bytes]) -> Bundle:
    """The bundle as if other code of ``mine`` had computed it, consistently in every file."""
    text = found.sources[SOURCE]
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new)
    (part,) = found.document.components["mine"]
    facts = dict(found.document.code[part.code])
    (label,) = (name for name in facts if name.startswith("components."))
    facts[label] = hashlib.sha256(text).hexdigest()
    digest = identity_of(facts)
    document = dataclasses.replace(
        found.document,
        components={**found.document.components, "mine": (dataclasses.replace(part, code=digest),)},
        code={**{d: f for d, f in found.document.code.items() if d != part.code}, digest: facts},
    )
    return dataclasses.replace(rekeyed(found, document), sources={**found.sources, SOURCE: text})


def claimed_again(found: Bundle) -> Bundle:
    """The bundle with the claims that its records now make: nothing in it contradicts anything else."""
    from benchmark.api.here import data_here
    from benchmark.api.verifying import judged_bundle, planned_of
    from benchmark.report.claims import claims_json
    from benchmark.report.files import verdict_json

    here = data_here(found.document)
    planned = planned_of(found.document, here.cards)
    about, judgement, records, _ = judged_bundle(found, planned, here.truths)
    tasks = list(planned.plan.tasks.values())
    return dataclasses.replace(
        found,
        verdict=verdict_json(about, judgement, records),
        claims=claims_json(about, judgement, records, tasks, found.environments),
    )


@pytest.mark.parametrize("share", ["1", "0.1"])
def test_code_that_gives_other_scores_is_found_by_running_it(
    share: str, published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole study settles it by a test; a tenth, since the component gives the same time and again."""
    worse = {b".mean(axis=1))": b".mean(axis=1) * 0.0 + self.target_.mean(axis=0))"}
    forged = claimed_again(with_code(opened_bundle(published), worse))
    write(forged.files(), tmp_path / "forged.zip")
    assert verify(tmp_path / "forged.zip").holds, [
        str(one) for one in verify(tmp_path / "forged.zip").mismatches
    ]
    asked = [
        "reproduce",
        str(tmp_path / "forged.zip"),
        *TRUST,
        "--sample",
        share,
        "--seed",
        "1",
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(asked) == 1
    said = capsys.readouterr().out
    assert "small: not reproduced" in said and "mine" in said
    told = json.loads((tmp_path / "out" / "reproduction.json").read_text())
    wrong = {arm["component"] for arm in told["arms"] if arm["scatter"] or arm["shift"] or arm["fixed"]}
    assert wrong == {"mine"}
    assert (tmp_path / "out" / "again").exists() is (share == "0.1")
    assert {cell["component"] for cell in told["cells"] if cell["outcome"] == "different"} == {"mine"}


def test_a_seed_that_is_none_is_refused_and_leaves_nothing_behind(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["reproduce", str(published), *TRUST, "--seed", "-1", "--out", str(tmp_path / "out")]
    assert main(asked) == 2
    assert "--seed -1: expected a whole number" in capsys.readouterr().err
    assert not (tmp_path / "out" / "sample.json").exists()


def test_a_place_that_is_none_is_refused_and_does_not_say_not_reproduced(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(["reproduce", str(published), *TRUST, "--out", str(tmp_path / "file" / "out")]) == 2
    assert "cannot be used" in capsys.readouterr().err


def test_one_claim_runs_what_it_rests_on_alone(published: Path, tmp_path: Path) -> None:
    asked = Request(claim="level:knn:random_forest:iris:tuned", share=1.0, seed=1, overrides=TRUST)
    found = reproduce(published, asked, tmp_path / "out", quiet=True)
    assert found.blocks == 2 and found.reproduced
    cells = pd.read_csv(tmp_path / "out" / "cells.csv")
    assert set(cells["component"]) == {"knn"} and set(cells["task"]) == {"iris"}
    with pytest.raises(RequestError, match="did you mean 'level:knn:random_forest:iris:tuned'"):
        reproduce(
            published, dataclasses.replace(asked, claim="level:knn:random_forest:irs:tuned"), tmp_path / "o"
        )


def test_a_budget_ends_it_with_a_fair_sample_and_the_same_call_goes_on(
    published: Path, tmp_path: Path
) -> None:
    asked = Request(share=1.0, seed=3, budget_seconds=0.5, overrides=TRUST)
    with pytest.raises(RequestError, match="goes on"):
        reproduce(published, dataclasses.replace(asked, budget_seconds=0.0), tmp_path / "out", quiet=True)
    found = reproduce(published, dataclasses.replace(asked, budget_seconds=6.0), tmp_path / "out", quiet=True)
    assert 0 < found.blocks <= found.wanted
    whole = reproduce(
        published, dataclasses.replace(asked, budget_seconds=None), tmp_path / "out", quiet=True
    )
    assert whole.blocks == whole.wanted and whole.reproduced


def test_data_that_is_not_here_is_said_and_left_out(published: Path, tmp_path: Path) -> None:
    found = opened_bundle(published)
    tasks = dict(found.document.tasks)
    tasks["iris"] = dataclasses.replace(tasks["iris"], fingerprint="0" * 64)
    other = rekeyed(found, dataclasses.replace(found.document, tasks=tasks))
    write(other.files(), tmp_path / "b")
    done = reproduce(
        tmp_path / "b", Request(share=1.0, seed=1, overrides=TRUST), tmp_path / "out", quiet=True
    )
    assert "data set iris: other data here" in done.differences
    assert "iris" not in set(pd.read_csv(tmp_path / "out" / "cells.csv")["task"])


def test_a_typed_file_and_what_it_imports_travel_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    Path("shrink.py").write_text("FACTOR = 0.9\n")
    Path("mine.py").write_text(
        "from sklearn.dummy import DummyClassifier, DummyRegressor\n"
        "from sklearn.base import BaseEstimator\n"
        "from shrink import FACTOR\n\n\n"
        "class Guess(BaseEstimator):\n"
        "    def __init__(self, task_type, seed, factor=FACTOR):\n"
        "        self.task_type, self.seed, self.factor = task_type, seed, factor\n\n"
        "    def fit(self, X, y):\n"
        "        if self.task_type == 'regression':\n"
        "            self.inner_ = DummyRegressor().fit(X, y)\n"
        "        else:\n"
        "            self.inner_ = DummyClassifier(strategy='prior').fit(X, y)\n"
        "            self.classes_ = self.inner_.classes_\n"
        "        return self\n\n"
        "    def predict(self, X):\n"
        "        guess = self.inner_.predict(X)\n"
        "        return guess * self.factor if self.task_type == 'regression' else guess\n\n"
        "    def predict_proba(self, X):\n"
        "        return self.inner_.predict_proba(X)\n"
    )
    study = (
        "study=estimators",
        "candidates=[mine.py:Guess]",
        "baselines=[linear]",
        "hosts=[linear]",
        "references=[]",
        f"tasks=[{','.join(TASKS[:3])}]",
        "protocol=quick",
        "protocol.tuning.trials=1",
        "executor=serial",
        "name=typed",
    )
    planned = plan_study(study)
    run(planned, quiet=True)
    place = bundle(planned, tmp_path / "typed.zip").place
    monkeypatch.chdir(tmp_path)
    shutil.rmtree(tmp_path / "work")
    assert verify(place).holds, [str(one) for one in verify(place).mismatches]
    assert {"sources/typed/estimator-Guess/mine.py", "sources/typed/estimator-Guess/shrink.py"} == {
        *opened_bundle(place).sources
    }
    asked = Request(share=1.0, seed=1, overrides=("trust=[Guess]", "executor=serial"))
    found = reproduce(place, asked, tmp_path / "out", quiet=True)
    assert found.reproduced, found.agreement.sentences
