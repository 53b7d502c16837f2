"""What the trials of a tuning study save by binning their table once."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from benchmark.api import plan_study
from benchmark.execute.cell import run_job
from benchmark.execute.engine import Context
from benchmark.execute.fitting import prepared
from benchmark.execute.fitting.prepared import Prepared
from benchmark.plan.grid import Job
from tests.perf.measure import RUNS, Row, beside

__all__ = ["rows"]

CARD = """# @package datasets.wide
source: generated
location: friedman1
task_type: regression
origin: wide
options: {n_rows: 62500, n_features: 30, noise: 1.0, seed: 0}
"""
"""Four fifths of its rows train and select, of those four fifths train: 40,000."""


def rows(quick: bool) -> Iterator[Row]:
    """Seconds of the processor for the trials of one tuning study, in this process."""
    n_trials, runs = (2, 1) if quick else (4, RUNS)
    with tempfile.TemporaryDirectory() as folder:
        cards = Path(folder, "datasets")
        cards.mkdir()
        (cards / "wide.yaml").write_text(CARD, encoding="utf-8")
        for host in ("lightgbm", "xgboost"):
            job = _job(Path(folder), host, n_trials)
            yield beside(
                f"{n_trials} trials of {host}, 100 rounds on 40,000 × 30, binned once",
                lambda job=job: _seconds(job),  # type: ignore[misc]
                "binned in every trial",
                lambda job=job: _without_sharing(job),  # type: ignore[misc]
                runs=runs,
                unit="s",
            )


def _job(folder: Path, booster: str, n_trials: int) -> Job:
    Context(1, (str(folder),), ()).prepare()
    other = "xgboost" if booster == "lightgbm" else "lightgbm"
    planned = plan_study(
        [
            *("study=boosters", "name=binned", f"baselines=[{booster}]", f"candidates=[{other}]"),
            *(
                "hosts=[lightgbm]",
                "tasks=[wide]",
                "references=[]",
                "protocol.aa=0",
                "protocol.controls=[]",
                "protocol.seeds=1",
            ),
            *(
                "protocol.splits.folds=5",
                "executor=serial",
                f"results_dir={folder}",
                "protocol.limits.seconds=null",
            ),
            f"protocol.tuning.trials={n_trials}",
            f"components.booster.{booster}.make.n_estimators=100",
        ],
        [folder],
    )
    boosted = (job for job in planned.plan.jobs() if job.pipeline.family == "boosting")
    return next(job for job in boosted if job.pipeline.components["booster"].name == booster)


def _seconds(job: Job) -> float:
    """Of the job's trials, from the raw table on."""
    prepared._kept.clear()
    started, left = time.process_time(), {trial.key for trial in job.trials}
    for outcomes in run_job(job, {}):
        left -= {outcome.row.key for outcome in outcomes}
        assert all(outcome.row.status == "ok" for outcome in outcomes)
        if not left:
            break
    return time.process_time() - started


def _without_sharing(job: Job) -> float:
    def anew(_parts: Prepared, _at: Any, make: Callable[[], Any]) -> tuple[Any, float]:
        return make(), 0.0

    with mock.patch.object(Prepared, "once", anew):
        return _seconds(job)
