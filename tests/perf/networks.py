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

import numpy as np

from benchmark import data
from benchmark.api import plan_study, run
from benchmark.api.planning import PlannedStudy
from benchmark.plan.grid import Job
from benchmark.plan.splits import splits
from benchmark.records.store import open_store
from tests.perf.measure import RUNS, Row

__all__ = ["SCRIPT", "asked", "rows", "study"]

SCRIPT = Path(__file__).parent / "rivals" / "plain_script.py"
LEAST_RATIO = 4.0
TOLERANCE = 0.002
"""Most that test accuracies may differ in the mean."""
OPTIMIZERS = {"adamw": "AdamW", "radam": "RAdam"}
SETTINGS = ("lr", "weight_decay", "decoupled_weight_decay")
"""What the script passes to an optimizer of ours; how its steps are carried out is torch's default."""
EPOCHS = 15


def rows(quick: bool) -> Iterator[Row]:
    """Milliseconds of wall time per network, beside the same runs of the script.

    At the width that the catalog's networks have, and at one so narrow that planning has them trained
    together. Once as both are when they train: ours from the call to the last record, in a process that ran
    a study before; the script from its first line of work on. And once as a whole command, with imports,
    planning, workers that start, verdict and page.
    """
    with tempfile.TemporaryDirectory() as name:
        _ours(Path(name, "before"), 64)
        for width in (64, 32):
            yield from _rows(Path(name, str(width)), width, 1 if quick else RUNS)


def _rows(folder: Path, width: int, runs: int) -> Iterator[Row]:
    training, command, theirs, their_whole = [], [], [], []
    for number in range(runs):
        planned, took = _ours(folder / f"training{number}", width)
        training.append(took)
        command.append(_command(folder / f"command{number}", planned, width))
        inside, whole, expected = _script(folder, planned, width)
        theirs.append(inside)
        their_whole.append(whole)
    rival = "plain script with a DataLoader"
    together = any(job.stacks for job in _jobs(planned))
    how = "together" if together else "one by one"
    what = f"one of {_count(planned)} networks of width {width}, {how}"
    alike = _alike(_accuracies(planned), expected, together)
    for when, ours, others, least in (
        (f"training; {alike}", training, theirs, LEAST_RATIO),
        ("whole commands", command, their_whole, None),
    ):
        yield Row(f"{what}: {when}", "ms", tuple(ours), rival, tuple(others), least_ratio=least)


def _ours(folder: Path, width: int) -> tuple[PlannedStudy, float]:
    """The study, and milliseconds per network."""
    planned = plan_study(study(folder, width), ahead=True)
    started = time.perf_counter()
    run(planned, quiet=True)
    return planned, 1000 * (time.perf_counter() - started) / _count(planned)


def _command(folder: Path, planned: PlannedStudy, width: int) -> float:
    """Milliseconds per network of ``swapbench run``."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "benchmark", "run", *study(folder, width)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return 1000 * (time.perf_counter() - started) / _count(planned)


def _script(folder: Path, planned: PlannedStudy, width: int) -> tuple[float, float, list[float]]:
    """Milliseconds per network once it trains, and of the whole script, with as many threads as it likes;
    the accuracies of the default cells.
    """
    file = asked(folder, planned, width)
    free = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    started = time.perf_counter()
    done = subprocess.run([sys.executable, SCRIPT, file], check=True, env=free, stdout=subprocess.PIPE)
    whole = time.perf_counter() - started
    found = json.loads(done.stdout)
    accuracies = [accuracy for of_split in found["accuracies"] for accuracy in of_split[1:]]
    count = _count(planned)
    return 1000 * float(found["seconds"]) / count, 1000 * whole / count, accuracies


def _alike(ours: list[float], theirs: list[float], together: bool) -> str:
    """How near the test accuracies are: of the same networks, each; of those that are trained together and
    draw their dropout together, the mean.
    """
    apart = np.subtract(ours, theirs)
    if together:
        found = f"mean test accuracies {np.mean(ours):.4f} and {np.mean(theirs):.4f}"
        gap = abs(apart.mean())
    else:
        found = f"{np.mean(np.abs(apart) < 1e-12):.0%} of {len(apart)} test accuracies equal"
        gap = np.abs(apart).mean()
    assert gap <= TOLERANCE, f"these are not the same networks: {found}"
    return found


def study(folder: Path, width: int) -> list[str]:
    """What makes the study of ``plan_study``."""
    baseline, candidate = OPTIMIZERS
    return [
        *("study=optimizers", "name=networks", f"baselines=[{baseline}]", f"candidates=[{candidate}]"),
        *(f"hosts=[mlp@{width}]", "tasks=[digits]", "references=[]", "executor=processes", "workers=2"),
        *("protocol.tuning.trials=1", "protocol.aa=0", "protocol.controls=[]", "protocol.seeds=9"),
        *("protocol.splits.folds=2", "protocol.budget.unit=epochs", f"protocol.budget.amount={EPOCHS}"),
        *(f"protocol.budget.evaluations={EPOCHS}", "protocol.budget.patience=8"),
        *("device=cpu", f"results_dir={folder}"),
    ]


def _jobs(planned: PlannedStudy) -> list[Job]:
    return [job for job in planned.plan.jobs() if job.pipeline.family == "neural"]


def _count(planned: PlannedStudy) -> int:
    """The networks that are trained: a trial a job and its default cells; the tuned ones are the same."""
    return sum(1 + len(job.cells) // 2 for job in _jobs(planned))


def _accuracies(planned: PlannedStudy) -> list[float]:
    """Of every default cell, in the order of the jobs."""
    keys = [cell.key for job in _jobs(planned) for cell in job.cells if cell.setting == "default"]
    with open_store(planned.resolved.results_dir, write=False) as store:
        records = store.records(keys)
    return [records[key].scores["accuracy"] for key in keys]


def asked(folder: Path, planned: PlannedStudy, width: int) -> Path:
    """The file that asks the script for every fit of the study, trials included."""
    jobs = _jobs(planned)
    first = jobs[0]
    table = data.load(first.dataset, first.task.fingerprint)
    drawn = {
        (split.repeat, split.fold): split
        for split in splits(first.task, table.basis(), first.protocol.splits, first.root_seed)
    }
    of_splits = []
    for job in jobs:
        split = drawn[job.repeat, job.fold]
        optimizer = job.pipeline.components["optimizer"]
        arguments = {name: value for name, value in optimizer.make.items() if name in SETTINGS}
        how = {"optimizer": OPTIMIZERS[optimizer.name], "arguments": arguments}
        defaults = [cell.seeds for cell in job.cells if cell.setting == "default"]
        fits = [{**dataclasses.asdict(seeds), **how} for seeds in (job.tunings[0].seeds, *defaults)]
        parts = {part: getattr(split, part).tolist() for part in ("train", "validation", "test")}
        of_splits.append({**parts, "fits": fits})
    budget = first.protocol.budget
    file = folder / "asked.json"
    sizes = {"width": width, "epochs": EPOCHS, "batch_size": budget.batch_size, "patience": budget.patience}
    file.write_text(json.dumps({"splits": of_splits} | sizes), "utf-8")
    return file
