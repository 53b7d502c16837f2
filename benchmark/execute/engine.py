"""Executes what is missing of a plan and keeps every outcome at once, so that a run can always go on."""

from __future__ import annotations

import importlib
import itertools
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from tqdm import tqdm

from benchmark.catalog import open_catalog
from benchmark.config import trust
from benchmark.execute.cell import Done, Outcome, unfinished
from benchmark.execute.limits import pin_threads, warm_up
from benchmark.plan.grid import Job, Plan
from benchmark.records.store import Store
from benchmark.spec import Record

__all__ = ["EXECUTORS", "Context", "Executor", "Progress", "execute", "missing_jobs"]

EXECUTORS: Mapping[str, str] = {
    "processes": "benchmark.execute.executors.processes",
    "serial": "benchmark.execute.executors.serial",
}


@dataclass(frozen=True)
class Context:
    """What every worker must be told once."""

    workers: int
    config_dirs: tuple[str, ...]
    trust: tuple[str, ...]

    def prepare(self) -> None:
        """Pin threads, make the components of the given folders importable, and warm up."""
        pin_threads()
        open_catalog([Path(folder) for folder in self.config_dirs])
        trust(self.trust)
        warm_up()


class Executor(Protocol):
    """Turns jobs, each with what is done of it, into outcomes; order is free, loss is not."""

    def __call__(self, batches: Iterable[Sequence[tuple[Job, Done]]], context: Context) -> Iterator[Outcome]:
        """Outcomes of the unfinished units of all jobs.

        Every outcome of a batch has been taken before the next batch is asked for: what is in it may
        depend on them.
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


def missing_jobs(plan: Plan, store: Store) -> list[tuple[Job, Done]]:
    """Every job of the plan that has something left to do, with the rows that it has already."""
    kept = store.record_keys()
    jobs = [job for job in plan.jobs() if any(cell.key not in kept for cell in job.cells)]
    trials = store.trials([trial.key for job in jobs for trial in job.trials])
    records = store.records([cell.key for job in jobs for cell in job.cells])
    known: dict[str, Any] = {**trials, **records}
    keys = {job.key: [*(t.key for t in job.trials), *(c.key for c in job.cells)] for job in jobs}
    return [(job, {key: known[key] for key in keys[job.key] if key in known}) for job in jobs]


def execute(
    plans: Iterable[Plan],
    store: Store,
    *,
    executor: str,
    context: Context,
    provenance: str,
    cost: Callable[[Job], float],
    budget_seconds: float | None = None,
    quiet: bool = False,
) -> Progress:
    """Run every missing unit of each plan in turn, the costliest jobs first; keep each outcome when it comes.

    Parameters
    ----------
    plans
        Parts of a study: the next is asked for when everything before is in the store.
    provenance
        Digest that every new record carries.
    cost
        Estimated seconds of a job; it only decides the order.
    budget_seconds
        Stop in order once this much time has passed.
    """
    start = time.monotonic()
    wanted = (sorted(missing_jobs(plan, store), key=lambda item: -cost(item[0])) for plan in plans)
    batches = (jobs for jobs in wanted if jobs)
    if (first := next(batches, None)) is None:
        return Progress(0, 0.0)
    run: Executor = importlib.import_module(EXECUTORS[executor]).execute
    executed, stopped = 0, ""
    every = 0.2 if sys.stderr.isatty() else 15.0  # a log file wants few lines
    with tqdm(total=_units(first), unit="fit", disable=quiet, mininterval=every, smoothing=0.05) as bar:
        outcomes = run(_counted(itertools.chain([first], batches), bar), context)
        try:
            for outcome in outcomes:
                _keep(store, outcome, provenance)
                executed += 1
                bar.update()
                if budget_seconds is not None and time.monotonic() - start > budget_seconds:
                    stopped = "budget"
                    break
        except KeyboardInterrupt:
            stopped = "interrupted"
        finally:
            outcomes.close()  # type: ignore[attr-defined]
    return Progress(executed, time.monotonic() - start, stopped)


def _counted(
    batches: Iterable[Sequence[tuple[Job, Done]]], bar: tqdm[Any]
) -> Iterator[Sequence[tuple[Job, Done]]]:
    """The batches, each added to what the bar counts up to."""
    total = 0
    for jobs in batches:
        bar.total = total = total + _units(jobs)
        yield jobs


def _units(jobs: Sequence[tuple[Job, Done]]) -> int:
    return len({key for job, done in jobs for key in unfinished(job, done)})


def _keep(store: Store, outcome: Outcome, provenance: str) -> None:
    if isinstance(outcome.row, Record):
        record = replace(outcome.row, provenance=provenance)
        store.put_record(record, outcome.prediction, outcome.prediction_of)
    else:
        store.put_trial(outcome.row)
