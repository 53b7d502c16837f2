"""Expands a study into its plan: every cell with its key, in a fixed order, and what cannot run, with why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from benchmark.plan.compatibility import incompatibility, not_meant, swap_reason
from benchmark.plan.controls import control_reason, run_controls, seeds_of
from benchmark.plan.keys import (
    Environment,
    canonical,
    cell_key,
    component_digest,
    controlled,
    fit_keys,
    job_key,
    pipeline_digest,
    search_keys,
    space_of,
    trial_keys,
    tuning_key,
)
from benchmark.plan.seeds import cell_seeds, control_seed, sampler_seed, trial_seeds
from benchmark.plan.stacking import bounds_of, stacked
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
    SplitFacts,
    Study,
    Task,
)

__all__ = ["Job", "Plan", "PlannedCell", "PlannedTrial", "PlannedTuning", "Refusal", "Row", "arms", "expand"]


class PlannedTrial(NamedTuple):
    """One trial of a job."""

    number: int
    key: str


@dataclass(frozen=True, slots=True)
class PlannedTuning:
    """One tuning study of a job: trials that a sampler proposes one after the other."""

    sampler_seed: int
    seeds: Seeds
    """The same for all its trials."""
    trials: tuple[PlannedTrial, ...]


class PlannedCell(NamedTuple):
    """One cell of a job: what is left of its coordinate, and its key."""

    seed: int
    setting: str
    key: str
    seeds: Seeds
    tuning: int = 0
    """Which of the job's tuning studies its setting comes from; 0 for the default setting."""


@dataclass(frozen=True, slots=True)
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
    """One where there is nothing to search, none in a control."""
    cells: tuple[PlannedCell, ...]
    stacks: tuple[tuple[str, ...], ...] = ()
    """Keys of the trials and cells that are trained together."""
    control: str = ""
    """What is done to its labels: one of CONTROLS, or nothing."""
    control_seed: int = 0
    """Of which labels, and how."""

    @property
    def trials(self) -> tuple[PlannedTrial, ...]:
        """The trials of all its tuning studies."""
        return tuple(trial for tuning in self.tunings for trial in tuning.trials)

    @property
    def fits(self) -> int:
        """How many trials and cells it has."""
        return sum(len(tuning.trials) for tuning in self.tunings) + len(self.cells)


@dataclass(frozen=True, slots=True)
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
                    self.arm.control,
                    planned.tuning,
                ),
                planned.key,
            )


@dataclass(frozen=True, slots=True)
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
    """The arms of the study's slot: baselines and their A/A replicates, candidates, and controls of both."""
    return (
        *(Arm(name, "baseline") for name in study.baselines),
        *(Arm(name, "aa", r) for name in study.baselines for r in range(1, study.protocol.aa + 1)),
        *_controls(study, study.baselines, "baseline"),
        *(Arm(name, "candidate") for name in study.candidates),
        *_controls(study, study.candidates, "candidate"),
    )


def _controls(study: Study, names: Sequence[str], role: str) -> Iterator[Arm]:
    controls = run_controls(study.protocol, role)
    return (Arm(name, "control", control=control) for name in names for control in controls)


