"""A small world in which nights pass: real data, components that come, change and break, a moving library.

Its learners are logistic or ridge regressions, drawn some way towards what is known without features: how far
decides how good one is. The baseline takes that from a library, which is installed beside the catalog with a
version of its own, as pip leaves it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import benchmark

TASKS = "[iris,wine,engel,modechoice,diabetes,breast_cancer]"
STUDY = f"""# @package _global_
defaults:
  - override /protocol: quick
question: Which learner beats a steady one?
slot: estimator
candidates: [good, alike]
baselines: [steady]
hosts: [toys]
references: [featureless]
tasks: {TASKS}
protocol: {{rope: 0.04, aa: 1, seeds: 2, tuning: {{trials: 1}}}}
"""
PIPELINE = """# @package components.pipeline.toys
family: estimator
slots: {preprocessor: onehot, estimator: steady}
"""
LEARNER = """import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, Ridge
{imports}

class Learner(BaseEstimator):
    def __init__(self, task_type, seed):
        self.task_type = task_type
        self.seed = seed

    def fit(self, X, y):
        {fault}
        classes = self.task_type in ("binary", "multiclass")
        learner = LogisticRegression(max_iter=200) if classes else Ridge()
        self.learner_ = learner.fit(X.to_numpy(), y)
        self.share_ = {share} + 0.002 * np.random.default_rng([self.seed, {salt}]).normal()
        known = np.bincount(np.searchsorted(learner.classes_, y)) / len(y) if classes else y.mean()
        self.known_ = known
        return self

    @property
    def classes_(self):
        return self.learner_.classes_

    def predict(self, X):
        return (1 - self.share_) * self.learner_.predict(X.to_numpy()) + self.share_ * self.known_

    def predict_proba(self, X):
        return (1 - self.share_) * self.learner_.predict_proba(X.to_numpy()) + self.share_ * self.known_
"""
CARD = """# @package components.estimator.{name}
make:
  _target_: components.estimator.{name}.Learner
  _partial_: true
"""


class World:
    """A folder with a list of standing studies, a catalog and a library."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.catalog = folder / "catalog"
        self.site = folder / "library"
        for part in ("components/estimator", "components/pipeline", "study"):
            (self.catalog / part).mkdir(parents=True)
        (self.catalog / "study" / "learners.yaml").write_text(STUDY)
        (self.catalog / "components" / "pipeline" / "toys.yaml").write_text(PIPELINE)
        self.upgrade("1.0", share=0.3)
        self.enter("steady", imports="import toylib", share="toylib.SHARE", salt="toylib.SALT")
        self.entrants: list[str] = []
        self.enter("good", share=0.1)
        self.enter("alike", share=0.3)

    def watch(self, studies: Sequence[Mapping[str, Any]] = (), **more: Any) -> None:
        """Write the list of standing studies, JSON being YAML; by default one, of all that entered."""
        entrants = f"candidates=[{','.join(self.entrants)}]"
        own = {"name": "learners", "overrides": ["study=learners", entrants]}
        told = {"studies": [*(studies or [own])], "site": "site", "config_dirs": ["catalog"], **more}
        told["overrides"] = ["executor=serial", *more.get("overrides", ())]
        (self.folder / "nightly.yaml").write_text(json.dumps(told))

    def upgrade(self, version: str, *, share: float, salt: int = 0) -> None:
        """Install another version of the library."""
        shutil.rmtree(self.site, ignore_errors=True)
        about = self.site / f"toylib-{version}.dist-info"
        about.mkdir(parents=True)
        (self.site / "toylib.py").write_text(f"SHARE = {share}\nSALT = {salt}\n")
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: toylib\nVersion: {version}\n")
        (about / "RECORD").write_text("toylib.py,,\n")
        (about / "top_level.txt").write_text("toylib\n")

    def enter(
        self, name: str, *, share: object = 0.3, salt: object = 0, imports: str = "", fault: str = "pass"
    ) -> None:
        """Add a component, or change it."""
        folder = self.catalog / "components" / "estimator"
        code = LEARNER.format(share=share, salt=salt, imports=imports, fault=fault)
        (folder / f"{name}.py").write_text(code)
        (folder / f"{name}.yaml").write_text(CARD.format(name=name))
        if name != "steady" and name not in self.entrants:
            self.entrants.append(name)
            self.watch()

    def withdraw(self, name: str) -> None:
        """Remove a component."""
        self.entrants.remove(name)
        self.watch()
        for file in (self.catalog / "components" / "estimator").glob(f"{name}.*"):
            file.unlink()

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Begin a night in a process of its own, as cron does."""
        root = Path(benchmark.__file__).parents[1]
        path = os.pathsep.join([str(root), str(self.site)])
        return subprocess.Popen(
            [sys.executable, "-m", "benchmark", "nightly", "nightly.yaml", *options],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def night(self, *options: str) -> Dawn:
        """What is there after a whole night."""
        process = self.start(*options)
        out, err = process.communicate(timeout=300)
        return Dawn(self.folder, process.returncode, out, err)

    def nights(self) -> list[dict[str, Any]]:
        """The log."""
        file = self.folder / "results" / "nights.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


class Dawn:
    """What a night left."""

    def __init__(self, folder: Path, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err
        self.changes: dict[str, Any] = {}
        lines = [line for line in out.splitlines() if line.startswith("changes: ")]
        if lines:
            self.page = folder / lines[0].removeprefix("changes: ")
            self.changes = json.loads(self.page.with_suffix(".json").read_text())

    def of(self, study: str = "learners") -> Mapping[str, Any]:
        """What it changed in a study."""
        found: Mapping[str, Any] = next(one for one in self.changes["studies"] if one["study"] == study)
        return found

    def told(self, study: str = "learners") -> dict[str, Any]:
        """Everything but costs, in short; a night without news has told nothing."""
        one = self.of(study)
        short = {
            "drifts": [
                (drift["arm"], drift["kind"]) for drift in one["drifts"] if drift["setting"] == "tuned"
            ],
            "flipped": sorted({turn["candidate"] for turn in one["flipped"]}),
            "causes": sorted({turn["causes"][0] for turn in one["flipped"]}),
            "failing": sorted(one["failing"]),
            "broken": sorted(one["broken"]),
            **{
                kind: [entrance["component"] for entrance in one["entrances"] if entrance["kind"] == kind]
                for kind in ("new", "changed", "gone")
            },
        }
        return {name: value for name, value in short.items() if value}
