"""Worker processes on this machine, each with one thread and a guard; one that dies costs one unit of work.

Data that cannot be read and a broken harness are no component's doing: they stop the run, as in serial.
"""

from __future__ import annotations

import math
import os
import selectors
import signal
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field

from benchmark.execute.cell import Done, Group, Outcome
from benchmark.execute.engine import HEARTBEAT_SECONDS, Context
from benchmark.execute.workers.guard import Guarded, start
from benchmark.execute.workers.schedule import OpenJob, Schedule
from benchmark.execute.workers.watch import Death
from benchmark.execute.workers.worker import SLICE_SECONDS, Assignment, Ready, Report, work
from benchmark.plan.grid import Job

__all__ = ["Processes"]

_JOBS_KEPT = 4
"""How many jobs a worker remembers, the latest ones."""
_EARLY_DEATHS = 8
"""After how many deaths in a row that no group is to blame for the run is given up."""


@dataclass(eq=False)
class _Worker:
    """A worker process, and what it was assigned."""

    number: int
    guarded: Guarded
    pid: int | None = None
    """Known once it is ready."""
    assigned: deque[tuple[OpenJob, tuple[Group, ...]]] = field(default_factory=deque)
    """What it has not reported on, in order."""
    at: str = ""
    """Key of the job that it is at."""
    quick: bool = False
    """Its last report came so soon that it should find its next assignment waiting."""
    knows: dict[str, set[str]] = field(default_factory=dict)
    """The jobs that it remembers, with the keys of the rows that it has of each."""
    forgotten: list[str] = field(default_factory=list)
    """Jobs that it is to be told to forget."""

    def wants(self, depth: int) -> bool:
        """Whether it should have that many assignments and has fewer."""
        return self.pid is not None and len(self.assigned) < (depth if self.quick else 1)

    def assign(self, found: OpenJob, groups: tuple[Group, ...]) -> None:
        """Send it groups to run, with what it does not know yet of their job."""
        key = found.job.key
        job = None if key in self.knows else found.job
        if job is not None and len(self.knows) >= _JOBS_KEPT:
            self.forget(next(iter(self.knows)))
        known = self.knows.setdefault(key, set())
        rows = {name: row for name, row in found.done.items() if name not in known}
        known.update(rows)
        self.at = key
        self.assigned.append((found, groups))
        self.guarded.channel.send(Assignment(key, job, rows, groups, tuple(self.forgotten)))
        self.forgotten.clear()

    def forget(self, key: str) -> None:
        """Have it forget a job, when it is told the next time."""
        del self.knows[key]
        self.forgotten.append(key)


