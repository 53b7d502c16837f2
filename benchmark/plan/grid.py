"""Expands a study into its plan: every cell with its key, in a fixed order, and what cannot run, with why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmark.plan.compatibility import incompatibility, not_meant, swap_reason
from benchmark.plan.keys import (
    Environment,
    cell_key,
    component_digest,
    digest,
    fit_key,
    pipeline_digest,
    search_key,
    space_of,
    trial_key,
)
from benchmark.plan.seeds import cell_seeds, sampler_seed, trial_seeds
from benchmark.spec import (
    SETTINGS,
    Arm,
    Cell,
    Choice,
    Component,
    Dataset,
    Pipeline,
    Protocol,
    Range,
    Seeds,
    Split,
    Study,
    Task,
)

__all__ = ["Job", "Plan", "PlannedCell", "PlannedTrial", "PlannedTuning", "Refusal", "Row", "arms", "expand"]


@dataclass(frozen=True)
class PlannedTrial:
    """One trial of a job."""

    number: int
    key: str


@dataclass(frozen=True)
class PlannedTuning:
    """One tuning study of a job: trials that a sampler proposes one after the other."""

    sampler_seed: int
    seeds: Seeds
    """The same for all its trials."""
    trials: tuple[PlannedTrial, ...]


@dataclass(frozen=True)
class PlannedCell:
    """One cell of a job: what is left of its coordinate, and its key."""

    seed: int
    setting: str
    key: str
    seeds: Seeds
    tuning: int = 0
    """Which of the job's tuning studies its setting comes from; 0 for the default setting."""


@dataclass(frozen=True)
class Job:
    """What one worker does in one go: the trials and cells of one (pipeline, task, split, replicate)."""

    key: str
    pipeline: Pipeline
    dataset: Dataset
    task: Task
    repeat: int
    fold: int
    root_seed: int
    protocol: Protocol
    device: str
    space: Mapping[str, Range | Choice]
    tunings: tuple[PlannedTuning, ...]
    """One where there is nothing to search."""
    cells: tuple[PlannedCell, ...]

    @property
    def trials(self) -> tuple[PlannedTrial, ...]:
        """The trials of all its tuning studies."""
        return tuple(trial for tuning in self.tunings for trial in tuning.trials)


@dataclass(frozen=True)
class Row:
    """A place in the study that a job's outcome fills; two arms may share one job."""

    arm: Arm
    slot: str
    """The study's slot, or ``pipeline`` for a reference."""
    host: str
    job: Job
    component_digest: str

    def cells(self) -> Iterator[tuple[Cell, str]]:
        """Every cell of the row with its key."""
        for planned in self.job.cells:
            yield (
                Cell(
                    self.arm.component,
                    self.host,
                    self.job.task.name,
                    self.job.repeat,
                    self.job.fold,
                    planned.seed,
                    planned.setting,
                    self.arm.replicate,
                    planned.tuning,
                ),
                planned.key,
            )


@dataclass(frozen=True)
class Refusal:
    """A combination that cannot run, kept with its reason."""

    component: str
    role: str
    host: str
    task: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """A study, expanded: printable, countable, filterable before anything runs."""

    study: Study
    tasks: Mapping[str, Task]
    rows: tuple[Row, ...]
    refused: tuple[Refusal, ...]

    def jobs(self) -> tuple[Job, ...]:
        """Every different job once, in the order of the rows."""
        return tuple({row.job.key: row.job for row in self.rows}.values())


def arms(study: Study) -> tuple[Arm, ...]:
    """The arms of the study's slot: baselines, their A/A replicates, candidates."""
    return (
        *(Arm(name, "baseline") for name in study.baselines),
        *(Arm(name, "aa", r) for name in study.baselines for r in range(1, study.protocol.aa + 1)),
        *(Arm(name, "candidate") for name in study.candidates),
    )


