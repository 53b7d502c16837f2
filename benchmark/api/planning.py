"""From what a person typed to a plan: every name looked up, every task loaded, every cell listed."""

from __future__ import annotations

import dataclasses
import gc
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.catalog import Catalog, open_catalog
from benchmark.errors import RequestError, nearest
from benchmark.execute.profile import phase
from benchmark.plan.grid import Plan, expand
from benchmark.plan.keys import Environment
from benchmark.plan.order import halves
from benchmark.plan.origins import with_shared_origins
from benchmark.records.code import harness_identity
from benchmark.records.provenance import library_versions, sampler_version
from benchmark.resolve.study import Machine, ResolvedStudy, question_digest, resolve_study
from benchmark.spec import SplitFacts, Study, Suite, Task

if TYPE_CHECKING:
    from benchmark.data import TaskData
    from benchmark.plan.leaks import Leak

__all__ = ["PlannedStudy", "baseline_origins", "comparable", "device_of", "members_of", "plan_study"]

_HERE = ("processes", "serial")
"""Executors whose workers are on this machine, and need what it has."""


@dataclass(frozen=True)
class PlannedStudy:
    """A study, resolved and expanded, and the folder its results go to."""

    resolved: ResolvedStudy
    plan: Plan
    name: str
    """Name of the results folder: the study's, with a digest where the question is not the shipped one."""
    leaks: Mapping[str, Sequence[Leak]]
    """What test rows share with others, by task."""
    splits: Mapping[str, Sequence[SplitFacts]]
    """By task."""
    unavailable: Mapping[str, str]
    """Tasks of the study that do not exist, with the reason."""
    environment: Environment
    """What of this machine and installation can change a number."""
    asked: tuple[str, ...] = ()
    """The overrides that ask for it."""

    @property
    def folder(self) -> Path:
        """Where the report and the lock are."""
        return self.resolved.results_dir / self.name

    @property
    def study(self) -> Study:
        """The question."""
        return self.resolved.study


def plan_study(
    overrides: Sequence[str] = (), config_dirs: Sequence[Path] = (), *, ahead: bool = False
) -> PlannedStudy:
    """The study that ``overrides`` ask for, expanded into cells; nothing is run, and no result written.

    With ``ahead`` what worker processes import is imported meanwhile, for a run that follows at once.

    Raises
    ------
    RequestError
        One line about the first thing that is wrong.
    """
    from benchmark.execute.workers.guard import bring_up

    executors = {item for item in overrides if item.startswith("executor=")}
    if ahead and executors <= {"executor=processes"}:
        bring_up()
    with phase("plan"):
        return _planned(overrides, config_dirs)


def _planned(overrides: Sequence[str], config_dirs: Sequence[Path]) -> PlannedStudy:
    from benchmark import data

    catalog = open_catalog(config_dirs)
    resolved = resolve_study(catalog, overrides, members_of, config_dirs)
    study = resolved.study
    arrays, unavailable = _load(resolved)
    tasks: dict[str, Task] = {}
    instantiated: dict[str, Sequence[SplitFacts]] = {}
    leaked: dict[str, Sequence[Leak]] = {}
    for name, table in arrays.items():
        task = data.describe(resolved.datasets[name], table, study.metric)
        tasks[name], instantiated[name], leaked[name] = _split(task, table, study)
    environment = Environment(
        device_of(resolved),
        library_versions(),
        harness_identity(),
        sampler_version(study.protocol.tuning.sampler),
    )
    with _uncollected():
        expanded = expand(
            study,
            components=resolved.components,
            hosts=resolved.hosts,
            references=resolved.references,
            datasets=resolved.datasets,
            tasks=with_shared_origins(tasks),
            splits=instantiated,
            missing=resolved.missing,
            unavailable=unavailable,
            environment=environment,
        )
        _check_comparable(expanded)
    name = _folder_name(catalog, resolved, overrides)
    return PlannedStudy(
        resolved, expanded, name, leaked, instantiated, unavailable, environment, tuple(overrides)
    )


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection: a plan is millions of objects that all live, and each pass goes through them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def comparable(expanded: Plan) -> list[str]:
    """The candidates that run somewhere beside every baseline; with ``confirm=split``, on either half.

    Why the others do not stands in the plan.
    """
    study, origins = expanded.study, baseline_origins(expanded)
    parts = halves(study.seed, origins) if study.protocol.confirm == "split" else (origins,)
    every = {
        (row.arm.component, row.host, row.job.task.name, row.job.task.origin)
        for row in expanded.rows
        if row.arm.role != "reference"
    }
    places: dict[str, set[tuple[str, ...]]] = {}
    for component, *place in every:
        places.setdefault(component, set()).add(tuple(place))

    def runs(name: str, baseline: str, part: Collection[str]) -> bool:
        shared = places.get(name, set()) & places.get(baseline, set())
        return any(origin in part for *_, origin in shared)

    return [
        name
        for name in study.candidates
        if all(runs(name, baseline, part) for baseline, part in itertools.product(study.baselines, parts))
    ]


