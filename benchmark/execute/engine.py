"""Executes what is missing of a plan and keeps every outcome at once, so that a run can always go on."""

from __future__ import annotations

import importlib
import itertools
import json
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from tqdm import tqdm

from benchmark.catalog import open_catalog
from benchmark.config import trust
from benchmark.execute.cell import Done, Outcome, unfinished
from benchmark.execute.devices import clock, take_gpu
from benchmark.execute.limits import pin_threads, warm_up
from benchmark.execute.peak import machine_peak
from benchmark.execute.profile import Profile, begin, book_steps, phase, take
from benchmark.plan.grid import Job, Plan
from benchmark.records.provenance import facts_digest
from benchmark.records.store import Store

__all__ = [
    "EXECUTORS",
    "HEARTBEAT_SECONDS",
    "Context",
    "Executor",
    "Progress",
    "execute",
    "missing_jobs",
]

EXECUTORS: Mapping[str, str] = {
    "processes": "benchmark.execute.executors.processes:Processes",
    "ray": "benchmark.execute.executors.ray:Ray",
    "serial": "benchmark.execute.executors.serial:Serial",
    "slurm": "benchmark.execute.executors.slurm:Slurm",
}

_CLAIMED_AT_ONCE = 8
"""Jobs per worker that are leased in one transaction: few enough to leave some to another driver."""
HEARTBEAT_SECONDS = 1.0
"""How long an executor that waits may leave the engine without a word."""
_LOOK_AGAIN_SECONDS = (0.5, 8.0)
"""How long to wait before looking again at what another driver is computing, at first and at most: each look
reads every key of the store."""


@dataclass(frozen=True)
class Context:
    """What every worker must be told once."""

    workers: int
    config_dirs: tuple[str, ...]
    trust: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    """The executor's own settings."""
    folder: Path = Path("results")
    """Where the store is; what an executor has to keep there lives in a folder of its own below it."""
    device: str = "cpu"
    """Where networks train: ``cpu`` or ``cuda``."""
    profile: bool = False
    """Whether outcomes say what their worker spent its time on."""
    number: int = 0
    """Which of the workers of its machine a worker is."""
    asked_at: float = field(default_factory=time.time)
    """When the worker was asked for, in seconds since the epoch."""

    def of_worker(self, number: int, asked_at: float) -> Context:
        """What one worker is told; one that takes another's place gets its number."""
        return replace(self, number=number, asked_at=asked_at)

    def prepare(self) -> None:
        """Pin threads, make the components of the given folders importable, take a GPU, and warm up.

        Raises
        ------
        RequestError
            When there is no GPU for ``device=cuda``.
        """
        begin(self.asked_at, reporting=self.profile)
        with phase("start"):
            pin_threads()
            open_catalog([Path(folder) for folder in self.config_dirs])
            trust(self.trust)
            if self.device == "cuda":
                take_gpu(self.number, self.workers)
            warm_up(self.device)
            if self.profile:
                waits = self.device == "cuda"
                book_steps(machine_peak(self.device), partial(clock, self.device) if waits else None)


class Executor(AbstractContextManager["Executor"], Protocol):
    """Turns jobs, each with what is done of it, into outcomes; its workers live until it is left."""

    def run(self, jobs: Iterator[tuple[Job, Done]]) -> Iterator[Sequence[Outcome]]:
        """Outcomes of the unfinished units of all jobs; those that came together are kept together.

        A job is pulled when there is a worker for it, since whatever is pulled is leased to this driver. The
        order of outcomes is free, but when this ends every one has been given. It may be called again.

        Those that come together are of one machine. Where nothing has come for :data:`HEARTBEAT_SECONDS` an
        empty sequence says so, at any time more often: it is the engine's chance to stop, by closing this
        iterator, and whatever runs at that moment is ended. An executor that computes in its own process
        (``serial``) gives a sign of life only between two fits.
        """
        ...


@dataclass(frozen=True)
class Progress:
    """How a run went."""

    executed: int
    """Trials and cells that this run computed."""
    seconds: float
    stopped: str = ""
    """Why it stopped before the end: ``interrupted``, ``budget``, or empty."""
    left: int = 0
    """Trials and cells that are still to be computed; in a study that may stop early, at most."""
    profile: Profile | None = None
    """Where the time went; None where nobody asked."""


def missing_jobs(plan: Plan, store: Store) -> list[tuple[Job, Done]]:
    """Every job of the plan that has something left to do, with the rows that it has already."""
    with phase("store"):
        kept = store.record_keys()
        jobs = [job for job in plan.jobs() if any(cell.key not in kept for cell in job.cells)]
        known: dict[str, Any] = {
            **store.trials(trial.key for job in jobs for trial in job.trials),
            **store.records(cell.key for job in jobs for cell in job.cells if cell.key in kept),
        }
    keys = {job.key: [*(t.key for t in job.trials), *(c.key for c in job.cells)] for job in jobs}
    return [(job, {key: known[key] for key in keys[job.key] if key in known}) for job in jobs]


