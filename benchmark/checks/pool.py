"""Checks on their way through guarded workers: one that ends its worker is a finding like any other."""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from benchmark.catalog import Catalog, open_catalog
from benchmark.checks.check import Check
from benchmark.checks.source import line_of
from benchmark.config import trust
from benchmark.execute.limits import FitTimeout, pin_threads, time_limit, warm_up, watched
from benchmark.execute.workers.channel import get, put
from benchmark.execute.workers.descent import anonymous_memory
from benchmark.execute.workers.guard import Guarded, start
from benchmark.execute.workers.surroundings import Surroundings, redirect
from benchmark.execute.workers.watch import Board, Death
from benchmark.findings import Finding
from benchmark.spec import Component

__all__ = ["CHECK_SECONDS", "ENDED", "ENOUGH_SECONDS", "HUNG", "Gather", "Pool", "Request", "work"]

ENDED, HUNG = "ends_the_process", "does_not_return"
"""The findings that no rule makes itself."""
CHECK_SECONDS = 30.0
"""What a check that is not slow may take; longer is no return."""
ENOUGH_SECONDS = 3.0
"""What a check that is not slow needs at most: one that had as much and did not end does not return."""
_MIB = 2**20

Gather = Callable[[Component, Catalog], Sequence[Check]]
"""What gives the checks of a component."""


@dataclass(frozen=True)
class Request:
    """What a worker is told once."""

    component: Component
    config_dirs: tuple[str, ...]
    trusted: tuple[str, ...]
    memory_mb: float
    gather: Gather

    def checks(self) -> dict[str, Check]:
        """By name, the same in every process."""
        trust(self.trusted)
        catalog = open_catalog([Path(folder) for folder in self.config_dirs])
        return {check.name: check for check in self.gather(self.component, catalog)}


@dataclass(frozen=True)
class _Order:
    """A check that a worker is to run."""

    name: str
    seconds: float
    """What it may take."""


@dataclass(frozen=True)
class _Report:
    """What became of an order."""

    found: Finding | None = None
    late: bool = False
    """It took too long."""
    worn: bool = False
    """The worker is done for: who knows in the midst of what it was interrupted, or what was left behind."""


def work(channel: socket.socket, board: Board, said: int, request: Request) -> None:
    """Run the checks that a driver orders until it is gone, or this worker is worn.

    The guard alone limits memory: it counts what is used, of all descendants, and not what is asked for.
    """
    redirect(said)
    pin_threads()
    warm_up()
    checks = request.checks()
    watched(board)
    board.ceiling = anonymous_memory(os.getpid()) + request.memory_mb * _MIB
    surroundings = Surroundings(said)
    put(channel, None)
    while True:
        try:
            order: _Order = get(channel)
        except EOFError:
            return
        os.ftruncate(said, 0)
        try:
            with time_limit(order.seconds, "{:g} s"):
                found = checks[order.name].finding()
        except FitTimeout:
            report = _Report(late=True, worn=True)
        else:
            report = _Report(found, worn=surroundings.restore())
        put(channel, report)
        if report.worn:
            return


@dataclass(eq=False)
class _Worker:
    """A worker process, and what it is at."""

    guarded: Guarded
    ready: bool = False
    order: _Order | None = None


class Pool:
    """Checks on their way through workers, which are replaced when they are worn or dead."""

    def __init__(self, request: Request, checks: Sequence[Check], seconds: float) -> None:
        self.found: dict[str, Finding] = {}
        """By the name of the check."""
        self.skipped: set[str] = set()
        self._request, self._seconds = request, seconds
        self._checks = {check.name: check for check in checks}
        self._waiting = deque(checks)
        self._deadline: float | None = None
        """Known once a worker is ready: to begin costs no check its time."""
        self._workers: list[_Worker] = []
        self._leaving: list[Guarded] = []

    def run(self, processes: int) -> None:
        """Until every check has run or was skipped.

        Raises
        ------
        RuntimeError
            When a worker dies before it can run any.
        """
        try:
            while self._waiting or any(worker.order for worker in self._workers):
                while len(self._workers) < min(processes, len(self._checks)) and self._waiting:
                    self._workers.append(_Worker(start(work, self._request)))
                wait([end for worker in self._workers for end in _open_ends(worker.guarded)])
                for worker in list(self._workers):
                    self._listen(worker)
                for worker in self._workers:
                    if worker.ready and worker.order is None:
                        self._give(worker)
        finally:
            for guarded in (*self._leaving, *(worker.guarded for worker in self._workers)):
                guarded.end()
            for guarded in (*self._leaving, *(worker.guarded for worker in self._workers)):
                guarded.wait()

    def _give(self, worker: _Worker) -> None:
        """Have it run the next check that there is time for."""
        assert self._deadline is not None
        while self._waiting:
            check, left = self._waiting.popleft(), self._deadline - time.monotonic()
            if left > 0:
                worker.order = _Order(check.name, left if check.slow else min(left, CHECK_SECONDS))
                worker.guarded.channel.send(worker.order)
                return
            self.skipped.add(check.name)

    def _listen(self, worker: _Worker) -> None:
        """Note what a worker and its guard have said; whatever the dead said before is among it."""
        channel, line = worker.guarded.channel, worker.guarded.line
        deaths: list[Death] = line.receive()
        if line.closed and not deaths:
            deaths = [Death("crashed", "the worker's guard was killed", False, "", "")]
        for report in channel.receive():
            if isinstance(report, _Report):
                self._settle(worker, report)
            else:
                worker.ready = True
                self._deadline = self._deadline or time.monotonic() + self._seconds
        if deaths and worker in self._workers:
            self._bury(worker, deaths[0])

    def _settle(self, worker: _Worker, report: _Report) -> None:
        order, worker.order = worker.order, None
        if order is not None and report.late:
            self._too_long(order)
        elif order is not None and report.found is not None:
            self.found[order.name] = report.found
        if report.worn:
            self._dismiss(worker)

    def _bury(self, worker: _Worker, death: Death) -> None:
        self._dismiss(worker)
        if not worker.ready:
            raise RuntimeError(f"{death.reason} before its first check\n{death.said}")
        if worker.order is None:
            return
        if death.status == "timeout":
            self._too_long(worker.order)
            return
        seen, words = f"{death.reason} in {worker.order.name}", death.said.splitlines()[-1:]
        if death.status == "out_of_memory" and death.final:
            seen = f"used more than {self._request.memory_mb:.0f} MiB of memory in {worker.order.name}"
        self._lose(worker.order, ENDED, "; it said last: ".join([seen, *words]))

    def _dismiss(self, worker: _Worker) -> None:
        """End it, with whatever it has started."""
        self._workers.remove(worker)
        self._leaving.append(worker.guarded)
        worker.guarded.end()

    def _too_long(self, order: _Order) -> None:
        """A slow check that the time did not suffice for is skipped; another did not come back."""
        if self._checks[order.name].slow or order.seconds < min(ENOUGH_SECONDS, CHECK_SECONDS):
            self.skipped.add(order.name)
        else:
            self._lose(order, HUNG, f"no end within {order.seconds:.3g} s in {order.name}")

    def _lose(self, order: _Order, name: str, seen: str) -> None:
        check = self._checks[order.name]
        who = f"{check.component.slot} {check.component.name}"
        why = "In a study every such fit is lost, with all that its worker had done of it."
        self.found[order.name] = Finding(
            name, "error", who, seen, why, line_of(check.component, check.rule.look)
        )


def _open_ends(guarded: Guarded) -> list[Any]:
    """Those of a worker and of its guard, from which something may come."""
    return [end for end in (guarded.channel, guarded.line) if not end.closed]
