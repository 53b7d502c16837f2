"""Which setting each trial and cell of a job is run with: a function of the trials before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmark.execute.profile import phase
from benchmark.execute.tune import best, propose
from benchmark.plan.grid import Job, PlannedCell, PlannedTuning
from benchmark.plan.keys import default_of
from benchmark.spec import Record, Trial

__all__ = ["chosen", "proposed", "settings_of"]

Known = Mapping[str, Trial | Record]
"""Rows by key."""


def proposed(job: Job, tuning: PlannedTuning, number: int, known: Known) -> dict[str, Any]:
    """The setting of a trial, whose predecessors are known."""
    tried = [trial for trial in _trials(tuning, known) if trial.number < number]
    default = default_of(job.pipeline, job.space)
    with phase("propose"):
        return propose(job.space, job.protocol.tuning.sampler, tuning.sampler_seed, number, default, tried)


def chosen(job: Job, cell: PlannedCell, known: Known) -> Mapping[str, Any]:
    """The setting of a cell: the default, or what its tuning study found best."""
    if cell.setting == "default":
        return {}
    return best(_trials(job.tunings[cell.tuning], known)).setting


def settings_of(job: Job, known: Known) -> dict[str, Mapping[str, Any]]:
    """The setting that every trial and cell of a job must have been run with, by key.

    Of cells without any known trial to choose from nothing is said.
    """
    settings: dict[str, Mapping[str, Any]] = {
        trial.key: proposed(job, tuning, trial.number, known)
        for tuning in job.tunings
        for trial in tuning.trials
    }
    for cell in job.cells:
        if cell.setting == "default" or _trials(job.tunings[cell.tuning], known):
            settings[cell.key] = chosen(job, cell, known)
    return settings


def _trials(tuning: PlannedTuning, known: Known) -> list[Trial]:
    """The trials of a tuning study that are known, in order."""
    rows = (known.get(trial.key) for trial in tuning.trials)
    return [row for row in rows if isinstance(row, Trial)]
