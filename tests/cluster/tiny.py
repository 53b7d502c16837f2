"""A tiny study, and optimizers that do what no optimizer should, for clusters to run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmark.api.planning import plan_study
from benchmark.api.running import run
from benchmark.execute.cell import Outcome
from benchmark.execute.engine import Executor
from benchmark.plan.grid import Job

__all__ = ["OPTIMIZERS", "TINY", "collect", "jobs", "run_into_budget"]

TINY = (
    "tasks=[iris]",
    "hosts=[mlp]",
    "references=[]",
    "protocol=quick",
    "protocol.aa=0",
    "protocol.seeds=1",
    "protocol.splits.folds=2",
    "protocol.tuning.trials=2",
    "protocol.budget.unit=steps",
    "protocol.budget.amount=5",
    "protocol.limits.retries=1",
    "protocol.stacking=off",
)

OPTIMIZERS = '''
import ctypes
import os
import signal
import time

import psutil
import torch


class Sound(torch.optim.SGD):
    """Leaves a line in the ledger for every fit, which tells it from others."""

    def __init__(self, params, lr=0.01):
        super().__init__(params, lr=lr)
        with open(os.environ["LEDGER"], "a") as ledger:
            ledger.write(f"{torch.initial_seed()}/{lr}\\n")


class Slow(Sound):
    def step(self, closure=None):
        time.sleep(0.1)
        return super().step(closure)


class Strides(Sound):
    """Leaves the line of its fit for every step. The first fit waits a while for the line of another, so that
    lines of fits that run at once overlap, however busy the machine is."""

    def step(self, closure=None):
        self._stride()
        until = time.monotonic() + 10
        while len(lines := self._lines()) < 3 and lines[-1] == self._line() and time.monotonic() < until:
            time.sleep(0.05)
        if len(lines) < 6:
            self._stride()
        time.sleep(0.1)
        return super().step(closure)

    def _line(self):
        return f"{torch.initial_seed()}/{self.defaults['lr']}"

    def _lines(self):
        with open(os.environ["LEDGER"]) as ledger:
            return ledger.read().splitlines()

    def _stride(self):
        with open(os.environ["LEDGER"], "a") as ledger:
            ledger.write(f"{self._line()}\\n")


class Segfaults(Sound):
    def step(self, closure=None):
        ctypes.string_at(0)


class Hangs(Sound):
    def step(self, closure=None):
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
        time.sleep(600)


class Leaks(Sound):
    def step(self, closure=None):
        self.kept = [*getattr(self, "kept", []), torch.ones(4_000_000)]
        while len(self.kept) < 500:
            self.kept.append(torch.ones(4_000_000))
            time.sleep(0.01)


class EndsItsNode(Sound):
    """Kills the process that its guard and its worker live in: what a node that dies does."""

    def step(self, closure=None):
        lineage = psutil.Process().parents()
        next(p for p in lineage if p.name().startswith("ray::")).kill()
        time.sleep(600)


class EndsItsElement(Sound):
    """Kills the process that its worker lives in, as a node that dies does; not with the default lr."""

    def step(self, closure=None):
        if self.defaults["lr"] != 0.01:
            lineage = psutil.Process().parents()
            next(p for p in lineage if "submitit.core._submit" in p.cmdline()).kill()
            time.sleep(600)
        return super().step(closure)
'''


def jobs(*candidates: str, more: Sequence[str] = ()) -> tuple[Job, ...]:
    """The jobs of a tiny study: two for each arm."""
    return plan_study([*TINY, "baselines=[adamw]", f"candidates=[{','.join(candidates)}]", *more]).plan.jobs()


def collect(
    executor: Executor, planned: Sequence[Job], meanwhile: Callable[[int], None] = lambda _: None
) -> dict[str, Outcome]:
    """Every outcome by key, each given once; ``meanwhile`` hears how many there are whenever some come."""
    found: dict[str, Outcome] = {}
    with executor:
        for outcomes in executor.run((job, {}) for job in planned):
            assert not found.keys() & {outcome.row.key for outcome in outcomes}
            found |= {outcome.row.key: outcome for outcome in outcomes}
            if outcomes:
                meanwhile(len(found))
    return found


def run_into_budget(seconds: float, *more: str) -> float:
    """How many seconds a run took beyond its budget, with fits of mine.py that never end."""
    study = plan_study([*TINY, "baselines=[adamw]", "candidates=[mine.py:Hangs]", "name=a", *more])
    progress = run(study, budget_seconds=seconds, quiet=True)
    assert progress.stopped == "budget" and progress.left > 0
    return progress.seconds - seconds
