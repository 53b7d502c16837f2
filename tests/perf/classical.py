"""The same estimators on the same splits as scikit-learn's ``cross_validate`` with two workers."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from joblib.externals.loky import get_reusable_executor
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmark import data
from benchmark.api import plan_study, run
from benchmark.api.planning import PlannedStudy
from benchmark.plan.grid import Job
from benchmark.plan.splits import splits
from benchmark.records.store import open_store
from benchmark.spec import Split
from tests.perf.measure import RUNS, Row, beside

__all__ = ["rows"]

SCORING = ("neg_log_loss", "accuracy", "balanced_accuracy", "f1_macro")
"""As many as scikit-learn has of the metrics that a record holds."""


def _forest(kind: type[Any]) -> Callable[[], Any]:
    return lambda: kind(n_estimators=100, max_features=0.5, min_samples_leaf=1, n_jobs=1)


STUDIES: tuple[tuple[str, str, dict[str, Callable[[], Any]]], ...] = (
    (
        "forests on digits",
        "standard_forest",
        {"random_forest": _forest(RandomForestClassifier), "extra_trees": _forest(ExtraTreesClassifier)},
    ),
    (
        "logistic regression on digits",
        "linear",
        {"linear": lambda: make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1000))},
    ),
)
"""What it is called, the host, and how scikit-learn makes each estimator."""


def rows(quick: bool) -> Iterator[Row]:
    """Milliseconds of wall time per fit, each side from the call on, its two workers' start included."""
    for what, host, estimators in STUDIES:
        with tempfile.TemporaryDirectory() as folder:
            repeats = (1 if quick else 3) * (1 if len(estimators) > 1 else 4)
            yield _row(Path(folder), what, host, estimators, repeats, runs=1 if quick else RUNS)


def _row(
    folder: Path, what: str, host: str, estimators: dict[str, Callable[[], Any]], repeats: int, *, runs: int
) -> Row:
    said: dict[str, list[float]] = {}
    taken = iter(range(10**6))

    def ours() -> float:
        planned = _planned(folder / f"results{next(taken)}", host, [*estimators], repeats)
        started = time.perf_counter()
        done = run(planned, quiet=True)
        seconds = time.perf_counter() - started
        said["ours"] = _accuracies(planned, _jobs(planned, next(iter(estimators))))
        return 1000 * seconds / _fits(planned, done.executed)

    def theirs() -> float:
        planned = _planned(folder / "asked", host, [*estimators], repeats)
        drawn = _splits(_jobs(planned, next(iter(estimators))))
        X, y = load_digits(return_X_y=True)
        folds = [(split.train, split.test) for split in drawn]
        get_reusable_executor().shutdown(wait=True)
        started, accuracies = time.perf_counter(), []
        for make in estimators.values():
            found = cross_validate(make(), X, y, cv=folds, scoring=SCORING, n_jobs=2)
            accuracies.append(found["test_accuracy"].tolist())
        seconds = time.perf_counter() - started
        said["theirs"] = accuracies[0]
        return 1000 * seconds / (len(folds) * len(estimators))

    found = beside(what, ours, "cross_validate(n_jobs=2)", theirs, runs=runs, least_ratio=1.0, warm=False)
    apart = np.abs(np.subtract(said["ours"], said["theirs"]))
    equal = np.mean(apart < 1e-12)
    alike = f"{equal:.0%} of {len(apart)} test accuracies equal, in the mean {apart.mean():.4f} apart"
    assert apart.mean() < 0.01, f"these are not the same estimators: {alike}"
    return dataclasses.replace(found, what=f"{what} ({alike})")


def _planned(folder: Path, host: str, estimators: list[str], repeats: int) -> PlannedStudy:
    baseline, *others = estimators
    return plan_study(
        [
            *("study=estimators", "name=classical", f"hosts=[{host}]", "tasks=[digits]", "references=[]"),
            f"baselines=[{baseline}]",
            f"candidates=[{','.join(others or ['featureless'])}]",
            *(
                "executor=processes",
                "workers=2",
                "protocol.tuning.trials=1",
                "protocol.aa=0",
                "protocol.controls=[]",
                "protocol.seeds=3",
            ),
            *("protocol.splits.folds=5", f"protocol.splits.repeats={repeats}", f"results_dir={folder}"),
        ]
    )


def _jobs(planned: PlannedStudy, estimator: str) -> list[Job]:
    """The jobs of an estimator, split by split."""
    jobs = (job for job in planned.plan.jobs() if job.pipeline.components["estimator"].name == estimator)
    return sorted(jobs, key=lambda job: (job.repeat, job.fold))


def _fits(planned: PlannedStudy, executed: int) -> int:
    """Units that were fitted: neither copies of a default cell nor the featureless predictor."""
    jobs = [job for job in planned.plan.jobs() if job.pipeline.components["estimator"].name != "featureless"]
    fitted = sum(len(job.trials) + len(job.cells) // 2 for job in jobs)
    assert fitted < executed
    return fitted


def _splits(jobs: list[Job]) -> list[Split]:
    first = jobs[0]
    table = data.load(first.dataset, first.task.fingerprint)
    return list(splits(first.task, table.basis(), first.protocol.splits, first.root_seed))


def _accuracies(planned: PlannedStudy, jobs: list[Job]) -> list[float]:
    """Of the first default cell of every split."""
    keys = [next(cell.key for cell in job.cells if cell.setting == "default") for job in jobs]
    with open_store(planned.resolved.results_dir, write=False) as store:
        records = store.records(keys)
    return [records[key].scores["accuracy"] for key in keys]