def expand(
    study: Study,
    *,
    components: Mapping[str, Sequence[Component]],
    hosts: Mapping[str, Pipeline],
    references: Mapping[str, Pipeline],
    datasets: Mapping[str, Dataset],
    tasks: Mapping[str, Task],
    splits: Mapping[str, Sequence[SplitFacts]],
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
    entrants = list(_entrants(study, components, hosts, references, missing, environment))
    for task_name in study.tasks:
        if (absent := (unavailable or {}).get(task_name)) is not None:
            refused += (entrant.refused(task_name, absent) for entrant in entrants)
            continue
        task, dataset = tasks[task_name], datasets[task_name]
        fit_key = fit_keys(environment, task, study.protocol)
        blocks = {
            replicate: [_block(study, task, split, replicate) for split in splits[task_name]]
            for replicate in sorted({entrant.arm.replicate for entrant in entrants})
        }
        for entrant in entrants:
            arm, pipeline = entrant.arm, entrant.pipeline
            if arm.role == "reference" and not_meant(pipeline, task) is not None:
                continue  # each reference stands beside the tasks that it is for
            reason = (
                entrant.reason
                or incompatibility(pipeline, task, environment.device, study.protocol.precision)
                or control_reason(arm.control, task)
            )
            if reason is not None:
                refused.append(entrant.refused(task_name, reason))
                continue
            bounds = bounds_of(pipeline, task, study.protocol, environment.device)
            for block in blocks[arm.replicate]:
                fit = fit_key(entrant.digest, block.split)
                job = _job(study, entrant, dataset, task, block, fit, environment.device)
                job = job if bounds is None else stacked(job, bounds)
                rows.append(Row(arm, entrant.slot, entrant.host, job, entrant.variant))
    return Plan(study, tasks, tuple(rows), tuple(refused))


@dataclass(frozen=True, slots=True)
class _Entrant:
    """An arm in a host, or a reference: what it brings to every task."""

    arm: Arm
    slot: str
    host: str
    pipeline: Pipeline
    reason: str | None
    """Why it runs nowhere; the rest is then not known."""
    digest: str = ""
    variant: str = ""
    """The digest of what is varied alone."""
    space: Mapping[str, Range | Choice] = field(default_factory=dict)
    search_key: Callable[[int], str] = str

    def refused(self, task: str, reason: str) -> Refusal:
        return Refusal(self.arm.component, self.arm.role, self.host, task, reason)


def _entrants(
    study: Study,
    components: Mapping[str, Sequence[Component]],
    hosts: Mapping[str, Pipeline],
    references: Mapping[str, Pipeline],
    missing: Mapping[str, str],
    environment: Environment,
) -> Iterator[_Entrant]:
    for arm, slot, host, pipeline, reason in _candidates(study, components, hosts, references, missing):
        if reason is not None:
            yield _Entrant(arm, slot, host, pipeline, reason)
            continue
        name = pipeline_digest(pipeline)
        variant = name if slot == "pipeline" else component_digest(*components[arm.component])
        space = space_of(pipeline, _tuned_slots(study, pipeline, arm.role))
        search_key = search_keys(environment, study.protocol.tuning.sampler, space)
        yield _Entrant(arm, slot, host, pipeline, None, name, variant, space, search_key)


def _candidates(
    study: Study,
    components: Mapping[str, Sequence[Component]],
    hosts: Mapping[str, Pipeline],
    references: Mapping[str, Pipeline],
    missing: Mapping[str, str],
) -> Iterator[tuple[Arm, str, str, Pipeline, str | None]]:
    """Every (arm, slot, host name, pipeline, reason why not)."""
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


def _tuned_slots(study: Study, pipeline: Pipeline, role: str) -> tuple[str, ...]:
    """Which slots' spaces are searched; a reference is tuned as a whole, a control not at all."""
    slots = tuple(pipeline.components)
    if role == "control":
        return ()
    if role == "reference" or study.protocol.tuning.what == "joint":
        return slots
    if study.protocol.tuning.what == "slot":
        return study.slots
    varied = [pipeline.components[slot] for slot in study.slots]
    return tuple(slot for slot in slots if pipeline.components[slot] not in varied)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The seeds of one seed index or tuning study."""

    seeds: Seeds
    streams: str
    """The same in the text that keys are made of."""
    sampler: int = 0


@dataclass(frozen=True, slots=True)
class _Block:
    """What all arms share on one split: common random numbers."""

    split: SplitFacts
    cells: tuple[_Drawn, ...]
    tunings: tuple[_Drawn, ...]


def _block(study: Study, task: Task, split: SplitFacts, replicate: int) -> _Block:
    coordinate = (study.seed, task.fingerprint, split.repeat, split.fold)

    def drawn(seeds: Seeds, sampler: int = 0) -> _Drawn:
        return _Drawn(seeds, canonical(seeds.streams()), sampler)

    return _Block(
        split,
        tuple(drawn(cell_seeds(*coordinate, seed, replicate)) for seed in range(study.protocol.seeds)),
        tuple(
            drawn(trial_seeds(*coordinate, replicate, n), sampler_seed(*coordinate, replicate, n))
            for n in range(study.protocol.tuning.repeats)
        ),
    )


def _job(
    study: Study, entrant: _Entrant, dataset: Dataset, task: Task, block: _Block, fit: str, device: str
) -> Job:
    protocol, split, control = study.protocol, block.split, entrant.arm.control
    drawn_by = 0
    if control:
        drawn_by = control_seed(study.seed, task.fingerprint, split.repeat, split.fold, control)
        fit = controlled(fit, control, drawn_by)
    n_trials = protocol.tuning.trials if entrant.space else 1
    tunings, chosen_by = [], []
    for drawn in () if control else block.tunings if n_trials > 1 else block.tunings[:1]:
        search = entrant.search_key(drawn.sampler)
        keys = trial_keys(fit, drawn.streams, search, n_trials)
        trials = tuple(map(PlannedTrial, range(n_trials), keys))
        tunings.append(PlannedTuning(drawn.sampler, drawn.seeds, trials))
        chosen_by.append(tuning_key(drawn.streams, search, n_trials))
    cells = []
    for seed, drawn in enumerate(block.cells[: seeds_of(control, protocol.seeds)]):
        for setting in SETTINGS if tunings else ("default",):
            tuning = seed % len(tunings) if setting == "tuned" else 0
            key = cell_key(fit, drawn.streams, chosen_by[tuning] if setting == "tuned" else "")
            cells.append(PlannedCell(seed, setting, key, drawn.seeds, tuning))
    return Job(
        key=job_key(fit, (cell.key for cell in cells)),
        pipeline=entrant.pipeline,
        dataset=dataset,
        task=task,
        repeat=split.repeat,
        fold=split.fold,
        root_seed=study.seed,
        protocol=protocol,
        device=device,
        space=entrant.space,
        tunings=tuple(tunings),
        cells=tuple(cells),
        control=control,
        control_seed=drawn_by,
    )
