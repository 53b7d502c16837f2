"""A run that is killed or interrupted loses nothing, and the same command goes on."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

STUDY = ("candidates=[radam]", "name=a", "workers=2")


def start(lab: Any, *overrides: str) -> subprocess.Popen[str]:
    """The run as a process group of its own."""
    command = [sys.executable, "-m", "benchmark", "run", *lab.tiny, *STUDY, *overrides]
    return subprocess.Popen(
        command,
        cwd=lab.folder,
        start_new_session=True,
        # A shell that runs the tests in the background makes them ignore Ctrl-C, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kept(folder: Path) -> dict[str, float]:
    """Every record and trial in the store, with the seconds its fit took."""
    file = folder / "results" / "store.sqlite"
    if not file.exists():
        return {}
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)
    try:
        found: dict[str, float] = {}
        for table in ("records", "trials"):
            found.update(connection.execute(f"SELECT key, fit_seconds FROM {table}").fetchall())
        return found
    except sqlite3.OperationalError:  # the tables are not there yet
        return {}
    finally:
        connection.close()


def wait_for(lab: Any, process: subprocess.Popen[str], rows: int) -> None:
    deadline = time.monotonic() + 120
    while len(kept(lab.folder)) < rows:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def descendants(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


@pytest.mark.parametrize("rows", [pytest.param(3, marks=pytest.mark.all), 40])
def test_kill_9_of_the_process_group_loses_no_completed_cell(
    lab: Any, rows: int, capsys: pytest.CaptureFixture[str]
) -> None:
    process = start(lab)
    wait_for(lab, process, rows)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    before = kept(lab.folder)
    assert len(before) >= rows

    assert lab("run", *STUDY) == 0
    rest = int(capsys.readouterr().out.split(" fits in ")[0].split()[-1])
    after = kept(lab.folder)
    # Seconds are never the same twice: an equal number is the row that was there before.
    assert {key: after[key] for key in before} == before
    assert rest == len(after) - len(before)
    assert lab("run", *STUDY, "results_dir=calm") == 0
    pd.testing.assert_frame_equal(lab.records("a"), lab.records("a", "calm"), check_exact=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_stop_does_so_in_order(lab: Any, number: signal.Signals) -> None:
    process = start(lab)
    wait_for(lab, process, 5)
    workers = descendants(process)
    if number is signal.SIGINT:  # Ctrl-C reaches every process of a terminal
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 1, out + error
    assert "interrupted:" in out and "the same command goes on" in out
    assert "Traceback" not in error
    assert not psutil.wait_procs(workers, timeout=10)[1]
    assert not (lab.folder / "results" / "a" / "report").exists()


def test_two_drivers_share_a_study_and_run_nothing_twice(lab: Any) -> None:
    few = ("tasks=[iris,engel]", "workers=1")
    drivers = [start(lab, *few) for _ in range(2)]
    said = [driver.communicate(timeout=240) for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0, 0], said
    executed = [int(count) for out, _ in said for count in re.findall(r"(\d+) fits in ", out)]
    assert sum(executed) == len(kept(lab.folder))
    assert not list((lab.folder / "results" / "drivers").iterdir())
    assert lab("run", *STUDY, *few, "results_dir=calm") == 0
    pd.testing.assert_frame_equal(lab.records("a"), lab.records("a", "calm"), check_exact=True)


@pytest.mark.all
def test_kill_9_between_the_blocks_of_a_study_that_may_stop_early(lab: Any) -> None:
    stop = (
        "protocol.stop=sequential",
        "protocol.sequence=normal",
        "protocol.level=0.7",
        "tasks=[iris,wine,engel,modechoice,star98,anes96]",
    )
    whole = ("results_dir=calm", *stop)
    assert lab("run", *STUDY, *whole) == 0
    process = start(lab, *stop)
    wait_for(lab, process, 140)  # of 180: the floor is there (132), and a part of the first block
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert lab("run", *STUDY, *stop) == 0
    assert lab.verdict("a") == lab.verdict("a", "calm")
    pd.testing.assert_frame_equal(lab.records("a"), lab.records("a", "calm"), check_exact=True)