class Processes(AbstractContextManager["Processes"]):
    """Worker processes of this machine; they are started when there is something for them to do.

    Raises whatever a worker met that no component is to blame for.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._selector = selectors.DefaultSelector()
        self._workers: list[_Worker] = []
        self._leaving: list[Guarded] = []
        self._early_deaths = 0

    def __exit__(self, *_: object) -> None:
        """End every worker with everything that descends from it."""
        for worker in list(self._workers):
            self._dismiss(worker)
        for guarded in self._leaving:
            guarded.end()  # once more, where an interrupt came between
            guarded.wait()
        self._selector.close()

    def run(self, jobs: Iterator[tuple[Job, Done]]) -> Iterator[Sequence[Outcome]]:
        """As :class:`~benchmark.execute.engine.Executor` says."""
        schedule = Schedule(jobs, SLICE_SECONDS)
        outcomes: list[Outcome] = []
        error: Exception | None = None
        for worker in self._workers:  # rows of another run are not this one's
            for key in list(worker.knows):
                worker.forget(key)
        try:
            while self._give_out(schedule):
                yield outcomes
                outcomes, error = self._collect(schedule)
                if error is not None:
                    break
            if outcomes:
                yield outcomes
            if error is not None:
                raise error
        finally:
            for worker in [worker for worker in self._workers if worker.assigned]:
                self._dismiss(worker)  # nobody waits for what it does

    def _give_out(self, schedule: Schedule) -> bool:
        """Give every worker something to do; whether there is anything to wait for."""
        for depth in (1, 2):
            for worker in self._workers:
                if worker.wants(depth) and (taken := schedule.take(worker.at)) is not None:
                    worker.assign(*taken)
        starting, asked_at = sum(worker.pid is None for worker in self._workers), time.time()
        while len(self._workers) < self._context.workers and schedule.has_free(starting + 1):
            self._start(asked_at)
            starting += 1
        return any(worker.assigned for worker in self._workers) or not schedule.is_finished()

    def _start(self, asked_at: float) -> None:
        self._leaving = [guarded for guarded in self._leaving if not guarded.is_gone()]
        number = min(set(range(self._context.workers)) - {worker.number for worker in self._workers})
        guarded = start(work, self._context.of_worker(number, asked_at))
        worker = _Worker(number, guarded)
        self._workers.append(worker)
        for end in (guarded.channel, guarded.line):
            self._selector.register(end, selectors.EVENT_READ, worker)

    def _dismiss(self, worker: _Worker) -> None:
        """End a worker, whatever it is at."""
        self._leaving.append(worker.guarded)
        self._workers.remove(worker)
        for end in (worker.guarded.channel, worker.guarded.line):
            if end.fileno() in self._selector.get_map():
                self._selector.unregister(end)
        worker.guarded.end()

    def _collect(self, schedule: Schedule) -> tuple[list[Outcome], Exception | None]:
        """Wait a while for something to come; the outcomes in it, and an error that is no component's."""
        for worker in self._workers:
            channel = worker.guarded.channel
            if channel.fileno() in self._selector.get_map():
                writing = selectors.EVENT_WRITE if channel.waits_to_send else 0
                self._selector.modify(channel, selectors.EVENT_READ | writing, worker)
        outcomes: list[Outcome] = []
        error: Exception | None = None
        woken: list[_Worker] = [key.data for key, _ in self._selector.select(HEARTBEAT_SECONDS)]
        for worker in dict.fromkeys(woken):
            reports, death = self._listen(worker)
            for report in reports:
                error = error or report.error
                outcomes += self._settle(worker, report, schedule)
            if any(report.worn for report in reports):  # it has ended, or will when nobody listens to it
                self._release(worker, schedule)
                self._dismiss(worker)
            elif death is not None:
                outcomes += self._bury(worker, death, schedule)
        return outcomes, error

    def _listen(self, worker: _Worker) -> tuple[list[Report], Death | None]:
        """What a worker and its guard have said; whatever the dead said before is among it."""
        channel, line = worker.guarded.channel, worker.guarded.line
        deaths: list[Death] = line.receive()
        channel.flush()
        reports = []
        for message in channel.receive():
            if isinstance(message, Ready):
                worker.pid = message.pid
            else:
                reports.append(message)
        if channel.closed and channel.fileno() in self._selector.get_map():
            self._selector.unregister(channel)  # its guard will say why
        if line.closed and not deaths:
            if worker.pid is not None:
                with suppress(ProcessLookupError):
                    os.killpg(worker.pid, signal.SIGKILL)  # there is nobody else to do it
            deaths = [Death("crashed", "the worker's guard was killed", False, "", "")]
        return reports, deaths[0] if deaths else None

    def _settle(self, worker: _Worker, report: Report, schedule: Schedule) -> tuple[Outcome, ...]:
        """Note what a worker has done; the outcomes."""
        if worker.assigned:
            found, groups = worker.assigned.popleft()
            worker.knows.get(found.job.key, set()).update(outcome.row.key for outcome in report.outcomes)
            worker.quick = report.seconds < SLICE_SECONDS / 2
            schedule.enter(found, groups, report.outcomes, report.seconds / max(1, report.groups))
            self._early_deaths = 0
        return report.outcomes

    def _bury(self, worker: _Worker, death: Death, schedule: Schedule) -> tuple[Outcome, ...]:
        """Outcomes of the group that a dead worker was at, unless it is to be tried again.

        Raises
        ------
        RuntimeError
            When one worker after the other dies, and no group is to blame.
        """
        self._dismiss(worker)
        was_idle = worker.pid is not None and not worker.assigned
        assigned = [(found, group) for found, groups in worker.assigned for group in groups]
        suspects = assigned if not death.group and len(assigned) == 1 else []
        blamed = [pair for pair in assigned if pair[1][0] == death.group] or suspects
        self._release(worker, schedule)
        if blamed:
            return schedule.bury(*blamed[0], death)
        for found, _ in assigned:
            found.seconds = math.inf  # one group at a time, until it is clear which it was
        if not was_idle:
            self._early_deaths += 1
            if self._early_deaths >= _EARLY_DEATHS:
                raise RuntimeError(f"{_EARLY_DEATHS} workers died in a row: {death.reason}\n{death.said}")
        return ()

    def _release(self, worker: _Worker, schedule: Schedule) -> None:
        """Leave to others what a worker will not do any more."""
        for found, groups in worker.assigned:
            schedule.give_back(found, groups)
        worker.assigned.clear()
