"""SLURM started for real: what elements compute, and what becomes of it when elements and drivers end."""

from __future__ import annotations

import dataclasses
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.errors import RequestError
from benchmark.execute.cell import Outcome
from benchmark.execute.engine import Context
from benchmark.execute.executors.processes import Processes
from benchmark.execute.executors.slurm import Slurm
from benchmark.plan.grid import Job
from tests.cluster.tiny import TINY, collect, jobs, run_into_budget

pytestmark = [pytest.mark.all, pytest.mark.usefixtures("slurm")]

UNITS = 4
"""Trials and cells of one job of the tiny study."""
ALL = 4 * UNITS + 6
"""Of its four jobs, and of the featureless reference."""
OPTIONS = {"cpus": 2, "elements": 1, "poll": 0.1, "time": 10}
VOLATILE = {"fit_seconds": 0.0, "predict_seconds": 0.0, "peak_memory_mb": 0.0}


def context(**options: Any) -> Context:
    return Context(2, (), (), options=OPTIONS | options, folder=Path("results"))


def statuses(planned: Sequence[Job], found: dict[str, Outcome]) -> Counter[tuple[str, str]]:
    """How many units of each optimizer ended how."""
    counted: Counter[tuple[str, str]] = Counter()
    for job in planned:
        if "optimizer" not in job.pipeline.components:
            continue  # a reference
        name = job.pipeline.components["optimizer"].name.rpartition(":")[2]
        keys = [*(trial.key for trial in job.trials), *(cell.key for cell in job.cells)]
        counted.update((name, found[key].row.status) for key in keys)
    return counted


def computed_again() -> int:
    """How often fits of the optimizers in the file were begun again."""
    begun = Path("ledger").read_text().split()
    assert begun
    return len(begun) - len(set(begun))


def squeue(*options: str) -> list[list[str]]:
    """Id and state of what is in the queue."""
    command = ["squeue", "--array", "--noheader", "--format=%i %T", *options]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line.split() for line in said.splitlines()]