def execute(
    plans: Iterable[Plan],
    store: Store,
    *,
    executor: str,
    context: Context,
    known: Mapping[str, Any],
    cost: Callable[[Job], float],
    finished: Iterable[Sequence[Outcome]] = (),
    budget_seconds: float | None = None,
    quiet: bool = False,
) -> Progress:
    """Run every missing unit of each plan in turn, the costliest jobs first; keep each outcome when it comes.

    What another driver of the same store is computing is waited for, and never computed twice.

    Parameters
    ----------
    plans
        Parts of a study: the next is asked for when everything before is in the store.
    known
        The facts of this machine and installation; every new record carries their digest, with what its
        outcome says of the machine it was computed on.
    cost
        Estimated seconds of a job; it only decides the order.
    finished
        What was computed before and is not in the store yet; it is kept first.
    budget_seconds
        Stop in order once this much time has passed: what is finished is kept, what runs is ended.
    """
    start = time.monotonic()
    executed, stopped, digests = 0, "", dict[str, str]()
    profile = Profile(context.workers)
    profile.add_own(take())
    every = 0.2 if sys.stderr.isatty() else 15.0  # a log file wants few lines
    with ExitStack() as stack:
        bar = tqdm(total=0, unit="fit", disable=quiet, mininterval=every, smoothing=0.05, delay=0.01)
        stack.enter_context(bar)
        outcomes = stack.enter_context(
            closing(_outcomes(plans, store, finished, executor, context, cost, bar))
        )
        try:
            for some in outcomes:
                if some:
                    with phase("store"):
                        _keep(some, store, known, digests)
                executed += len(some)
                for one in some:
                    profile.note(one.row.key, one.spent)
                bar.update(len(some))
                if budget_seconds is not None and time.monotonic() - start > budget_seconds:
                    stopped = "budget"
                    break
        except KeyboardInterrupt:
            stopped = "interrupted"
    profile.add_own(take())
    profile.seconds = time.monotonic() - start
    return Progress(executed, profile.seconds, stopped, profile=profile if context.profile else None)


def _keep(
    outcomes: Sequence[Outcome], store: Store, known: Mapping[str, Any], digests: dict[str, str]
) -> None:
    """Put what came together into the store; ``digests`` are those of the facts that are there already."""
    machine = json.dumps(outcomes[0].machine, sort_keys=True)
    if machine not in digests:
        facts = {**known, **outcomes[0].machine}
        digests[machine] = facts_digest(facts)
        store.put_provenance(digests[machine], facts)
    store.put([(one.row, one.prediction, one.prediction_of) for one in outcomes], digests[machine])


def _outcomes(
    plans: Iterable[Plan],
    store: Store,
    finished: Iterable[Sequence[Outcome]],
    executor: str,
    context: Context,
    cost: Callable[[Job], float],
    bar: tqdm[Any],
) -> Generator[Sequence[Outcome], None, None]:
    """Outcomes of everything that is missing; whatever was given has been kept when the next is asked for."""
    with ExitStack() as stack:
        workers: Executor | None = None
        total, pause = 0, _LOOK_AGAIN_SECONDS[0]
        for some in finished:
            total += len(some)
            yield some
        for plan in plans:
            while jobs := sorted(missing_jobs(plan, store), key=lambda item: -cost(item[0])):
                bar.total = total + _units(jobs)
                if workers is None:
                    workers = stack.enter_context(_made(executor)(context))
                claimed = _Claimed(jobs, store, _CLAIMED_AT_ONCE * context.workers)
                given = 0
                for some in workers.run(iter(claimed)):
                    given += len(some)
                    yield some
                total += given
                if claimed.count and not given:
                    raise RuntimeError(f"executor={executor} lost every outcome of {claimed.count} jobs")
                if claimed.count:
                    pause = _LOOK_AGAIN_SECONDS[0]
                else:
                    yield from _wait(pause)
                    pause = min(2 * pause, _LOOK_AGAIN_SECONDS[1])


def _wait(seconds: float) -> Iterator[Sequence[Outcome]]:
    """Wait, with signs of life: a budget ends while others compute, too."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, HEARTBEAT_SECONDS))
        yield ()


def _made(executor: str) -> Callable[[Context], Executor]:
    module, _, name = EXECUTORS[executor].partition(":")
    made: Callable[[Context], Executor] = getattr(importlib.import_module(module), name)
    return made


@dataclass
class _Claimed:
    """Jobs that were leased to this driver, some at a time; those that others hold a part of are left out."""

    jobs: Sequence[tuple[Job, Done]]
    store: Store
    at_once: int
    count: int = 0
    """Jobs that were given out."""

    def __iter__(self) -> Iterator[tuple[Job, Done]]:
        waiting, taken = iter(self.jobs), set[str]()
        while some := list(itertools.islice(waiting, self.at_once)):
            wanted = {job.key: set(unfinished(job, done)) for job, done in some}
            with phase("store"):
                granted = self.store.leases.claim(set().union(*wanted.values()) - taken)
            whole = []
            for job, done in some:
                keys = wanted[job.key]
                if keys <= granted and not keys & taken:  # two jobs may share a unit: the second waits
                    taken |= keys
                    whole.append((job, done))
            if rest := granted - taken:
                self.store.leases.release(rest)
            for item in whole:
                self.count += 1
                yield item


def _units(jobs: Sequence[tuple[Job, Done]]) -> int:
    return len({key for job, done in jobs for key in unfinished(job, done)})
