"""What a job works on, kept from one of its units to the next: its data, its split, its list of units."""

from __future__ import annotations

from typing import Any

from benchmark import data
from benchmark.data import TaskData
from benchmark.execute.control import mislabelled
from benchmark.execute.profile import phase
from benchmark.plan.grid import Job, PlannedCell, PlannedTrial, PlannedTuning
from benchmark.plan.splits import splits
from benchmark.spec import Split

__all__ = ["planned_of", "split_of", "table_of"]

_tables: dict[tuple[str, str], TaskData] = {}
_split_lists: dict[tuple[Any, ...], tuple[Split, ...]] = {}
_last: list[tuple[Job, TaskData, Split]] = []
"""At most one: the job whose unit ran last, since most units are of the job that the one before was of."""
_index: list[tuple[Job, dict[str, tuple[PlannedTuning, PlannedTrial] | PlannedCell]]] = []
"""At most one: a job's units by key."""


def _address(job: Job) -> tuple[str, str]:
    """What tells data apart: the same arrays may come with other groups or splits of their own."""
    return job.task.fingerprint, repr(job.dataset)


def table_of(job: Job) -> TaskData:
    """The job's data; a control's has its labels, those of the test rows are always right."""
    return _material(job)[1]


def split_of(job: Job) -> Split:
    """The job's split."""
    return _material(job)[2]


def planned_of(job: Job, key: str) -> tuple[PlannedTuning, PlannedTrial] | PlannedCell:
    """A trial with its tuning study, or a cell, by its key."""
    if not _index or _index[0][0] is not job:
        trials = {trial.key: (tuning, trial) for tuning in job.tunings for trial in tuning.trials}
        _index[:] = [(job, {**trials, **{cell.key: cell for cell in job.cells}})]
    return _index[0][1][key]


def _material(job: Job) -> tuple[Job, TaskData, Split]:
    if not _last or _last[0][0] is not job:
        table, split = _loaded(job), _drawn(job)
        if job.control:
            table = mislabelled(table, split, job.control, job.control_seed)
        _last[:] = [(job, table, split)]
    return _last[0]


def _loaded(job: Job) -> TaskData:
    """The job's data; a worker keeps the last few tasks it worked on."""
    at = _address(job)
    if at not in _tables:
        while len(_tables) >= 4:
            del _tables[next(iter(_tables))]
        with phase("load"):
            _tables[at] = data.load(job.dataset, job.task.fingerprint)
    return _tables[at]


def _drawn(job: Job) -> Split:
    """The job's split, drawn anew from the same seed as in the plan."""
    at = (*_address(job), job.protocol.splits, job.root_seed)
    if at not in _split_lists:
        _split_lists.clear()
        basis = _loaded(job).basis()
        with phase("split"):
            _split_lists[at] = splits(job.task, basis, job.protocol.splits, job.root_seed)
    return next(s for s in _split_lists[at] if (s.repeat, s.fold) == (job.repeat, job.fold))
