"""A disk that fills up: one line that says so, nothing lost, and the same command goes on."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.all,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0, reason="only root can mount a small disk"
    ),
]

STUDY = (
    *("candidates=[calm_deeper]", "protocol.aa=1", "protocol.seeds=4", "protocol.tuning.trials=1"),
    *("tasks=[iris,wine,engel,modechoice,star98]", "protocol.splits.folds=3"),
)
Resize = Callable[[int], None]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[Path, Resize]]:
    """A disk, and what gives it another size in KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "none", folder], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")

    def resize(kib: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={kib}k", folder], check=True)

    yield folder, resize
    subprocess.run(["umount", "-l", folder], check=True)


def intact(results: Path) -> dict[str, str]:
    """Every record with its status, of a store that is sound and has the predictions of what went well."""
    with contextlib.closing(sqlite3.connect(results / "store.sqlite")) as store:
        store.execute("ATTACH ? AS beside", (str(results / "predictions.sqlite"),))
        assert store.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert store.execute("PRAGMA beside.integrity_check").fetchall() == [("ok",)]
        masters = "SELECT name FROM sqlite_master UNION SELECT name FROM beside.sqlite_master"
        if not {("records",), ("predictions",)} <= set(store.execute(masters)):
            return {}  # there was no room even for tables
        found = dict(store.execute("SELECT key, status FROM records").fetchall())
        predicted = {key for (key,) in store.execute("SELECT key FROM beside.predictions")}
    assert {key for key, status in found.items() if status == "ok"} <= predicted
    return found


def test_a_full_disk_stops_a_run_and_room_lets_it_go_on(
    chaos: Callable[..., Any], disk: tuple[Path, Resize]
) -> None:
    calm = chaos("calm", *STUDY)
    code, out, error = calm.run()
    assert code == 0, out + error
    folder, resize = disk
    run = chaos("run", *STUDY, f"results_dir={folder}")
    kib, kept = 200, [dict[str, str]()]
    while not enough(run, folder, resize, kib):
        kept.append(intact(folder))
        assert kept[-2].items() <= kept[-1].items()
        kib *= 2
    assert any(0 < len(rows) < len(intact(folder)) for rows in kept)  # it was full while cells were kept
    assert intact(folder) == intact(calm.results)
    assert run.verdict() == calm.verdict()
    assert not enough(run, folder, resize, in_kib(folder) + 100)  # while the report is written
    assert run.verdict() == calm.verdict()
    assert run.run()[0] == 0
    assert run.leftovers() == []


def in_kib(folder: Path) -> int:
    """What is used of a small disk."""
    return int(subprocess.run(["du", "-sk", folder], check=True, capture_output=True).stdout.split()[0])


def enough(run: Any, folder: Path, resize: Resize, kib: int) -> bool:
    """Whether a disk of this size was large enough; if not, the run has said so in one line."""
    resize(kib)
    code, out, error = run.run()
    resize(1_000_000)  # the last who looks at a store writes
    if code == 0:
        return True
    said = [line for line in error.splitlines() if line.startswith("swapbench:")]
    assert code == 2, out + error
    assert len(said) == 1 and str(folder) in said[0] and "no space left" in said[0], error
    assert "Traceback" not in error
    return False


def test_a_cache_without_room_costs_time_alone(chaos: Callable[..., Any], disk: tuple[Path, Resize]) -> None:
    folder, resize = disk
    resize(16)
    run = chaos("run", *STUDY)
    code, out, error = run.run(SWAPBENCH_CACHE=str(folder))
    assert code == 0, out + error
    assert f"{folder} cannot be written (No space left on device)" in error
    assert set(run.kept().values()) == {"ok"}


def test_a_disk_that_may_only_be_read_is_one_line(
    chaos: Callable[..., Any], disk: tuple[Path, Resize]
) -> None:
    folder, _ = disk
    run = chaos("run", *STUDY, f"results_dir={folder / 'results'}")
    (folder / "results").mkdir()
    for begun in (False, True):
        if begun:
            assert run.run("protocol.seeds=1")[0] == 0
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        code, out, error = run.run("protocol.seeds=1")
        assert code == 2, out + error
        assert error.startswith("swapbench:") and str(folder / "results") in error
        assert error.count("\n") == 1, error
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)


def test_a_store_that_vanishes_is_one_line(chaos: Callable[..., Any]) -> None:
    run = chaos("run", *STUDY, "baselines=[calm_slow]")
    process = run.start()
    assert run.wait_for(process, 10)
    run.results.rename(run.folder / "gone")
    out, error = process.communicate(timeout=500)
    assert process.returncode in (1, 2), out + error
    said = [line for line in error.splitlines() if line.startswith("swapbench:")]
    assert len(said) == 1 and "results" in said[0] and "Traceback" not in error, error
    assert run.living() == []
