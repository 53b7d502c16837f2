"""One job, from tuning to its last cell: groups of units, each of which leaves a complete outcome.

A job is a fixed sequence of units, first the trials, then the cells. A group is one unit, or those that
train together as a stack. What a unit rests on are rows alone, so units that are done already are not run
again, a job can go on after any interruption, and its groups may run in several processes.
"""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmark.execute.devices import (
    empty_cache,
    is_out_of_memory,
    peak_gpu_memory_mb,
    reset_peak_gpu_memory,
)
from benchmark.execute.fitting.assemble import makers
from benchmark.execute.fitting.fit import Diverged, Fit, fit, fit_stacked
from benchmark.execute.limits import FitTimeout, limited, peak_memory_mb, reset_peak_memory, time_limit
from benchmark.execute.material import planned_of, split_of, table_of
from benchmark.execute.profile import carried, phase
from benchmark.execute.settings import chosen, proposed
from benchmark.execute.tune import apply
from benchmark.metrics import METRICS, UndefinedMetric, scores, test_errors
from benchmark.plan.grid import Job, PlannedCell, PlannedTuning
from benchmark.plan.stacking import refusal
from benchmark.spec import CLASSIFICATION, Record, Seeds, Trial

__all__ = ["Done", "Group", "Outcome", "failed", "ready", "run_group", "run_job", "unfinished"]

Done = Mapping[str, Trial | Record]
"""Trials and records by key."""

Group = tuple[str, ...]
"""Keys of the units that run together: one, or all members of a stack."""

_TRACEBACK_CHARACTERS = 2000
_IMPORT_SECONDS = 120.0
"""What importing a pipeline's components may take at least, where fits are limited."""


@dataclass(frozen=True)
class Outcome:
    """What one unit of a job left."""

    row: Trial | Record
    prediction: np.ndarray | None = None
    """Test predictions of a record that is ok."""
    prediction_of: str = ""
    """Key of the record whose predictions these are too, when nothing was computed."""
    spent: Mapping[str, float] = field(default_factory=dict)
    """What its worker spent since it last said so, where the run is profiled: see
    :func:`~benchmark.execute.profile.take`."""
    machine: Mapping[str, Any] = field(default_factory=dict)
    """What :func:`~benchmark.records.provenance.machine` says of the node that computed it; empty where it is
    the driver's."""


@dataclass(frozen=True)
class _Failure:
    status: str
    reason: str
    traceback: str = ""


def unfinished(job: Job, done: Done) -> list[str]:
    """Keys of the units that are still to run, in order; no trial when no tuned cell waits for it."""
    cells = [cell for cell in job.cells if cell.key not in done]
    awaited = sorted({cell.tuning for cell in cells if cell.setting == "tuned"})
    trials = [trial.key for number in awaited for trial in job.tunings[number].trials]
    return [*(key for key in trials if key not in done), *(cell.key for cell in cells)]


def failed(job: Job, key: str, done: Done, status: str, reason: str, said: str = "") -> Outcome:
    """The outcome of a unit that did not live to write its own, with the setting that it was at.

    What it ``said`` last takes the place of the traceback.
    """
    failure = _Failure(status, reason, said)
    for tuning in job.tunings:
        for trial in tuning.trials:
            if trial.key == key:
                setting = proposed(job, tuning, trial.number, done)
                return Outcome(Trial(key, trial.number, setting, status, reason))
    cell = next(cell for cell in job.cells if cell.key == key)
    return Outcome(_failed_record(job, cell, failure, chosen(job, cell, done)))


def ready(job: Job, done: Done) -> list[Group]:
    """The groups with unfinished units that have everything they rest on in ``done``, in order.

    A stack is listed whole, with the members that are done: the same composition gives the same bits.
    """
    left = unfinished(job, done)
    stacks = {key: stack for stack in job.stacks for key in stack}
    groups = dict.fromkeys(stacks.get(key, (key,)) for key in left)
    rests = _rests(job)
    return [group for group in groups if all(on in done for key in group for on in rests[key])]


def _rests(job: Job) -> dict[str, list[str]]:
    """Keys of the rows that each unit reads, by key."""
    rests: dict[str, list[str]] = {}
    sees_earlier = job.protocol.tuning.sampler == "tpe"
    for tuning in job.tunings:
        for trial in tuning.trials:
            rests[trial.key] = [before.key for before in tuning.trials[: trial.number if sees_earlier else 0]]
    twins = {cell.seed: cell.key for cell in job.cells if cell.setting == "default"}
    for cell in job.cells:
        tuned = cell.setting == "tuned"
        chosen_by = [trial.key for trial in job.tunings[cell.tuning].trials] if tuned else []
        rests[cell.key] = [*chosen_by, twins[cell.seed]] if tuned and cell.seed in twins else chosen_by
    return rests


