"""A small study of real shape: records and trials of known effects, judged once per session."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.judge import Judgement, judge
from benchmark.judge.flags import attached, raised
from benchmark.judge.search.edges import edges
from benchmark.records.schema import RECORD_COLUMNS, TRIAL_COLUMNS
from benchmark.report import About, about_study, write
from benchmark.spec import Protocol, Splitting, Study, Task, Tuning

HOSTS = ("mlp", "resnet", "tabm")
TASKS = {
    "breast_cancer": 0.04,
    "digits": 0.03,
    "wine": 0.05,
    "iris": 0.06,
    "diabetes": 0.55,
    "fair": 0.30,
    "randhie": 0.42,
    "anes96": 0.61,
}
GAINS = {"adamw": 0.0, "radam": 0.08, "lion": 0.01, "sgd": -0.25}
REFERENCES = {"lightgbm": 0.05, "random_forest": -0.05, "linear": -0.2, "featureless": -0.7}
TRIALS, FOLDS, SEEDS = 4, 2, 2


@dataclass(frozen=True)
class Case:
    """What one call of ``write`` is given."""

    study: Study
    records: pd.DataFrame
    trials: pd.DataFrame
    judgement: Judgement
    refused: pd.DataFrame
    edges: pd.DataFrame
    provenance: list[dict[str, Any]]
    sources: dict[str, dict[str, str]]

    @property
    def about(self) -> About:
        """What is said about the study."""
        return about_study(self.study, self.judgement)

    def write(self, folder: Path) -> Path:
        """The page, written into ``folder``."""
        return write(
            folder,
            about=self.about,
            tasks=[
                Task(name, name, "tabular", "binary", "roc_auc", 1000, 10, 2, "f" * 64, scheme="kfold")
                for name in self.records["task"].unique()
            ],
            records=self.records,
            trials=self.trials,
            judgement=self.judgement,
            refused=self.refused,
            edges=self.edges,
            provenance=self.provenance,
            sources=self.sources,
        )


def make_case(rename: Mapping[str, str] | None = None, *, tasks: Mapping[str, float] = TASKS) -> Case:
    """The study, with components, hosts and tasks renamed by ``rename``."""
    new = {**{name: name for name in (*GAINS, *REFERENCES, *HOSTS, *tasks)}, **(rename or {})}
    study = Study(
        name="demo" if rename is None else new.get("study", "demo"),
        question=new.get("question", "Does a newer optimizer beat AdamW?"),
        slots=("optimizer",),
        candidates=tuple(new[name] for name in ("radam", "lion", "sgd")),
        baselines=(new["adamw"],),
        hosts=tuple(new[name] for name in HOSTS),
        references=tuple(new[name] for name in REFERENCES),
        tasks=tuple(new[name] for name in tasks),
        suite="bundled",
        protocol=Protocol(Splitting(repeats=1, folds=FOLDS), seeds=SEEDS, tuning=Tuning(trials=TRIALS)),
    )
    records = _records(tasks).replace({"component": new, "host": new, "task": new, "origin": new})
    records.loc[records["status"] != "ok", "reason"] = new.get("reason", "RuntimeError: step 3 gave NaN")
    records["study"] = study.name
    trials = _trials(tasks).replace({"component": new, "host": new, "task": new, "origin": new})
    trials["study"] = study.name
    protocol = study.protocol
    judgement = judge(records, rope=protocol.rope, level=protocol.level, host_effects=protocol.host_effects)
    refused = pd.DataFrame(
        [(new["sgd"], new["tabm"], task, new.get("refused", "asks for roles")) for task in study.tasks],
        columns=["component", "host", "task", "reason"],
    )
    found = edges(records, _spaces(records))
    judgement = attached(judgement, raised(records, judgement, edges=found))
    provenance = [
        {
            "machine": {"cpu": new.get("cpu", "EPYC"), "cores": 2, "memory_gb": 8, "os": "Linux"},
            "packages": {"torch": "2.13", "numpy": "2.4"},
            "commit": {"hash": "abc123", "dirty": True},
        }
    ]
    sources = {
        new["radam"]: {"paper": "arXiv:1908.03265", "code": "torch"},
        new["lion"]: {"code": "torch & co", "paper": new.get("paper", "https://arxiv.org/abs/2302.06675")},
    }
    return Case(study, records, trials, judgement, refused, found, provenance, sources)


def _blocks(tasks: Mapping[str, float]) -> Iterator[tuple[str, str, int, int, str, float]]:
    for task, level in tasks.items():
        for h, host in enumerate(HOSTS):
            for fold in range(FOLDS):
                for seed in range(SEEDS):
                    for setting in ("tuned", "default"):
                        worse = 1.15 if setting == "default" else 1.0
                        yield task, host, fold, seed, setting, level * (1 + 0.1 * h) * worse


def _records(tasks: Mapping[str, float]) -> pd.DataFrame:
    random = np.random.default_rng(7)
    rows: list[dict[str, Any]] = []
    for task, host, fold, seed, setting, level in _blocks(tasks):
        arms = [(name, "baseline" if name == "adamw" else "candidate", 0, g) for name, g in GAINS.items()]
        arms += [("adamw", "aa", replicate, 0.0) for replicate in (1, 2)]
        if host == HOSTS[0] and setting == "tuned":
            arms += [(name, "reference", 0, g) for name, g in REFERENCES.items()]
        for name, role, replicate, gain in arms:
            error = level / (1 + gain) if gain < 0 else level * (1 - gain)
            row = dict.fromkeys(RECORD_COLUMNS)
            row |= {"role": role, "slot": "optimizer", "component": name, "task": task, "origin": task}
            row |= {"host": "" if role == "reference" else host, "repeat": 0, "fold": fold, "seed": seed}
            row |= {
                "setting": setting,
                "replicate": replicate,
                "status": "ok",
                "reason": "",
                "metric": "error",
            }
            row |= {"error": error * np.exp(random.normal(0, 0.02)), "featureless_error": 1.8 * level}
            row |= {"n_train": 400, "n_test": 100, "steps": 60, "provenance": "p", "imputed": False}
            row |= {"fit_seconds": (0.4 if name == "lion" else 0.6), "predict_seconds": 0.01}
            row |= {"peak_memory_mb": 300.0, "tuning": 0, "key": f"k{len(rows):06d}"}
            rate = 0.1 if name == "sgd" else 0.01 / (1 + fold)  # sgd's at the upper end of its space
            chosen = {"optimizer.lr": rate} if setting == "tuned" and role != "reference" else {}
            row |= {"trials": TRIALS if setting == "tuned" else 0, "chosen": json.dumps(chosen)}
            row |= {"score": 1.0, "validation_error": error, "train_error": 0.8 * error}
            if name == "sgd" and task == "wine" and seed == 1:
                row |= {"status": "diverged", "error": None, "score": None, "validation_error": None}
                row["train_error"] = None
            rows.append(row)
    frame = pd.DataFrame(rows)
    kinds = dict.fromkeys(("error", "score", "validation_error", "train_error", "test_errors"), float)
    return frame.astype(kinds)


def _trials(tasks: Mapping[str, float]) -> pd.DataFrame:
    random = np.random.default_rng(8)
    rows: list[dict[str, Any]] = []
    for task, host, fold, seed, setting, level in _blocks(tasks):
        if seed or setting == "tuned":
            continue
        for name, gain in GAINS.items():
            for trial in range(TRIALS):
                error = level * (1 - gain) * (np.exp(random.normal(0, 0.15)) if trial else 1.0)
                row = dict.fromkeys(TRIAL_COLUMNS)
                row |= {"key": f"t{len(rows):06d}", "slot": "optimizer", "component": name, "host": host}
                row |= {"role": "baseline" if name == "adamw" else "candidate", "task": task, "origin": task}
                row |= {
                    "repeat": 0,
                    "fold": fold,
                    "replicate": 0,
                    "tuning": 0,
                    "trial": trial,
                    "status": "ok",
                    "reason": "",
                }
                row |= {"setting": json.dumps({"optimizer.lr": trial}), "fit_seconds": 0.5}
                row |= {"validation_error": error * np.exp(random.normal(0, 0.03)), "error": error}
                rows.append(row)
    return pd.DataFrame(rows)


def _spaces(records: pd.DataFrame) -> pd.DataFrame:
    """One and the same search space for every arm in every host."""
    arms = records.loc[records["role"] != "reference", ["slot", "component", "host"]].drop_duplicates()
    space = {"argument": "optimizer.lr", "low": 1e-5, "high": 0.1, "log": True, "integer": False}
    return arms.assign(**space, default=1e-3)


@pytest.fixture(scope="session")
def build() -> Callable[..., Case]:
    """:func:`make_case`, for tests that need a study of their own."""
    return make_case


@pytest.fixture(scope="session")
def case() -> Case:
    """The study with its plain names."""
    return make_case()


@pytest.fixture(scope="session")
def folder(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of :func:`case`, written once."""
    return case.write(tmp_path_factory.mktemp("study")).parent
