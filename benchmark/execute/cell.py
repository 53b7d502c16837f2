"""One job, from tuning to its last cell: a stream of outcomes, each complete in itself.

A job is a fixed sequence of units, first the trials, then the cells. Units that are done already are
not run again: what follows needs only their rows. So a job can go on after any interruption.
"""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark import data
from benchmark.data import TaskData
from benchmark.execute.assemble import makers
from benchmark.execute.fit import Diverged, Fit, fit
from benchmark.execute.limits import FitTimeout, peak_memory_mb, reset_peak_memory, time_limit
from benchmark.execute.tune import apply, best, propose
from benchmark.metrics import METRICS, UndefinedMetric, scores, test_errors
from benchmark.plan.grid import Job, PlannedCell, PlannedTuning
from benchmark.plan.keys import default_of
from benchmark.plan.splits import splits
from benchmark.spec import CLASSIFICATION, Record, Seeds, Split, Trial

__all__ = ["Done", "Outcome", "failed", "run_job", "unfinished"]

Done = Mapping[str, Trial | Record]
"""Trials and records by key."""

_TRACEBACK_CHARACTERS = 2000


@dataclass(frozen=True)
class Outcome:
    """What one unit of a job left."""

    row: Trial | Record
    prediction: np.ndarray | None = None
    """Test predictions of a record that is ok."""
    prediction_of: str = ""
    """Key of the record whose predictions these are too, when nothing was computed."""


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


def failed(job: Job, key: str, done: Done, status: str, reason: str) -> Outcome:
    """The outcome of a unit that did not live to write its own, with the setting that it was at."""
    failure = _Failure(status, reason)
    for tuning in job.tunings:
        for trial in tuning.trials:
            if trial.key == key:
                setting = _proposed(job, tuning, trial.number, done)
                return Outcome(Trial(key, trial.number, setting, status, reason))
    cell = next(cell for cell in job.cells if cell.key == key)
    return Outcome(_failed_record(job, cell, failure, _chosen(job, cell, done)))


def run_job(job: Job, done: Done) -> Iterator[Outcome]:
    """Outcomes of the unfinished units of a job, in order.

    Every exception of a component ends in a row with its status; only a broken harness raises.
    """
    known: dict[str, Trial | Record] = dict(done)
    trials = {trial.key: (tuning, trial.number) for tuning in job.tunings for trial in tuning.trials}
    cells = {cell.key: cell for cell in job.cells}
    for key in unfinished(job, done):
        if key in trials:
            outcome = _run_trial(job, key, *trials[key], known)
        else:
            outcome = _run_cell(job, cells[key], known)
        known[key] = outcome.row
        yield outcome


def _proposed(job: Job, tuning: PlannedTuning, number: int, known: Done) -> dict[str, Any]:
    """The setting of a trial, whose predecessors are known."""
    tried = [trial for trial in _trials(tuning, known) if trial.number < number]
    default = default_of(job.pipeline, job.space)
    return propose(job.space, job.protocol.tuning.sampler, tuning.sampler_seed, number, default, tried)


def _chosen(job: Job, cell: PlannedCell, known: Done) -> Mapping[str, Any]:
    """The setting of a cell: the default, or what its tuning study found best."""
    if cell.setting == "default":
        return {}
    return best(_trials(job.tunings[cell.tuning], known)).setting


def _trials(tuning: PlannedTuning, known: Done) -> list[Trial]:
    """The trials of a tuning study that are known, in order."""
    rows = (known.get(trial.key) for trial in tuning.trials)
    return [row for row in rows if isinstance(row, Trial)]


def _run_trial(job: Job, key: str, tuning: PlannedTuning, number: int, known: Done) -> Outcome:
    setting = _proposed(job, tuning, number, known)

    def outcome(result: Fit) -> Outcome:
        score, reason = _test_score(job, result)
        error = None if score is None else METRICS[job.task.metric].error_of(score)
        seconds = result.fit_seconds
        return Outcome(Trial(key, number, setting, "ok", reason, result.validation_error, error, seconds))

    found = _attempt(job, setting, tuning.seeds, outcome)
    if isinstance(found, _Failure):
        return Outcome(Trial(key, number, setting, found.status, found.reason))
    return found