def run_group(job: Job, group: Group, done: Done) -> tuple[Outcome, ...]:
    """Outcomes of the unfinished units of a group; ``done`` has what they rest on.

    Every exception of a component ends in a row with its status; only a broken harness raises.
    """
    outcomes = _run_group(job, group, done)
    if spent := carried():
        outcomes = (dataclasses.replace(outcomes[0], spent=spent), *outcomes[1:])
    return outcomes


def _run_group(job: Job, group: Group, done: Done) -> tuple[Outcome, ...]:
    table_of(job), split_of(job)  # what is wrong with the data is no component's doing
    units = {key: _unit(job, key, done) for key in group}
    members = {key: unit for key, unit in units.items() if isinstance(unit, _Unit)}
    together, remark = _fitted_together(job, members)
    if len(group) == 1 and any(group[0] in stack for stack in job.stacks):
        remark = "trained alone: its stack cost a worker process"
    # Of a stack's members some may wait for nobody; asking about all of a job would be slow for one cell.
    wanted = set(unfinished(job, done)) if len(group) > 1 else set(group) - done.keys()
    return tuple(
        unit
        if isinstance(unit, Outcome)
        else _remarked(_attempt(job, unit, together.get(key)), len(together), remark)
        for key, unit in units.items()
        if key in wanted
    )


def _remarked(outcome: Outcome, stacked: int, remark: str) -> Outcome:
    """The outcome, with how many were trained together, and why not."""
    if not stacked and not remark:
        return outcome
    reason = "; ".join(filter(None, [outcome.row.reason, remark]))
    return dataclasses.replace(outcome, row=dataclasses.replace(outcome.row, stacked=stacked, reason=reason))


def run_job(job: Job, done: Done) -> Iterator[tuple[Outcome, ...]]:
    """Outcomes of the unfinished units of a job, group by group; a group follows those that it rests on."""
    known: dict[str, Trial | Record] = dict(done)
    while groups := ready(job, known):
        for group in groups:
            outcomes = run_group(job, group, known)
            known |= {outcome.row.key: outcome.row for outcome in outcomes}
            yield outcomes


@dataclass(frozen=True, eq=False)
class _Unit:
    """A trial or cell that is to be fitted."""

    setting: Mapping[str, Any]
    seeds: Seeds
    sampled: bool
    """Its error on training rows is asked for."""
    outcome: Callable[[Fit], Outcome]
    failed: Callable[[_Failure], Outcome]


def _unit(job: Job, key: str, known: Done) -> _Unit | Outcome:
    """A unit by its key, or its outcome where there is nothing to compute."""
    planned = planned_of(job, key)
    if isinstance(planned, PlannedCell):
        return _cell(job, planned, known)
    tuning, trial = planned
    return _trial(job, key, tuning, trial.number, known)


def _trial(job: Job, key: str, tuning: PlannedTuning, number: int, known: Done) -> _Unit:
    setting = proposed(job, tuning, number, known)

    def outcome(result: Fit) -> Outcome:
        score, reason = _test_score(job, result)
        error = None if score is None else METRICS[job.task.metric].error_of(score)
        seconds = result.fit_seconds
        return Outcome(Trial(key, number, setting, "ok", reason, result.validation_error, error, seconds))

    def without(failure: _Failure) -> Outcome:
        return Outcome(Trial(key, number, setting, failure.status, failure.reason))

    return _Unit(setting, tuning.seeds, False, outcome, without)


def _cell(job: Job, cell: PlannedCell, known: Done) -> _Unit | Outcome:
    setting = chosen(job, cell, known)
    if cell.setting == "tuned" and not setting:
        twin = known.get(next(c.key for c in job.cells if c.seed == cell.seed and c.setting == "default"))
        if isinstance(twin, Record):
            # Tuning chose the default: the same fit with the same seeds, so it is not computed again.
            record = dataclasses.replace(twin, key=cell.key, trials=_tries(job, cell))
            return Outcome(record, prediction_of=twin.key if twin.status == "ok" else "")
    reset_peak_memory()
    reset_peak_gpu_memory(job.device)

    def outcome(result: Fit) -> Outcome:
        return Outcome(_record(job, cell, result, setting), result.prediction)

    def without(failure: _Failure) -> Outcome:
        return Outcome(_failed_record(job, cell, failure, setting))

    return _Unit(setting, cell.seeds, True, outcome, without)


def _tries(job: Job, cell: PlannedCell) -> int:
    return len(job.tunings[cell.tuning].trials) if cell.setting == "tuned" else 0


def _record(job: Job, cell: PlannedCell, result: Fit, setting: Mapping[str, Any]) -> Record:
    split, task = split_of(job), job.task
    truth, weights = _truth(job)
    score, reason = _test_score(job, result)
    return Record(
        key=cell.key,
        status="ok",
        reason=reason,
        metric=task.metric,
        error=None if score is None else METRICS[task.metric].error_of(score),
        score=score,
        validation_error=result.validation_error,
        train_error=result.train_error,
        scores=scores(truth, result.prediction, task.task_type, weights),
        test_errors=test_errors(truth, result.prediction) if task.task_type in CLASSIFICATION else None,
        n_train=len(split.train),
        n_test=len(split.test),
        steps=result.steps,
        fit_seconds=result.fit_seconds,
        predict_seconds=result.predict_seconds,
        peak_memory_mb=peak_memory_mb(),
        peak_gpu_memory_mb=peak_gpu_memory_mb(job.device),
        trials=_tries(job, cell),
        setting=dict(setting),
    )


