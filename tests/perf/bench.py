"""Where the time goes: medians of a few runs, and ratios that hold on a noisy machine (`make perf`)."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
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

RUNS = 5


def timed(call: Callable[[], object], runs: int = RUNS) -> tuple[float, float, float]:
    """Minimum, median and maximum seconds of ``call`` after one run that does not count."""
    call()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds), statistics.median(seconds), max(seconds)


def row(what: str, seconds: tuple[float, float, float], per: float = 1.0, unit: str = "ms") -> None:
    """Print one line of the table."""
    low, median, high = (1000 * value / per for value in seconds)
    print(f"{what:<46} {low:9.2f} {median:9.2f} {high:9.2f}  {unit}")


def store() -> None:
    """What keeping a record durably costs."""
    n = 500
    prediction = np.zeros((200, 3), dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder), write=True) as opened:
        count = iter(range(10**9))

        def write() -> None:
            for _ in range(n):
                opened.put_record(Record(key=str(next(count)), status="ok"), prediction)

        row("record with predictions, durable", timed(write), per=n)


def planning() -> None:
    """What a plan of the largest shipped study costs, without imports."""
    row("plan of study=optimizers", timed(lambda: api.plan_study(["study=optimizers"]), runs=3))


def training() -> None:
    """What one fit of 300 steps costs, by host and optimizer, and relative to AdamW in the MLP."""
    Context(1, (), ()).prepare()
    names = ["adamw", "radam", "lion", "muon", "schedule_free"]
    overrides = ["tasks=[digits]", "hosts=[mlp,resnet,tabm]", f"candidates=[{','.join(names[1:])}]"]
    settings = [
        "protocol.tuning.trials=1",
        "protocol.aa=0",
        "protocol.budget.amount=300",
        "protocol.budget.patience=99",
    ]
    planned = api.plan_study(["study=demo", *overrides, *settings])
    reference = None
    for item in planned.plan.rows:
        if item.arm.role == "reference" or item.job.fold:
            continue
        trial = item.job.trials[0]
        done = {cell.key: Record(cell.key, "ok") for cell in item.job.cells if cell.setting == "default"}
        seconds = timed(lambda job=item.job, done=done: next(iter(run_job(job, done))), runs=3)  # type: ignore[misc]
        reference = reference or seconds[1]
        ratio = f"ms a step, {seconds[1] / reference:.2f} × adamw in mlp"
        row(f"{item.arm.component} in {item.host}", seconds, per=300, unit=ratio)
        assert trial.number == 0


def parsed_tasks() -> None:
    """What loading a file of 50,000 rows costs the first time, and every time after."""
    n_rows, draw = 50_000, np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(n_rows, 25))).add_prefix("x")
    for place in range(5):
        frame[f"c{place}"] = draw.choice([f"label {code}" for code in range(20)], n_rows)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SWAPBENCH_CACHE"] = f"{folder}/cache"
        card = Dataset("t", "file", "t.csv", target="y", file=f"{folder}/t.yaml")
        frame.assign(y=draw.integers(0, 3, n_rows)).to_csv(f"{folder}/t.csv", index=False)

        def first() -> None:
            cache.clear()
            load(card)

        cold, warm = timed(first, runs=3), timed(lambda: load(card), runs=20)
        del os.environ["SWAPBENCH_CACHE"]
    row("a CSV of 50,000 rows and 30 columns, parsed", cold)
    row("the same from the cache", warm, unit=f"ms, 1/{cold[1] / warm[1]:.0f} of parsing")


def judging() -> None:
    """What the verdict on a million records costs: 10 arms, 20 hosts, 500 tasks, 10 seeds."""
    records = million()
    row("judge of 1,000,000 records", timed(lambda: judge(records), runs=3), unit="ms")


def million() -> pd.DataFrame:
    """Records of one baseline and nine candidates, all of them in every block."""
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


def start_up() -> None:
    """What a command costs before it does anything."""

    def listing() -> None:
        subprocess.run([sys.executable, "-m", "benchmark", "list"], check=True, stdout=subprocess.DEVNULL)

    row("swapbench list, a whole process", timed(listing, runs=3))


if __name__ == "__main__":
    print(f"{'':<46} {'min':>9} {'median':>9} {'max':>9}")
    start_up()
    planning()
    store()
    parsed_tasks()
    judging()
    training()