def baseline_origins(expanded: Plan) -> set[str]:
    """The origins on which a baseline runs."""
    return {row.job.task.origin for row in expanded.rows if row.arm.role == "baseline"}


def _check_comparable(expanded: Plan) -> None:
    """Refuse what would run and then compare nothing, or not what it was asked for."""
    study, able = expanded.study, comparable(expanded)
    split = study.protocol.confirm == "split"
    beside = f"beside the baselines{' on either half of the data sets' if split else ''}"
    if able and study.primary not in ("", *able):
        raise RequestError(f"primary={study.primary}: it cannot run {beside}; {nearest(study.primary, able)}")
    if able:
        return
    arms = {*study.candidates, *study.baselines}
    refused = (refusal for refusal in expanded.refused if refusal.role != "control")
    why = next((refusal for refusal in refused if refusal.component in arms), None)
    if why is None:
        raise RequestError("protocol.confirm: split needs at least two data sets; choose none")
    anything = any(row.slot == study.slot for row in expanded.rows)
    what = f"no candidate can run {beside}" if anything else "nothing of this study can run"
    raise RequestError(f"{what}: {why.component} on {why.task}: {why.reason}")


def members_of(suite: Suite) -> Sequence[str]:
    """The names of the tasks of an OpenML suite, remembered after the first time."""
    from benchmark.data import openml

    assert suite.openml is not None
    return openml.members(suite.openml)


def _load(resolved: ResolvedStudy) -> tuple[dict[str, TaskData], dict[str, str]]:
    """Every task's arrays by name, and why some sizes that ``rows`` asks for have none."""
    from benchmark import data

    arrays: dict[str, TaskData] = {}
    unavailable: dict[str, str] = {}
    for name, card in resolved.datasets.items():
        if card.rows in resolved.sizes:
            n_rows = len(data.load(dataclasses.replace(card, rows=None)))
            if card.rows is not None and n_rows < card.rows:
                unavailable[name] = "the data set has fewer rows than that"
                continue
        arrays[name] = data.load(card)
    return arrays, unavailable


def _split(task: Task, table: TaskData, study: Study) -> tuple[Task, Sequence[SplitFacts], Sequence[Leak]]:
    """The task with what was found about its splits, the splits, and what leaks across them."""
    from benchmark.plan.leaks import leaks
    from benchmark.plan.splits import scheme_of, splits

    basis, splitting = table.basis(), study.protocol.splits
    made = splits(task, basis, splitting, study.seed)
    found = leaks(made, basis)
    scheme, notes = scheme_of(basis, splitting), (*task.notes, *map(str, found))
    if scheme == "own" and len(made) < len(basis.own):
        scheme = f"own, {len(made)} of {len(basis.own)}"
    return dataclasses.replace(task, scheme=scheme, notes=notes), [split.facts for split in made], found


def device_of(resolved: ResolvedStudy | Machine) -> str:
    """``cpu`` or ``cuda``; ``auto`` is what this machine has, also where others do the work.

    Raises
    ------
    RequestError
        When ``device`` is none of these, or a GPU is asked of this machine and there is none.
    """
    import torch

    asked = resolved.device
    if asked not in ("auto", "cpu", "cuda"):
        raise RequestError(f"device={asked}: choose from auto, cpu, cuda")
    here = torch.cuda.is_available()
    if asked == "cuda" and not here and resolved.executor in _HERE:
        raise RequestError("device=cuda: torch sees no CUDA device here; choose cpu or auto")
    return "cuda" if asked == "cuda" or (asked == "auto" and here) else "cpu"


def _folder_name(catalog: Catalog, resolved: ResolvedStudy, overrides: Sequence[str]) -> str:
    """The study's own name, unless ``name=`` says otherwise or the overrides changed the question."""
    shipped = [item for item in overrides if item.startswith("study=")]
    if resolved.named or question_digest(catalog, shipped, members_of) == resolved.digest:
        return resolved.study.name
    return f"{resolved.study.name}-{resolved.digest[:8]}"
