"""Everything in the driver's own process: for debugging, and for machines where nothing else runs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

from benchmark.errors import RequestError
from benchmark.execute.cell import Done, Outcome, run_job
from benchmark.execute.devices import is_usable
from benchmark.execute.engine import Context
from benchmark.plan.grid import Job

__all__ = ["Serial"]


class Serial(AbstractContextManager["Serial"]):
    """Works off one job after the other, within its limits as far as the process can keep them itself."""

    def __init__(self, context: Context) -> None:
        context.of_worker(0, time.time()).prepare()

    def __exit__(self, *_: object) -> None:
        """Nothing is left behind."""

    def run(self, jobs: Iterator[tuple[Job, Done]]) -> Iterator[Sequence[Outcome]]:
        """As :class:`~benchmark.execute.engine.Executor` says."""
        for job, done in jobs:
            for outcomes in run_job(job, done):
                yield outcomes
                if not is_usable(job.device):  # what came after would fail too, and be blamed for it
                    raise RequestError(
                        "a fit has spoilt this process's hold on the GPU; run it again to go on"
                    )
