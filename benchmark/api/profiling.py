"""Where the time of a run went, said at its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchmark.execute.profile import Training, take

if TYPE_CHECKING:
    from benchmark.api.planning import PlannedStudy
    from benchmark.execute.engine import Progress
    from benchmark.plan.grid import Row

__all__ = ["profiled"]


def profiled(planned: PlannedStudy, done: Progress) -> str:
    """A table of what workers and driver did, with the slowest fits; the driver's part is up to this call.

    Raises
    ------
    ValueError
        When the run was not profiled.
    """
    from benchmark.report.profile import profile_table, training_table

    found = done.profile
    if found is None:
        raise ValueError("run(…, profile=True) is what says where the time went")
    found.add_own(take())
    slowest = [(seconds, _fit_name(planned, key)) for seconds, key in found.slowest]
    table = profile_table(found.spent, found.own, found.workers, found.seconds, slowest)
    return table + training_table(_by_arm(planned, found.trained))


def _by_arm(planned: PlannedStudy, trained: Mapping[str, Training]) -> dict[str, Training]:
    """What was trained of every component in every host, by what that is called."""
    left, together = dict(trained), dict[str, Training]()
    for row in planned.plan.rows if left else ():
        keys = (*(trial.key for trial in row.job.trials), *(cell.key for cell in row.job.cells))
        for key in keys:
            if found := left.pop(key, None):  # two rows may share a job
                name = _arm_name(row)
                together[name] = together.get(name, Training()) + found
    return together


def _arm_name(row: Row) -> str:
    return f"{row.arm.component}{f' in {row.host}' if row.host else ''}"


def _fit_name(planned: PlannedStudy, key: str) -> str:
    """What a trial or cell is, in words."""
    for row in planned.plan.rows:
        job = row.job
        place = f"{_arm_name(row)} on {job.task.name}, split {job.repeat}.{job.fold}"
        for trial in job.trials:
            if trial.key == key:
                return f"{place}, trial {trial.number}"
        for cell in job.cells:
            if cell.key == key:
                return f"{place}, seed {cell.seed}, {cell.setting}"
    return key
