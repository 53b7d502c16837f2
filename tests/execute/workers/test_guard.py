"""Workers in trouble, for real: each costs its own cell, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import itertools
import os
import pickle
import random
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmark.execute.cell import run_job
from benchmark.execute.engine import Context
from benchmark.execute.executors.processes import Processes
from benchmark.execute.workers.guard import Guarded, bring_up, start
from benchmark.execute.workers.watch import Board, Watch
from benchmark.plan.grid import Job, PlannedCell
from benchmark.spec import Limits, Record, Seeds

TROUBLE = Path(__file__).parents[1] / "trouble.py"
MakeJob = Callable[..., Job]
Run = Callable[..., dict[str, Record]]


@pytest.fixture(scope="module")
def pool() -> Iterator[Processes]:
    """Four workers, and others where one was in trouble."""
    with Processes(Context(4, (), ())) as workers:
        yield workers


@pytest.fixture
def run(pool: Processes) -> Run:
    """Runs jobs; their records by key, each once."""

    def run_all(*jobs: Job) -> dict[str, Record]:
        rows = [one.row for some in pool.run((job, {}) for job in jobs) for one in some]
        assert len({row.key for row in rows}) == len(rows) == sum(len(job.cells) for job in jobs)
        return {row.key: row for row in rows if isinstance(row, Record)}

    return run_all


Living = Callable[[], list[str]]


@pytest.fixture
def marked() -> Iterator[tuple[str, Living]]:
    """A mark for the environment of processes, and a function that says which of those live."""
    mark = uuid.uuid4().hex

    def found() -> dict[psutil.Process, str]:
        lines = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):  # it may go at any moment
                if process.environ().get("MARK") == mark and process.status() != psutil.STATUS_ZOMBIE:
                    lines[process] = f"{process.pid} {' '.join(process.cmdline())}"
        return lines

    yield mark, lambda: list(found().values())
    for process in found():
        process.kill()


def assert_gone(living: Living, seconds: float) -> None:
    """None of them lives after so many seconds."""
    until = time.monotonic() + seconds
    while living() and time.monotonic() < until:
        time.sleep(0.05)
    assert living() == []


def test_a_worker_that_dies_costs_one_cell(run: Run, make_job: MakeJob) -> None:
    reasons = {
        "segfault": "the worker process was ended by SIGSEGV (Segmentation fault)",
        "exit_0": "the worker process ended with exit code 0",
        "exit_3": "the worker process ended with exit code 3",
        "raise_exit": "the worker process ended with exit code 1",
        "kill_oneself": "the worker process was ended by SIGKILL (Killed)",
        "kill_guard": "the worker's guard was killed",
    }
    records = run(make_job("nothing", 5), *map(make_job, reasons))
    crashed = {what: records[f"{what} 0"] for what in reasons}
    assert {what: record.reason for what, record in crashed.items()} == reasons
    assert {record.status for record in crashed.values()} == {"crashed"}
    assert [records[f"nothing {n}"].status for n in range(5)] == ["ok"] * 5


def test_a_worker_has_its_driver_s_environment_of_the_moment(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_up()
    monkeypatch.setenv("SET_LATER", "")
    with Processes(Context(1, (), ())) as workers:
        (outcome,) = itertools.chain(*workers.run(iter([(make_job("look_up", name="SET_LATER"), {})])))
    assert outcome.row.status == "ok"


def test_a_signal_without_a_name_is_told_by_its_number(tmp_path: Path) -> None:
    with (tmp_path / "said").open("w+") as said:
        death = Watch(0, Board.shared(), said.fileno(), 0, status=36).obituary()
    assert "was ended by signal 36 " in death.reason


def test_a_crash_says_where_it_happened(run: Run, make_job: MakeJob) -> None:
    records = run(make_job("segfault"), make_job("raise_exit"))
    assert "Segmentation fault" in records["segfault 0"].traceback
    assert "in segfault" in records["segfault 0"].traceback
    assert "SystemExit: the component has had enough" in records["raise_exit 0"].traceback


def test_a_worker_that_does_not_stop_is_ended(run: Run, make_job: MakeJob) -> None:
    started = time.monotonic()
    hanging = ("hang_in_c", "ignore_signals", "deadlock", "swallow_exceptions")
    jobs = [make_job(what, limits=Limits(seconds=0.5, retries=5)) for what in hanging]
    records = run(*jobs, make_job("stop_oneself"), make_job("nothing"))
    assert time.monotonic() - started < 20
    assert {records[f"{what} 0"].status for what in hanging} == {"timeout"}
    polite = "took longer than protocol.limits.seconds=0.5"
    assert records["hang_in_c 0"].reason == records["ignore_signals 0"].reason == f"{polite} and did not stop"
    assert records["deadlock 0"].reason == records["swallow_exceptions 0"].reason == polite
    stopped = records["stop_oneself 0"]
    assert (stopped.status, "was stopped" in stopped.reason) == ("crashed", True)
    assert records["nothing 0"].status == "ok"


def test_what_comes_before_a_fit_does_not_count_against_it(
    run: Run, make_job: MakeJob, tmp_path: Path
) -> None:
    slow = make_job("nothing", limits=Limits(seconds=1), target=slow_import(tmp_path, seconds=1.5))
    assert run(slow)["nothing 0"].status == "ok"


def slow_import(folder: Path, seconds: float) -> str:
    """An estimator whose file takes so long to import."""
    file = folder / "slow.py"
    file.write_text(f"import time; time.sleep({seconds})\nexec(open({str(TROUBLE)!r}).read())")
    return f"{file}:Trouble"


def test_an_import_that_hangs_is_said_to_be_one(
    make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.execute.cell._IMPORT_SECONDS", 0.3)
    job = make_job("nothing", limits=Limits(seconds=0.1), target=slow_import(tmp_path, seconds=60))
    (((outcome,),)) = run_job(job, {})
    assert outcome.row.status == "timeout"
    assert outcome.row.reason == "took longer than 0.3 s to import its components"


def test_workers_that_hang_when_they_begin_end_the_run(
    make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "never_begins.py").write_text("import time\n\ndef work(*_): time.sleep(600)")
    monkeypatch.syspath_prepend(str(tmp_path))
    work = importlib.import_module("never_begins").work

    def hanging(_: Any, context: Context) -> Guarded:
        return start(work, context, begin_seconds=0.2)

    monkeypatch.setattr("benchmark.execute.executors.processes.start", hanging)
    reason = "8 workers died in a row: took longer than 0.2 s to begin and did not stop"
    with Processes(Context(2, (), ())) as workers, pytest.raises(RuntimeError, match=reason):
        list(workers.run(iter([(make_job("nothing"), {})])))


def test_a_start_that_is_tried_again_leaves_one_worker(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, begin = [EOFError], ForkServerProcess.start

    def start_and_lose_the_answer(process: ForkServerProcess) -> None:
        begin(process)
        if lost:
            raise lost.pop()

    monkeypatch.setattr(ForkServerProcess, "start", start_and_lose_the_answer)
    before = set(workers_of(psutil.Process()))  # of the pool that other tests share
    with Processes(Context(1, (), ())) as workers:
        given = [one.row.status for some in workers.run(iter([(make_job("nap", 50), {})])) for one in some]
        assert given == ["ok"] * 50
        assert not lost
        assert len({*workers_of(psutil.Process())} - before) == 1


def test_memory_beyond_the_limit_is_out_of_memory(run: Run, make_job: MakeJob) -> None:
    limits = Limits(memory_mb=200, seconds=60)
    records = run(
        make_job("leak", 2, limits=limits),
        dataclasses.replace(
            make_job("leak", limits=limits, megabytes=100),
            key="little",
            cells=(PlannedCell(0, "default", "little", Seeds(1, 2, 3)),),
        ),
        make_job("leak_in_children", limits=limits, megabytes=150),
    )
    said = {key: (record.status, record.reason) for key, record in records.items()}
    assert said["little"][0] == "ok"
    assert said["leak 0"][0] == said["leak 1"][0] == "out_of_memory", said
    assert said["leak_in_children 0"] == ("out_of_memory", "used more than protocol.limits.memory_mb=200")


def test_children_may_take_what_is_allowed(run: Run, make_job: MakeJob) -> None:
    limits = Limits(memory_mb=1000, seconds=1.5)
    record = run(make_job("leak_in_children", limits=limits, megabytes=100))["leak_in_children 0"]
    assert record.status == "timeout"


def test_children_are_ended_with_their_cell(run: Run, make_job: MakeJob, marked: tuple[str, Living]) -> None:
    mark, living = marked
    expected = {
        "leave_children": "ok",
        "leave_children_and_crash": "crashed",
        "leave_children_and_hang": "timeout",
    }
    records = run(*(make_job(what, limits=Limits(seconds=1, retries=0), mark=mark) for what in expected))
    assert {what: records[f"{what} 0"].status for what in expected} == expected
    assert_gone(living, seconds=5)


def test_a_thread_that_is_left_does_not_outlive_its_worker(run: Run, make_job: MakeJob) -> None:
    records = run(make_job("leave_thread", 2), make_job("nothing"))
    assert {record.status for record in records.values()} == {"ok"}


def test_garbage_goes_nowhere(run: Run, make_job: MakeJob, capfd: pytest.CaptureFixture[str]) -> None:
    records = run(make_job("write_garbage", 2, megabytes=5), make_job("write_and_crash", megabytes=5))
    assert [records[f"write_garbage {n}"].status for n in (0, 1)] == ["ok", "ok"]
    crashed = records["write_and_crash 0"]
    assert "last words" in crashed.traceback and len(crashed.traceback) <= 2000
    assert capfd.readouterr() == ("", "")


def test_a_cell_finds_everything_as_the_first_did(run: Run, make_job: MakeJob) -> None:
    order = [make_job("expect_order"), make_job("turn_everything")]
    again = dataclasses.replace(
        order[0], key="again", cells=(PlannedCell(0, "default", "again", Seeds(1, 2, 3)),)
    )
    records = run(*order, again)
    assert {key: record.reason for key, record in records.items() if record.status != "ok"} == {}


def test_what_a_cell_draws_depends_on_its_seeds_alone(run: Run, make_job: MakeJob, tmp_path: Path) -> None:
    for _ in range(2):
        run(make_job("draw", 3, folder=str(tmp_path)), make_job("nothing"))
    drawn = [file.read_text(encoding="utf-8") for file in tmp_path.iterdir()]
    assert (len(drawn), len(set(drawn))) == (6, 3)


@pytest.mark.parametrize(("times", "status"), [(0, "ok"), (2, "ok"), (3, "crashed")])
def test_a_crash_is_tried_again(times: int, status: str, run: Run, make_job: MakeJob, tmp_path: Path) -> None:
    limits = Limits(retries=2)
    job = make_job("crash_at_first", limits=limits, times=times, folder=str(tmp_path))
    record = run(job)["crash_at_first 0"]
    assert record.status == status
    assert len(list(tmp_path.iterdir())) == min(times + 1, 3)
    if status == "crashed":
        assert record.reason == "the worker process ended with exit code 9, the last of 3 tries"


def test_workers_killed_at_random_cost_nothing(make_job: MakeJob) -> None:
    job = make_job("nap", 100, limits=Limits(retries=20))
    given: list[str] = []
    stop = threading.Event()
    generator = random.Random(0)

    def kill() -> None:
        while not stop.wait(generator.expovariate(1)):
            with contextlib.suppress(psutil.Error):
                workers = workers_of(psutil.Process())
                if workers:
                    generator.choice(workers).kill()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with Processes(Context(2, (), ())) as pool:
            for some in pool.run(iter([(job, {})])):
                given += [one.row.key for one in some if one.row.status == "ok"]
    finally:
        stop.set()
        killer.join()
    assert sorted(given) == sorted(cell.key for cell in job.cells)


def workers_of(driver: psutil.Process) -> list[psutil.Process]:
    """The workers of a driver, each the only child of its guard."""
    servers = [child for child in driver.children() if "forkserver" in "".join(child.cmdline())]
    return [worker for server in servers for guard in server.children() for worker in guard.children()]


DRIVER = """
import sys
sys.path.insert(0, {root!r})
import pickle
from benchmark.execute.engine import Context
from benchmark.execute.executors.processes import Processes

if __name__ == "__main__":
    job = pickle.load(open({job!r}, "rb"))
    with Processes(Context(2, (), ())) as workers:
        for some in workers.run(iter([(job, {{}})])):
            print([one.row.reason for one in some], flush=True)
"""


def test_nothing_is_left_of_a_driver_that_was_killed(
    make_job: MakeJob, marked: tuple[str, Living], tmp_path: Path
) -> None:
    mark, living = marked
    job = make_job("leave_children_and_hang", 2, mark=mark)
    (tmp_path / "job").write_bytes(pickle.dumps(job))
    script = tmp_path / "driver.py"
    script.write_text(DRIVER.format(root=str(Path(__file__).parents[3]), job=str(tmp_path / "job")))
    driver = subprocess.Popen([sys.executable, str(script)], env={**os.environ, "MARK": mark})
    until = time.monotonic() + 120
    while sum(" sleep 1000" in one for one in living()) < 10 and time.monotonic() < until:
        time.sleep(0.2)  # of each of two cells: two children and three daemons
        assert driver.poll() is None
    driver.kill()
    driver.wait()
    assert_gone(lambda: [one for one in living() if "multiprocessing" not in one], seconds=2)
    assert_gone(living, seconds=20)  # what forks workers takes its time to unload torch
