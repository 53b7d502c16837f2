"""Everything in the driver's own process: for debugging, and for machines where nothing else runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from benchmark.execute.cell import Done, Outcome, run_job
from benchmark.execute.engine import Context
from benchmark.plan.grid import Job

__all__ = ["execute"]


def execute(batches: Iterable[Sequence[tuple[Job, Done]]], context: Context) -> Iterator[Outcome]:
    """Outcomes of all jobs, one after the other."""
    context.prepare()
    for jobs in batches:
        for job, done in jobs:
            yield from run_job(job, done)