def expand(
    study: Study,
    *,
    components: Mapping[str, Sequence[Component]],
    hosts: Mapping[str, Pipeline],
    references: Mapping[str, Pipeline],
    datasets: Mapping[str, Dataset],
    tasks: Mapping[str, Task],
    splits: Mapping[str, Sequence[Split]],
    missing: Mapping[str, str],
    environment: Environment,
    unavailable: Mapping[str, str] | None = None,
) -> Plan:
    """The plan of a study.

    Parameters
    ----------
    components, hosts, references, datasets, tasks, splits
        By the names that the study uses; of an arm, what it puts into each of the study's slots.
    missing
        Components that cannot be built here, with the reason.
    unavailable
        Tasks of the study that do not exist, with the reason.

    Notes
    -----
    Order: task, then host, then arm, then split, so that whole blocks complete early.
    """
    rows: list[Row] = []
    refused: list[Refusal] = []
    for task_name in study.tasks:
        absent = (unavailable or {}).get(task_name)
        for arm, slot, host, pipeline, reason in _candidates(study, components, hosts, references, missing):
            if absent is not None:
                refused.append(Refusal(arm.component, arm.role, host, task_name, absent))
                continue
            task = tasks[task_name]
            if arm.role == "reference" and not_meant(pipeline, task) is not None:
                continue  # each reference stands beside the tasks that it is for
            reason = reason or incompatibility(pipeline, task, environment.device)
            if reason is not None:
                refused.append(Refusal(arm.component, arm.role, host, task_name, reason))
                continue
            tuned = _tuned_slots(study, pipeline, is_reference=arm.role == "reference")
            name = pipeline_digest(pipeline)
            variant = name if slot == "pipeline" else component_digest(*components[arm.component])
            for split in splits[task_name]:
                job = _job(
                    study, pipeline, name, datasets[task_name], task, split, arm.replicate, tuned, environment
                )
                rows.append(Row(arm, slot, host, job, variant))
    return Plan(study, tasks, tuple(rows), tuple(refused))


def _candidates(
    study: Study,
    components: Mapping[str, Sequence[Component]],
    hosts: Mapping[str, Pipeline],
    references: Mapping[str, Pipeline],
    missing: Mapping[str, str],
) -> Iterator[tuple[Arm, str, str, Pipeline, str | None]]:
    """Every (arm, slot, host name, pipeline, reason why not) of one task."""
    for host_name in study.hosts:
        host = hosts[host_name]
        for arm in arms(study):
            parts, pipeline = components[arm.component], host
            reason = missing.get(arm.component) or swap_reason(parts, host)
            for part in parts:
                pipeline = pipeline.swap(part)
            yield arm, study.slot, host_name, pipeline, reason
    for name in study.references:
        yield Arm(name, "reference"), "pipeline", "", references[name], None


def _tuned_slots(study: Study, pipeline: Pipeline, *, is_reference: bool) -> tuple[str, ...]:
    """Which slots' spaces are searched; a reference is tuned as a whole."""
    slots = tuple(pipeline.components)
    if is_reference or study.protocol.tuning.what == "joint":
        return slots
    if study.protocol.tuning.what == "slot":
        return study.slots
    varied = [pipeline.components[slot] for slot in study.slots]
    return tuple(slot for slot in slots if pipeline.components[slot] not in varied)


def _job(
    study: Study,
    pipeline: Pipeline,
    pipeline_name: str,
    dataset: Dataset,
    task: Task,
    split: Split,
    replicate: int,
    tuned: tuple[str, ...],
    environment: Environment,
) -> Job:
    protocol = study.protocol
    coordinate = (study.seed, task.fingerprint, split.repeat, split.fold)
    space = space_of(pipeline, tuned)
    fit = fit_key(environment, pipeline_name, task, split, protocol)
    n_trials = protocol.tuning.trials if space else 1
    tunings, chosen_by = [], []
    for number in range(protocol.tuning.repeats if n_trials > 1 else 1):
        searching = trial_seeds(*coordinate, replicate, number)
        sampler = sampler_seed(*coordinate, replicate, number)
        search = search_key(environment, protocol.tuning.sampler, sampler, space)
        trials = (PlannedTrial(n, trial_key(fit, searching, n, search)) for n in range(n_trials))
        tunings.append(PlannedTuning(sampler, searching, tuple(trials)))
        chosen_by.append(digest(search, searching.streams(), n_trials))
    cells = []
    for seed in range(protocol.seeds):
        seeds = cell_seeds(*coordinate, seed, replicate)
        for setting in SETTINGS:
            tuning = seed % len(tunings) if setting == "tuned" else 0
            key = cell_key(fit, seeds, chosen_by[tuning] if setting == "tuned" else "")
            cells.append(PlannedCell(seed, setting, key, seeds, tuning))
    return Job(
        key=digest(fit, [cell.key for cell in cells]),
        pipeline=pipeline,
        dataset=dataset,
        task=task,
        repeat=split.repeat,
        fold=split.fold,
        root_seed=study.seed,
        protocol=protocol,
        device=environment.device,
        space=space,
        tunings=tuple(tunings),
        cells=tuple(cells),
    )