@contextmanager
def impatient() -> Iterator[None]:
    """What is queued again starts at once; SLURM would let it wait for two minutes."""
    over = threading.Event()

    def hasten() -> None:
        while not over.wait(0.5):
            for name, _ in squeue("--states=PENDING"):
                subprocess.run(["scontrol", "update", f"JobId={name}", "StartTime=now"], capture_output=True)

    thread = threading.Thread(target=hasten)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def eventually(what: Callable[[], Any], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_outcomes_are_those_of_processes_with_more_elements_than_an_array_may_have(mine: Path) -> None:
    planned, arrays = jobs("radam", f"{mine}:Segfaults"), set[Path]()
    found = collect(
        Slurm(context(workers=3, cpus=1)),
        planned,
        lambda _: arrays.update(Path("results/spool").glob("*/logs/*_submission.sh")),
    )
    expected = collect(Processes(Context(2, (), ())), planned)
    assert found.keys() == expected.keys()
    for key, outcome in expected.items():
        there, here = (dataclasses.replace(o.row, **_still(o)) for o in (found[key], outcome))
        assert there.status == here.status
        assert there == here or here.status == "crashed"
        assert np.array_equal(found[key].prediction, outcome.prediction)  # type: ignore[arg-type]
        assert found[key].prediction_of == outcome.prediction_of
    assert statuses(planned, found)["Segfaults", "crashed"] == 2 * UNITS
    assert len(arrays) == 2  # three elements, of which the scheduler takes two at a time
    assert not any(Path("results/spool").iterdir())
    assert squeue() == []


def _still(outcome: Outcome) -> dict[str, Any]:
    fields = {field.name for field in dataclasses.fields(outcome.row)}
    return {name: value for name, value in VOLATILE.items() if name in fields}


def test_elements_that_are_cancelled_or_queued_again_lose_what_runs_and_no_more(mine: Path) -> None:
    planned = jobs(f"{mine}:Slow", more=["protocol.limits.retries=3"])  # as many as there are disturbances
    commands = [(2, ["scancel"]), (6, ["scontrol", "requeue"]), (10, ["scancel", "--signal=USR2"])]

    def disturb(count: int) -> None:
        """After so many outcomes; the last command says that the time is up."""
        running = [name for name, state in squeue() if state == "RUNNING"]
        if running and commands and count >= commands[0][0]:
            subprocess.run([*commands.pop(0)[1], running[0]], check=True)

    with impatient():
        found = collect(Slurm(context()), planned, disturb)
    assert statuses(planned, found) == {("adamw", "ok"): 2 * UNITS, ("Slow", "ok"): 2 * UNITS}
    assert not commands
    assert computed_again() <= 3 * OPTIONS["cpus"]


def test_an_element_that_another_partition_preempts_goes_on_afterwards(mine: Path) -> None:
    planned = jobs(f"{mine}:Slow", more=["protocol.limits.retries=1"])
    preempted: list[str] = []

    def preempt(count: int) -> None:
        running = [name for name, state in squeue() if state == "RUNNING"]
        if count >= UNITS and running and not preempted:
            urgent = ["sbatch", "--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap=sleep 3"]
            subprocess.run(urgent, check=True, capture_output=True)
            preempted.append(running[0])

    with impatient():
        found = collect(Slurm(context()), planned, preempt)
    assert statuses(planned, found) == {("adamw", "ok"): 2 * UNITS, ("Slow", "ok"): 2 * UNITS}
    show = ["scontrol", "show", "job", preempted[0]]
    said = subprocess.run(show, check=True, capture_output=True, text=True).stdout
    assert "Restarts=1" in said, said
    assert computed_again() <= OPTIONS["cpus"]


def test_a_unit_that_ends_its_element_every_time_is_recorded_and_the_rest_goes_on(mine: Path) -> None:
    planned = jobs(
        f"{mine}:EndsItsElement", more=["protocol.limits.retries=0", "protocol.splits.scheme=holdout"]
    )
    found = collect(Slurm(context(cpus=1)), planned)
    counted = statuses(planned, found)
    assert counted.pop(("EndsItsElement", "crashed")) == 1
    assert counted == {("adamw", "ok"): UNITS, ("EndsItsElement", "ok"): UNITS - 1}
    (reason,) = {outcome.row.reason for outcome in found.values() if outcome.row.status == "crashed"}
    assert reason == "its node was lost while it was at this, 1 time"


COMMAND = (
    *(sys.executable, "-m", "benchmark", "run", *TINY),
    *("baselines=[adamw]", "candidates=[mine.py:Slow]", "name=a", "executor=slurm"),
    *(f"executor.{key}={value}" for key, value in OPTIONS.items()),
)


def kept() -> list[tuple[str, str]]:
    """Key and status of everything in the store."""
    file = Path("results/store.sqlite")
    if not file.exists():
        return []
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as store:
        try:
            return store.execute(
                "SELECT key, status FROM records UNION SELECT key, status FROM trials"
            ).fetchall()
        except sqlite3.OperationalError:  # the tables are not there yet
            return []


@pytest.fixture
def start(mine: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts a driver; what is left of it in the end is cancelled."""
    assert mine.exists()

    def begin() -> subprocess.Popen[str]:
        return subprocess.Popen(
            COMMAND,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    yield begin
    subprocess.run(["scancel", "--user=root"], check=True)


def test_a_driver_that_is_killed_finds_what_was_finished_and_computes_nothing_twice(
    start: Callable[[], subprocess.Popen[str]],
) -> None:
    driver = start()
    eventually(lambda: len(kept()) >= 2)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.communicate()
    before = kept()
    elements = {name for name, state in squeue() if state == "RUNNING"}
    assert elements
    eventually(lambda: len(list(Path("results/spool").glob("*/outcomes/*"))) >= 2)

    driver = start()
    out, err = driver.communicate(timeout=120)
    assert driver.returncode == 0, out + err
    assert dict(before).items() <= dict(kept()).items()
    assert Counter(status for _, status in kept()) == {"ok": ALL}
    assert computed_again() == 0
    assert "slurm: submitted" not in err  # the elements that were there did it
    assert not any(Path("results/spool").iterdir())


def test_ctrl_c_cancels_the_elements_and_the_same_command_goes_on(
    start: Callable[[], subprocess.Popen[str]],
) -> None:
    driver = start()
    eventually(lambda: len(kept()) >= 2)
    os.killpg(driver.pid, signal.SIGINT)
    _, err = driver.communicate(timeout=60)
    assert driver.returncode == 1
    assert "slurm: cancelling the elements of swapbench-" in err
    assert squeue() == []
    before = len(kept())
    assert 2 <= before < ALL

    driver = start()
    out, err = driver.communicate(timeout=120)
    assert driver.returncode == 0, out + err
    assert f"{ALL - before} fits in " in out
    assert not any(Path("results/spool").iterdir())


def test_a_budget_cancels_the_elements(mine: Path) -> None:
    assert mine.exists()
    options = (f"executor.{key}={value}" for key, value in OPTIONS.items())
    assert run_into_budget(10.0, "executor=slurm", *options) < 40
    assert squeue() == []


def test_another_executor_goes_on_where_a_killed_driver_was(
    start: Callable[[], subprocess.Popen[str]],
) -> None:
    driver = start()
    eventually(lambda: len(kept()) >= 2)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.communicate()
    subprocess.run(["scancel", "--user=root"], check=True)
    eventually(lambda: squeue() == [])
    here = [*(one for one in COMMAND if not one.startswith("executor")), "executor=processes"]
    subprocess.run(here, check=True)
    assert Counter(status for _, status in kept()) == {"ok": ALL}
    assert computed_again() <= OPTIONS["cpus"]  # what ran when it was cancelled
    assert not list(Path("results/spool").glob("*/outcomes/*"))


def test_what_sbatch_refuses_is_one_line(mine: Path, capfd: pytest.CaptureFixture[str]) -> None:
    planned = jobs(f"{mine}:Sound")
    with pytest.raises(RequestError, match="sbatch refused: .*invalid partition specified: nowhere"):
        collect(Slurm(context(partition="nowhere")), planned)
    assert "sbatch" not in capfd.readouterr().err
    assert not any(Path("results/spool").iterdir())


def test_a_node_that_cannot_read_its_data_stops_the_run_by_name(mine: Path) -> None:
    planned = [
        dataclasses.replace(job, task=dataclasses.replace(job.task, fingerprint="another"))
        for job in jobs(f"{mine}:Sound")
    ]
    with pytest.raises(RequestError, match=rf"^{os.uname().nodename}: .*the data has changed"):
        collect(Slurm(context()), planned)
