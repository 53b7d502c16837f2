"""The same networks as a plain script with a DataLoader trains, and what Swapbench makes of them."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmark import data
from benchmark.api import plan_study, run
from benchmark.api.planning import PlannedStudy
from benchmark.plan.grid import Job
from benchmark.plan.splits import splits
from benchmark.records.store import open_store
from tests.perf.measure import RUNS, Row

__all__ = ["rows"]

SCRIPT = Path(__file__).parent / "rivals" / "plain_script.py"
LEAST_RATIO = 4.0
TOLERANCE = 0.01
"""Most that test accuracies may differ in the mean: two threads make the script's sums, one makes ours, and
training makes more of the last bit. 0.01 is four or five of the test rows."""
OPTIMIZERS = {"adamw": "AdamW", "radam": "RAdam"}
SETTINGS = ("lr", "weight_decay", "decoupled_weight_decay")
"""What the script passes to an optimizer of ours; how its steps are carried out is torch's default."""


def rows(quick: bool) -> Iterator[Row]:
    """Milliseconds of wall time per network, ours from the call to the last record; workers
    import while the study is planned, as in ``swapbench run``.

    With and without stacking, both beside the same runs of the script.
    """
    epochs, runs = (15, 1) if quick else (30, RUNS)
    taken: dict[str, list[float]] = {stacking: [] for stacking in ("off", "auto")}
    alike: dict[str, str] = {}
    theirs = []
    with tempfile.TemporaryDirectory() as name:
        for number in range(runs):
            folder = Path(name, str(number))
            said = {}
            for stacking, seconds in taken.items():
                took, said[stacking] = _ours(folder / stacking, stacking, epochs)
                seconds.append(took)
            took, expected = _script(folder, epochs)
            theirs.append(took)
            alike = {stacking: _alike(said[stacking], expected) for stacking in taken}
    for stacking, seconds in taken.items():
        what = f"a network on digits, stacking={stacking} ({alike[stacking]})"
        rival = "plain script with a DataLoader"
        yield Row(what, "ms", tuple(seconds), rival, tuple(theirs), least_ratio=LEAST_RATIO)


def _ours(folder: Path, stacking: str, epochs: int) -> tuple[float, list[float]]:
    """Milliseconds per network, and the test accuracy of every default cell."""
    planned = _planned(folder, stacking, epochs)
    started = time.perf_counter()
    run(planned, quiet=True)
    seconds = time.perf_counter() - started
    jobs = _jobs(planned)
    return 1000 * seconds / sum(1 + len(job.cells) // 2 for job in jobs), _accuracies(planned, jobs)


def _script(folder: Path, epochs: int) -> tuple[float, list[float]]:
    """The same of the script, with as many threads as it likes."""
    file = folder / "asked.json"
    file.write_text(json.dumps(_asked(_jobs(_planned(folder / "off", "off", epochs)), epochs)), "utf-8")
    free = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, SCRIPT, file], check=True, env=free, stdout=subprocess.PIPE)
    found = json.loads(done.stdout)
    accuracies = [accuracy for of_split in found["accuracies"] for accuracy in of_split[1:]]
    return 1000 * float(found["seconds"]) / sum(map(len, found["accuracies"])), accuracies


def _alike(ours: list[float], theirs: list[float]) -> str:
    """How near the test accuracies of the same networks are."""
    apart = np.abs(np.subtract(ours, theirs))
    found = f"{np.mean(apart < 1e-12):.0%} of {len(apart)} test accuracies equal, mean gap {apart.mean():.4f}"
    assert apart.mean() <= TOLERANCE, f"these are not the same networks: {found}"
    return found


def _planned(folder: Path, stacking: str, epochs: int) -> PlannedStudy:
    baseline, candidate = OPTIMIZERS
    return plan_study(
        [
            *("study=optimizers", "name=networks", f"baselines=[{baseline}]", f"candidates=[{candidate}]"),
            *("hosts=[mlp]", "tasks=[digits]", "references=[]", "executor=processes", "workers=2"),
            *(
                "protocol.tuning.trials=1",
                "protocol.aa=0",
                "protocol.seeds=1",
                "protocol.splits.folds=4",
            ),
            *("protocol.budget.unit=epochs", f"protocol.budget.amount={epochs}"),
            *(f"protocol.budget.evaluations={epochs}", "protocol.budget.patience=8"),
            *(f"protocol.stacking={stacking}", "device=cpu", f"results_dir={folder}"),
        ],
        ahead=True,
    )


def _jobs(planned: PlannedStudy) -> list[Job]:
    return [job for job in planned.plan.jobs() if job.pipeline.family == "neural"]


def _accuracies(planned: PlannedStudy, jobs: list[Job]) -> list[float]:
    """Of every default cell, in the order of the jobs."""
    keys = [cell.key for job in jobs for cell in job.cells if cell.setting == "default"]
    with open_store(planned.resolved.results_dir, write=False) as store:
        records = store.records(keys)
    return [records[key].scores["accuracy"] for key in keys]


def _asked(jobs: list[Job], epochs: int) -> dict[str, Any]:
    """Every fit of the jobs, trials included, as the script takes them."""
    first = jobs[0]
    table = data.load(first.dataset, first.task.fingerprint)
    drawn = {
        (split.repeat, split.fold): split
        for split in splits(first.task, table.basis(), first.protocol.splits, first.root_seed)
    }
    asked = []
    for job in jobs:
        split = drawn[job.repeat, job.fold]
        optimizer = job.pipeline.components["optimizer"]
        arguments = {name: value for name, value in optimizer.make.items() if name in SETTINGS}
        how = {"optimizer": OPTIMIZERS[optimizer.name], "arguments": arguments}
        defaults = [cell.seeds for cell in job.cells if cell.setting == "default"]
        fits = [{**dataclasses.asdict(seeds), **how} for seeds in (job.tunings[0].seeds, *defaults)]
        parts = {part: getattr(split, part).tolist() for part in ("train", "validation", "test")}
        asked.append({**parts, "fits": fits})
    budget = first.protocol.budget
    return {"splits": asked, "epochs": epochs, "batch_size": budget.batch_size, "patience": budget.patience}