def _run_cell(job: Job, cell: PlannedCell, known: Done) -> Outcome:
    setting = _chosen(job, cell, known)
    if cell.setting == "tuned" and not setting:
        twin = known.get(next(c.key for c in job.cells if c.seed == cell.seed and c.setting == "default"))
        if isinstance(twin, Record):
            # Tuning chose the default: the same fit with the same seeds, so it is not computed again.
            record = dataclasses.replace(twin, key=cell.key, trials=_tries(job, cell))
            return Outcome(record, prediction_of=twin.key if twin.status == "ok" else "")
    reset_peak_memory()

    def outcome(result: Fit) -> Outcome:
        return Outcome(_record(job, cell, result, setting), result.prediction)

    found = _attempt(job, setting, cell.seeds, outcome)
    return Outcome(_failed_record(job, cell, found, setting)) if isinstance(found, _Failure) else found


def _tries(job: Job, cell: PlannedCell) -> int:
    return len(job.tunings[cell.tuning].trials) if cell.setting == "tuned" else 0


def _record(job: Job, cell: PlannedCell, result: Fit, setting: Mapping[str, Any]) -> Record:
    split, task = _split(job), job.task
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
        scores=scores(truth, result.prediction, task.task_type, weights),
        test_errors=test_errors(truth, result.prediction) if task.task_type in CLASSIFICATION else None,
        n_train=len(split.train),
        n_test=len(split.test),
        steps=result.steps,
        fit_seconds=result.fit_seconds,
        predict_seconds=result.predict_seconds,
        peak_memory_mb=peak_memory_mb(),
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
    table, test = _table(job), _split(job).test
    return table.y[test], None if table.weights is None else table.weights[test]


def _test_score(job: Job, result: Fit) -> tuple[float | None, str]:
    """The metric on the test rows, or None where they do not define it; and what there is to remark."""
    truth, weights = _truth(job)
    try:
        return METRICS[job.task.metric].score(truth, result.prediction, weights), result.remark
    except UndefinedMetric as error:
        return None, "; ".join(filter(None, [result.remark, f"{error}; pooled over the folds"]))


def _attempt(
    job: Job, setting: Mapping[str, Any], seeds: Seeds, outcome: Callable[[Fit], Outcome]
) -> Outcome | _Failure:
    """The outcome of one fit within its limits, or why there is none.

    Scoring is part of the attempt: a prediction of the wrong shape is its component's affair.
    """
    table, split, pipeline = _table(job), _split(job), apply(job.pipeline, setting)
    try:
        makers(pipeline)  # imports are not in a fit's time
        with time_limit(job.protocol.limits.seconds):
            result = fit(
                pipeline,
                table,
                job.task,
                split,
                metric=job.task.metric,
                budget=job.protocol.budget,
                seeds=seeds,
                device=job.device,
            )
        return outcome(result)
    except Diverged as error:
        return _Failure("diverged", str(error))
    except UndefinedMetric as error:
        return _Failure("failed", f"{error}, and these are the validation rows")
    except FitTimeout as error:
        return _Failure("timeout", str(error))
    except MemoryError as error:
        return _Failure("out_of_memory", _first_line(error), traceback.format_exc()[-_TRACEBACK_CHARACTERS:])
    except Exception as error:  # whatever a component raises is its outcome
        return _Failure("failed", _first_line(error), traceback.format_exc()[-_TRACEBACK_CHARACTERS:])


def _first_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:500] if text else type(error).__name__


_tables: dict[tuple[str, str], TaskData] = {}
_split_lists: dict[tuple[Any, ...], tuple[Split, ...]] = {}


def _address(job: Job) -> tuple[str, str]:
    """What tells data apart: the same arrays may come with other groups or splits of their own."""
    return job.task.fingerprint, repr(job.dataset)


def _table(job: Job) -> TaskData:
    """The job's data; a worker keeps the last few tasks it worked on."""
    at = _address(job)
    if at not in _tables:
        while len(_tables) >= 4:
            del _tables[next(iter(_tables))]
        _tables[at] = data.load(job.dataset, job.task.fingerprint)
    return _tables[at]


def _split(job: Job) -> Split:
    """The job's split, drawn anew from the same seed as in the plan."""
    at = (*_address(job), job.protocol.splits, job.root_seed)
    if at not in _split_lists:
        _split_lists.clear()
        _split_lists[at] = splits(job.task, _table(job).basis(), job.protocol.splits, job.root_seed)
    return next(s for s in _split_lists[at] if (s.repeat, s.fold) == (job.repeat, job.fold))
