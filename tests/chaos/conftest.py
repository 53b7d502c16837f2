"""Runs of a study full of trouble, as processes of their own that can be killed, and what they leave."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


class Chaos:
    """A folder in which studies run, every process of theirs marked."""

    def __init__(self, folder: Path, overrides: Sequence[str]) -> None:
        self.folder = folder
        places = [item.removeprefix("results_dir=") for item in overrides if item.startswith("results_dir=")]
        self.results = Path(places[0]) if places else folder / "results"
        self.overrides = [
            *("study=estimators", "name=chaos", "baselines=[calm]", "hosts=[linear]", "references=[]"),
            *("executor=processes", "workers=2", "protocol=quick", *overrides),
        ]
        self.mark = uuid.uuid4().hex
        (folder / "tmp").mkdir(parents=True)

    def start(self, *overrides: str, **environment: str) -> subprocess.Popen[str]:
        """``swapbench run`` in a session of its own."""
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmark", "run", "--config-dir", str(HERE)),
                *(*self.overrides, *overrides),
            ],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "FITS": str(self.folder / "fits"),
                "MARK": self.mark,
                "TMPDIR": str(self.folder / "tmp"),
                **environment,
            },
            start_new_session=True,
            # A shell that runs the tests in the background makes them ignore Ctrl-C: children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *overrides: str, **environment: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of a run that nobody disturbs."""
        process = self.start(*overrides, **environment)
        out, error = process.communicate(timeout=500)
        return process.returncode, out, error

    def kept(self) -> dict[str, str]:
        """The statuses of all records in the store, by key."""
        file = self.results / "store.sqlite"
        if not file.exists():
            return {}
        try:
            with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as store:
                return dict(store.execute("SELECT key, status FROM records").fetchall())
        except sqlite3.OperationalError:  # the tables are not there yet
            return {}

    def wait_for(self, process: subprocess.Popen[str], rows: int) -> bool:
        """Whether so many records are there before the run ends."""
        while len(self.kept()) < rows:
            if process.poll() is not None:
                return False
            time.sleep(0.02)
        return True

    def fits(self) -> Counter[str]:
        """How often each cell was begun."""
        return Counter((self.folder / "fits").read_text().splitlines())

    def verdict(self, study: str = "chaos") -> dict[str, Any]:
        """What verdict.json says outside ``volatile``."""
        found: dict[str, Any] = json.loads((self.results / study / "report" / "verdict.json").read_text())
        for comparison in found["comparisons"]:
            del comparison["volatile"]
        return found

    def living(self) -> list[str]:
        """The processes that a run has left, by a mark in their environment or arguments, after a while."""
        until = time.monotonic() + 60
        while (found := [str(process) for process in self._marked()]) and time.monotonic() < until:
            time.sleep(0.05)
        return found

    def leftovers(self) -> list[str]:
        """What is in the results folder and is neither the store nor a study's."""
        known = {"store.sqlite", "predictions.sqlite"}
        beside = [path.name for path in self.results.iterdir() if path.is_file() and path.name not in known]
        below = {
            str(path.relative_to(self.results))
            for folder in self.results.iterdir()
            if folder.is_dir()
            for path in folder.iterdir()
            if path.name not in ("study.lock", "suspects.json", "report")
        }
        return sorted([*beside, *below])

    def end(self) -> None:
        """Kill whatever is left."""
        for process in self._marked():
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _marked(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                marked = process.environ().get("MARK") == self.mark or self.mark in process.cmdline()
                if marked and process.status() != psutil.STATUS_ZOMBIE:
                    yield process


@pytest.fixture
def chaos(tmp_path: Path) -> Iterator[Callable[..., Chaos]]:
    """Makes folders for studies with overrides; whatever runs in them at the end is killed."""
    made: list[Chaos] = []

    def make(name: str, *overrides: str) -> Chaos:
        made.append(Chaos(tmp_path / name, overrides))
        return made[-1]

    yield make
    for one in made:
        one.end()
