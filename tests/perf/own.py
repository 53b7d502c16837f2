"""What Swapbench's own steps take: a start, a plan, a record, a table read, a verdict, a step of training."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark import api
from benchmark.data import cache, load
from benchmark.execute.cell import run_job
from benchmark.execute.engine import Context
from benchmark.judge import judge
from benchmark.records.store import open_store
from benchmark.spec import Dataset, Record
from tests.perf.measure import RUNS, Row, alone, beside

__all__ = ["million", "rows"]


def rows(quick: bool) -> Iterator[Row]:
    """Milliseconds of each."""
    runs = 1 if quick else RUNS
    yield alone("swapbench list, a whole process", _timed(_listing), runs=runs)
    yield alone("plan of study=optimizers", _timed(lambda: api.plan_study(["study=optimizers"])), runs=runs)
    yield _stored(runs)
    yield _parsed(runs)
    if not quick:
        records = million()
        yield alone("verdict on 1,000,000 records", _timed(lambda: judge(records)), runs=runs)
    yield from _steps(runs)


def _timed(call: Callable[[], object], per: int = 1) -> Callable[[], float]:
    """Milliseconds of ``call``, or of each of the ``per`` things that it does."""

    def measure() -> float:
        start = time.perf_counter()
        call()
        return 1000 * (time.perf_counter() - start) / per

    return measure


def _listing() -> None:
    subprocess.run([sys.executable, "-m", "benchmark", "list"], check=True, stdout=subprocess.DEVNULL)


def _stored(runs: int) -> Row:
    """Records with the predictions of 200 rows, kept one by one."""
    n, prediction, count = 500, np.zeros((200, 3), dtype=np.float32), itertools.count()
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder), write=True) as opened:

        def write() -> None:
            for _ in range(n):
                opened.put([(Record(key=str(next(count)), status="ok"), prediction, "")], "")

        return alone(
            "record with predictions, durable, alone in its transaction", _timed(write, n), runs=runs
        )


def _parsed(runs: int) -> Row:
    """A CSV of 50,000 rows and 30 columns, from the cache and parsed."""
    n_rows, draw = 50_000, np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(n_rows, 25))).add_prefix("x")
    for place in range(5):
        frame[f"c{place}"] = draw.choice([f"label {code}" for code in range(20)], n_rows)
    before = os.environ.get("SWAPBENCH_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SWAPBENCH_CACHE"] = f"{folder}/cache"
        card = Dataset("t", "file", "t.csv", target="y", file=f"{folder}/t.yaml")
        frame.assign(y=draw.integers(0, 3, n_rows)).to_csv(f"{folder}/t.csv", index=False)

        def first() -> None:
            cache.clear()
            load(card)

        try:
            what = "table of 50,000 × 30, from the cache"
            return beside(what, _timed(lambda: load(card)), "from its CSV", _timed(first), runs=runs)
        finally:
            del os.environ["SWAPBENCH_CACHE"]
            if before is not None:
                os.environ["SWAPBENCH_CACHE"] = before


def _steps(runs: int) -> Iterator[Row]:
    """A step of training by host and optimizer, beside AdamW in the MLP."""
    Context(1, (), ()).prepare()
    names = ["adamw", "radam", "lion", "muon", "schedule_free"]
    with tempfile.TemporaryDirectory() as folder:
        planned = api.plan_study(
            [
                *("study=demo", "tasks=[digits]", "hosts=[mlp,resnet,tabm]", "references=[]", "device=cpu"),
                *(
                    f"candidates=[{','.join(names[1:])}]",
                    "protocol.tuning.trials=1",
                    "protocol.aa=0",
                    "protocol.controls=[]",
                ),
                *("protocol.budget.amount=300", "protocol.budget.patience=99", "protocol.stacking=off"),
                f"results_dir={folder}",
            ]
        )
    measures: dict[str, Callable[[], float]] = {}
    for row in planned.plan.rows:
        plain = "adamw" in row.arm.component or row.host == "mlp"
        if row.arm.role != "reference" and row.job.fold == 0 and plain:
            trial = row.job.trials[0].key
            defaults = {
                cell.key: Record(cell.key, "ok") for cell in row.job.cells if cell.setting == "default"
            }

            def step(job=row.job, done=defaults, trial=trial) -> None:  # type: ignore[no-untyped-def]
                (outcome,) = next(iter(run_job(job, done)))
                assert outcome.row.key == trial and outcome.row.status == "ok"

            measures[f"{row.arm.component} in {row.host}"] = _timed(step, per=300)
    reference = measures.pop("adamw in mlp")
    for what, measure in measures.items():
        yield beside(f"a step of {what}", measure, "adamw in mlp", reference, runs=min(runs, 3), warm=False)


def million() -> pd.DataFrame:
    """Records of one baseline and nine candidates, all in every block: 20 hosts, 500 tasks, 10 seeds."""
    axes = {"component": 10, "host": 20, "task": 500, "seed": 10}
    names = [[f"{name}{i}" if name != "seed" else i for i in range(n)] for name, n in axes.items()]
    records = pd.MultiIndex.from_product(names, names=list(axes)).to_frame(index=False)
    draw = np.random.default_rng(0)
    baseline = records["component"] == "component0"
    return records.assign(
        role=np.where(baseline, "baseline", "candidate"),
        error=0.2 * draw.lognormal(0, 0.1, len(records)),
        featureless_error=0.5,
        fit_seconds=draw.lognormal(0, 0.3, len(records)),
        n_train=800,
        n_test=200,
    )