def _failed_record(job: Job, cell: PlannedCell, failure: _Failure, setting: Mapping[str, Any]) -> Record:
    return Record(
        key=cell.key,
        status=failure.status,
        reason=failure.reason,
        traceback=failure.traceback,
        metric=job.task.metric,
        trials=_tries(job, cell),
        setting=dict(setting),
    )


def _truth(job: Job) -> tuple[np.ndarray, np.ndarray | None]:
    """Target and weights of the test rows."""
    table, test = table_of(job), split_of(job).test
    return table.y[test], None if table.weights is None else table.weights[test]


def _test_score(job: Job, result: Fit) -> tuple[float | None, str]:
    """The metric on the test rows, or None where they do not define it; and what there is to remark."""
    truth, weights = _truth(job)
    try:
        return METRICS[job.task.metric].score(truth, result.prediction, weights), result.remark
    except UndefinedMetric as error:
        return None, "; ".join(filter(None, [result.remark, f"{error}; pooled over the folds"]))


def _fitted_together(job: Job, units: Mapping[str, _Unit]) -> tuple[dict[str, Fit | BaseException], str]:
    """What became of units that are trained together, by key; nothing, and why, where they are not."""
    count = len(units)
    if count < 2:
        wanted = job.protocol.stacking == "on" and job.pipeline.family == "neural"
        why = refusal(job.pipeline, job.protocol) if wanted else ""
        return {}, why and f"trained alone: {why}"
    found: list[Fit | BaseException]
    limits = job.protocol.limits
    seconds = None if limits.seconds is None else count * limits.seconds
    memory = None if limits.memory_mb is None else count * limits.memory_mb
    try:
        with phase("import"):
            makers(job.pipeline)
        with limited(dataclasses.replace(limits, seconds=seconds, memory_mb=memory), job.device):
            found = fit_stacked(
                [apply(job.pipeline, unit.setting) for unit in units.values()],
                table_of(job),
                job.task,
                split_of(job),
                metric=job.task.metric,
                budget=job.protocol.budget,
                seeds=[unit.seeds for unit in units.values()],
                device=job.device,
                precision=job.protocol.precision,
                sampled=[place for place, unit in enumerate(units.values()) if unit.sampled],
            )
    except FitTimeout as error:
        found = [error for _ in units]
    except Exception as error:  # nobody's doing alone: each gets an outcome of its own
        empty_cache(job.device)
        return {}, f"trained alone: {_first_line(error)}"
    late = FitTimeout(f"{count} together took longer than {count} × protocol.limits.seconds")
    told = [late if isinstance(one, FitTimeout) else one for one in found]
    return dict(zip(units, told, strict=True)), ""


def _fitted_alone(job: Job, unit: _Unit) -> Fit:
    """The fit of one unit within its limits."""
    pipeline, seconds = apply(job.pipeline, unit.setting), job.protocol.limits.seconds
    allowed = None if seconds is None else max(seconds, _IMPORT_SECONDS)
    with phase("import"), time_limit(allowed, "{:g} s to import its components"):
        make = makers(pipeline)  # imports are not in a fit's time
    table, split = table_of(job), split_of(job)
    with limited(job.protocol.limits, job.device):
        return fit(
            pipeline,
            table,
            job.task,
            split,
            metric=job.task.metric,
            budget=job.protocol.budget,
            seeds=unit.seeds,
            device=job.device,
            precision=job.protocol.precision,
            make=make,
            sampled=unit.sampled,
        )


def _attempt(job: Job, unit: _Unit, together: Fit | BaseException | None) -> Outcome:
    """The outcome of a unit: of what came of it in its stack, or of a fit alone.

    Scoring is part of the attempt: a prediction of the wrong shape is its component's affair.
    """
    try:
        if isinstance(together, BaseException):
            raise together
        result = _fitted_alone(job, unit) if together is None else together
        with phase("score"):
            return unit.outcome(result)
    except Diverged as error:
        failure = _Failure("diverged", str(error))
    except UndefinedMetric as error:
        failure = _Failure("failed", f"{error}, and these are the validation rows")
    except FitTimeout as error:
        failure = _Failure("timeout", str(error))
    except Exception as error:  # whatever a component raises is its outcome
        said = traceback.format_exc()[-_TRACEBACK_CHARACTERS:]
        failure = _Failure("failed", _first_line(error), said)
        if is_out_of_memory(error):
            failure = _Failure("out_of_memory", _first_line(error), said)
            traceback.clear_frames(error.__traceback__)  # they hold what filled the memory
            empty_cache(job.device)
    return unit.failed(failure)


def _first_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:500] if text else type(error).__name__
