"""A worker away from its driver: it goes on when the driver dies, and keeps what it finished for the next."""

from __future__ import annotations

import dataclasses
import os
import platform
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from benchmark.catalog import open_catalog
from benchmark.errors import RequestError
from benchmark.execute.cell import Done, Outcome
from benchmark.execute.engine import Context
from benchmark.execute.executors.processes import Processes
from benchmark.plan.grid import Job
from benchmark.records.code import code_identity, harness_identity
from benchmark.records.provenance import library_versions, machine
from benchmark.spec import Component
from benchmark.targets import targets

__all__ = ["Outpost", "Report", "check_code", "installation", "located"]


@dataclass(frozen=True)
class Report:
    """What an outpost says when it is asked."""

    outcomes: tuple[Sequence[Outcome], ...]
    """What it finished and the driver has not confirmed; those that came together in one sequence."""
    count: int
    """How many sequences it has given in its life, these included: what the driver confirms with."""
    job: str
    """Key of the job it is at; empty when it waits for one."""
    error: Exception | None
    """What no component is to blame for; nothing comes after it."""


def installation() -> Mapping[str, str]:
    """What has to be the same on every node for records to be comparable, by the name to call it by."""
    return {
        "Python": platform.python_version(),
        "Swapbench's code": harness_identity()[:12],
    } | library_versions()


class Outpost:
    """One worker process with everything that guards it, and a memory of what the driver does not have yet.

    Its methods may be called from several threads.

    Parameters
    ----------
    context
        As the driver's, with one worker.
    folder
        Where the driver runs: relative paths start there, on nodes that have it.
    linger
        Seconds without a word of a driver after which ``end`` is called.
    end
        Ends the process that the outpost lives in.
    """

    def __init__(self, context: Context, folder: Path, linger: float, end: Callable[[], None]) -> None:
        self._context = context
        self._folder = folder
        self._given: SimpleQueue[tuple[Job, Done]] = SimpleQueue()
        self._changed = threading.Condition()
        self._kept: deque[Sequence[Outcome]] = deque()
        self._count = 0
        self._at: deque[str] = deque()
        self._error: Exception | None = None
        self._heard = time.monotonic()
        threading.Thread(target=self._work, daemon=True).start()
        threading.Thread(target=self._wait_for_drivers, args=(linger, end), daemon=True).start()

    def installation(self) -> tuple[str, Mapping[str, str]]:
        """The name of this node, and what is installed on it."""
        self._heard = time.monotonic()
        return platform.node(), installation()

    def give(self, job: Job, done: Done) -> None:
        """Work off a job after those that were given before."""
        with self._changed:
            self._heard = time.monotonic()
            self._at.append(job.key)
        self._given.put((job, done))

    def take(self, confirmed: int, patience: float = 5.0) -> Report:
        """What is finished, as soon as there is something; what was ``confirmed`` is forgotten.

        Parameters
        ----------
        confirmed
            The ``count`` of the last report whose outcomes are in the store; 0 at first.
        patience
            Seconds after which it answers without news.
        """
        with self._changed:
            self._heard = time.monotonic()
            for _ in range(confirmed - (self._count - len(self._kept))):
                self._kept.popleft()
            before = self._job()
            self._changed.wait_for(
                lambda: self._kept or self._error or (before and self._job() != before), patience
            )
            return Report(tuple(self._kept), self._count, self._job(), self._error)

    def _job(self) -> str:
        return self._at[0] if self._at else ""

    def _work(self) -> None:
        """Work off what is given, for as long as the process lives."""
        try:
            if self._folder.is_dir():
                os.chdir(self._folder)
            open_catalog([Path(folder) for folder in self._context.config_dirs])
            here = machine(self._context.device)
            with Processes(self._context) as pool:
                while True:
                    job, done = self._given.get()
                    for component in job.pipeline.components.values():
                        check_code(component)
                    for outcomes in filter(None, pool.run(iter([(job, done)]))):
                        with self._changed:
                            self._kept.append(located(outcomes, here))
                            self._count += 1
                            self._changed.notify_all()
                    with self._changed:
                        self._at.popleft()
                        self._changed.notify_all()
        except Exception as error:  # broken data or a broken harness: the driver raises it
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _wait_for_drivers(self, linger: float, end: Callable[[], None]) -> None:
        while (left := self._heard + linger - time.monotonic()) > 0:
            time.sleep(left)
        end()


def located(outcomes: Sequence[Outcome], here: Mapping[str, Any]) -> list[Outcome]:
    """The outcomes, each with the facts of the machine that it was computed on."""
    return [dataclasses.replace(outcome, machine=here) for outcome in outcomes]


def check_code(component: Component) -> None:
    """Refuse to run other code than the study was planned with: its records would go by the wrong keys."""
    try:
        code = code_identity(frozenset(targets(component.make)))
    except OSError:  # the file is not on this node
        code = ""
    if code != component.code:
        raise RequestError(
            f"{component.file}: the code of {component.slot} '{component.name}' is not what the study was "
            "planned with; put the same files on every node, and run it again"
        )
