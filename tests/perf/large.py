"""A large study in a process of its own: ``large.py WHAT FOLDER TASKS [FOLDS]`` prints what was measured.

Twenty optimizers in five hosts on generated tasks of 200 rows (so that loading data is not what is measured),
ten folds, five seeds, default and tuned by 16 trials: 10,000 cells a task, and 4 % more of references.
"""

from __future__ import annotations

import dataclasses
import json
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmark.api.linking import link
from benchmark.api.planning import PlannedStudy, plan_study
from benchmark.api.running import run
from benchmark.execute.engine import EXECUTORS
from benchmark.records.store import open_store
from benchmark.spec import Record, Trial

__all__ = ["First", "filled", "measure", "planned"]

ARMS = (
    "adamw sgd momentum nesterov adagrad rmsprop adam nadam amsgrad radam lookahead ranger adafactor lion "
    "adopt ademamix adan mars prodigy schedule_free"
).split()
HOSTS = "mlp mlp_ple mlp_plr resnet tabm".split()


def measure(what: str, folder: Path, tasks: int, folds: int = 0) -> None:
    """Print seconds; of a plan megabytes too. Imports are not in them: a plan of one task comes first."""
    planned(folder, 1)
    before, start = _peak_mb(), time.perf_counter()
    study = planned(folder, tasks)
    if what == "plan":
        print(time.perf_counter() - start, _peak_mb() - before)
    elif what == "fill":
        filled(study, folds)
    elif what == "open":
        start = time.perf_counter()
        with open_store(study.resolved.results_dir, write=True) as store:
            store.fit_seconds()
            store.record_keys()
        print(time.perf_counter() - start)
    elif what == "resume":
        EXECUTORS["first"] = "__main__:First"  # type: ignore[index]
        resolved = dataclasses.replace(study.resolved, executor="first")
        First.since = time.perf_counter()
        run(dataclasses.replace(study, resolved=resolved), quiet=True)


def planned(folder: Path, tasks: int) -> PlannedStudy:
    """The study on so many tasks, each another draw of one formula."""
    cards = folder / "cards" / "datasets"
    cards.mkdir(parents=True, exist_ok=True)
    for n in range(tasks):
        (cards / f"made{n}.yaml").write_text(
            f"# @package datasets.made{n}\nsource: generated\nlocation: friedman1\ntask_type: regression\n"
            f"origin: made{n}\noptions: {{n_rows: 200, n_features: 10, noise: 1.0, seed: {n}}}\n"
        )
    overrides = [
        "study=optimizers",
        f"baselines=[{ARMS[0]}]",
        f"candidates=[{','.join(ARMS[1:])}]",
        f"hosts=[{','.join(HOSTS)}]",
        f"tasks=[{','.join(f'made{n}' for n in range(tasks))}]",
        "protocol.aa=0",
        "protocol.controls=[]",
        "protocol.splits.folds=10",
        "protocol.seeds=5",
        "name=large",
        f"results_dir={folder / 'results'}",
    ]
    return plan_study(overrides, [cards.parent])


def filled(study: PlannedStudy, folds: int) -> None:
    """Keep every trial and record of the first ``folds`` folds, as if they had been run."""
    record = Record("", "ok", metric="rmse", error=1.0, score=1.0, validation_error=1.0, fit_seconds=0.1)
    trial = Trial("", 0, {}, "ok", validation_error=1.0, error=1.0, fit_seconds=0.1)
    with open_store(study.resolved.results_dir, write=True) as store:
        link(study, store, study.plan.rows)
        for row, table, places in ((record, "records", "cells"), (trial, "trials", "trial_cells")):
            fields = [*dataclasses.asdict(row).values()][1:]
            values = [json.dumps(value) if isinstance(value, dict) else value for value in fields]
            chosen = f"SELECT key{', ?' * len(values)} FROM {places} WHERE fold < ?"
            store._db.execute(f"INSERT OR IGNORE INTO {table} {chosen}", [*values, folds])


class First:
    """An executor that says how long it took to get its first job, and stops."""

    since = 0.0

    def __init__(self, context: object) -> None: ...

    def __enter__(self) -> First:
        return self

    def __exit__(self, *_: object) -> None: ...

    def run(self, jobs: Iterator[Any]) -> Iterator[Sequence[Any]]:
        """Nothing, since it is interrupted."""
        next(jobs)
        print(time.perf_counter() - self.since)
        raise KeyboardInterrupt
        yield ()


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    measure(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:]))
