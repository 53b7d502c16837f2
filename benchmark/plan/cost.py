"""How long a plan should take: measured where the store knows, assumed (and marked so) elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmark.plan.grid import Job, Plan
from benchmark.spec import Budget, Task

__all__ = ["Cost", "job_seconds", "total"]

_SECONDS_PER_STEP = 0.0015
"""A training step of a small network on one CPU core, evaluations included."""
_SECONDS_PER_CLASSICAL_FIT = 0.5


@dataclass(frozen=True)
class Cost:
    """What a plan costs."""

    fits: int
    """Trials and cells, as if none were done."""
    seconds: float
    """Sum over all fits on one core."""
    measured: float
    """Share of ``seconds`` that rests on fits in the store."""


def job_seconds(plan: Plan, history: Mapping[tuple[str, str, str], float]) -> dict[str, float]:
    """Estimated seconds of every job, by its key.

    Parameters
    ----------
    history
        Mean seconds of a fit by (component, host, task).
    """
    return {key: seconds for key, (seconds, _) in _estimates(plan, history).items()}


def total(plan: Plan, history: Mapping[tuple[str, str, str], float]) -> Cost:
    """The cost of the whole plan."""
    estimates = _estimates(plan, history).values()
    seconds = sum(seconds for seconds, _ in estimates)
    measured = sum(seconds for seconds, known in estimates if known)
    fits = sum(job.fits for job in plan.jobs())
    return Cost(fits, seconds, measured / seconds if seconds else 0.0)


def _estimates(plan: Plan, history: Mapping[tuple[str, str, str], float]) -> dict[str, tuple[float, bool]]:
    estimates: dict[str, tuple[float, bool]] = {}
    for row in plan.rows:
        known = history.get((row.arm.component, row.host, row.job.task.name))
        if known is None and row.job.key in estimates:
            continue  # another arm shares the job, and may have been measured
        per_fit = _assumed(row.job) if known is None else known
        estimates[row.job.key] = per_fit * row.job.fits, known is not None
    return estimates


def _assumed(job: Job) -> float:
    if job.pipeline.family != "neural":
        return _SECONDS_PER_CLASSICAL_FIT
    budget = job.protocol.budget
    return budget.amount if budget.unit == "seconds" else _steps(budget, job.task) * _SECONDS_PER_STEP


def _steps(budget: Budget, task: Task) -> float:
    return (
        budget.amount if budget.unit == "steps" else budget.amount * max(1.0, task.n_rows / budget.batch_size)
    )
