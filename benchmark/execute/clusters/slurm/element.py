"""What one element of a job array does on its node: takes jobs from the spool until there are none left.

It needs its driver for nothing but new jobs, so it goes on when the driver dies. One that was queued again
(its time was up, its node was wanted) puts back the jobs it was at when it starts once more; whoever takes
them finds in the spool what is done of them.
"""

from __future__ import annotations

import os
import pickle
import platform
import signal
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from benchmark.catalog import open_catalog
from benchmark.errors import RequestError
from benchmark.execute.cell import Done, Outcome, failed, ready, unfinished
from benchmark.execute.clusters.outpost import check_code, installation, located
from benchmark.execute.clusters.slurm.spool import Assignment, Complaint, Spool, Ticket
from benchmark.execute.engine import Context
from benchmark.execute.executors.processes import Processes
from benchmark.plan.grid import Job
from benchmark.records.provenance import machine

__all__ = ["Element", "terms"]

_IDLE_SECONDS = 60.0
"""How long an element waits for jobs before it ends."""
_LOOK_SECONDS = 0.5


def terms(context: Context) -> bytes:
    """What a driver tells its elements once: the context of their workers, and what must be installed.

    The same bytes for another driver that tells the same.
    """
    return pickle.dumps((replace(context, asked_at=0.0), dict(installation())))


@dataclass(frozen=True)
class Element:
    """All that submitit pickles: the folder of a spool."""

    folder: str

    def __call__(self) -> None:
        """Work until there is nothing left to do."""
        import submitit

        spool, name = Spool(Path(self.folder)), str(submitit.JobEnvironment().job_id)
        signal.signal(signal.SIGTERM, _end)
        try:
            spool.put_back(name, spool.taken().get(name, []))  # from its life before it was queued again
            context, installed = pickle.loads(spool.terms)
            _compare(installed)
            open_catalog([Path(folder) for folder in context.config_dirs])
            _Shift(spool, name, context).work()
        except Exception as error:  # broken data or a broken harness: the driver raises it
            is_request = isinstance(error, RequestError)
            text = str(error) if is_request else "".join(traceback.format_exception(error))
            spool.complain(name, Complaint(platform.node(), is_request, text))

    def checkpoint(self) -> Any:
        """The same once more, for submitit to queue again when the time is up: everything is in the spool."""
        import submitit

        return submitit.helpers.DelayedSubmission(self)


class _Shift:
    """One life of an element."""

    def __init__(self, spool: Spool, name: str, context: Context) -> None:
        self._spool = spool
        self._name = name
        self._context = context
        self._machine = machine(context.device)
        self._tickets: dict[str, Ticket] = {}
        self._count = 0
        self._suspect: Assignment | None = None

    def work(self) -> None:
        """Take jobs and work them off, until there are none for a while."""
        since = time.monotonic()
        with Processes(self._context) as pool:
            while not self._spool.is_closed and time.monotonic() - since < _IDLE_SECONDS:
                before = self._count
                for outcomes in pool.run(self._assignments()):
                    self._give(outcomes)
                if self._suspect is not None:
                    self._alone(self._suspect)
                    self._suspect = None
                if self._count > before:
                    since = time.monotonic()
                else:
                    time.sleep(_LOOK_SECONDS)

    def _assignments(self) -> Iterator[tuple[Job, Done]]:
        """Jobs that were never lost, as long as there are any; the first other one is set aside."""
        while self._suspect is None and (taken := self._spool.take(self._name)) is not None:
            for component in taken.job.pipeline.components.values():
                check_code(component)
            for key in unfinished(taken.job, taken.done):
                self._tickets[key] = taken.ticket
            if taken.ticket.losses < max(1, taken.job.protocol.limits.retries):
                yield taken.job, taken.done
            else:
                self._suspect = taken

    def _alone(self, taken: Assignment) -> None:
        """Work off a job one unit after the other, so that it is known which one an element is lost with."""
        job, done = taken.job, dict(taken.done)
        if taken.ticket.losses > job.protocol.limits.retries:
            left = unfinished(job, done)
            times = "1 time" if taken.ticket.losses == 1 else f"{taken.ticket.losses} times"
            reason = f"its node was lost while it was at this, {times}"
            group = [key for key in ready(job, done)[0] if key in left]
            outcomes = [failed(job, key, done, "crashed", reason) for key in group]
            done |= {outcome.row.key: outcome.row for outcome in outcomes}
            self._give(outcomes)
        with Processes(replace(self._context, workers=1)) as pool:
            for some in pool.run(iter([(job, done)])):
                self._give(some)

    def _give(self, outcomes: Sequence[Outcome]) -> None:
        """Into the spool with what came together: a file for each job it belongs to."""
        of: dict[Ticket, list[Outcome]] = {}
        for outcome in located(outcomes, self._machine):
            of.setdefault(self._tickets.pop(outcome.row.key), []).append(outcome)
        for ticket, some in of.items():
            self._spool.put(ticket, self._name, self._count, some)
            self._count += 1


def _end(*_: object) -> NoReturn:
    """End at once: who cancels or preempts ends the workers too, and no component is to blame for that."""
    os._exit(128 + signal.SIGTERM)


def _compare(installed: dict[str, str]) -> None:
    """Check that this node has what the driver has: other versions, other bits."""
    here = installation()
    for name, version in installed.items():
        if here.get(name) != version:
            raise RequestError(
                f"{name} is {here.get(name, 'missing')} there, but {version} where the run began"
            )
