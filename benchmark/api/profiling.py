"""Where the time of a run went, said at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.execute.profile import take

if TYPE_CHECKING:
    from benchmark.api.planning import PlannedStudy
    from benchmark.execute.engine import Progress

__all__ = ["profiled"]


def profiled(planned: PlannedStudy, done: Progress) -> str:
    """A table of what workers and driver did, with the slowest fits; the driver's part is up to this call.

    Raises
    ------
    ValueError
        When the run was not profiled.
    """
    from benchmark.report.profile import profile_table

    found = done.profile
    if found is None:
        raise ValueError("run(…, profile=True) is what says where the time went")
    found.add_own(take())
    slowest = [(seconds, _fit_name(planned, key)) for seconds, key in found.slowest]
    return profile_table(found.spent, found.own, found.workers, found.seconds, slowest)


def _fit_name(planned: PlannedStudy, key: str) -> str:
    """What a trial or cell is, in words."""
    for row in planned.plan.rows:
        job = row.job
        where = f"{row.arm.component}{f' in {row.host}' if row.host else ''} on {job.task.name}"
        place = f"{where}, split {job.repeat}.{job.fold}"
        for trial in job.trials:
            if trial.key == key:
                return f"{place}, trial {trial.number}"
        for cell in job.cells:
            if cell.key == key:
                return f"{place}, seed {cell.seed}, {cell.setting}"
    return key
