"""The flow: load study → plan → execute what is missing → records → judge → report.

Every step is a function that takes and returns values; :mod:`benchmark.cli` prints what they return.
Beside the command line this is the only module that imports across stages. What is slow to import
(torch, scikit-learn, matplotlib) is imported where it is used, so that a wrong name is told at once.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.catalog import Catalog, open_catalog
from benchmark.errors import RequestError
from benchmark.load.study import ResolvedStudy, load_study, question_digest
from benchmark.plan.cost import Cost, job_seconds, total
from benchmark.plan.grid import Plan, expand
from benchmark.plan.keys import Environment
from benchmark.records.code import harness_identity
from benchmark.records.provenance import facts, facts_digest, library_versions
from benchmark.spec import Study

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.execute.engine import Progress
    from benchmark.judge import Judgement
    from benchmark.records.store import Store

__all__ = ["Forecast", "PlannedStudy", "Report", "forecast", "plan_study", "run", "write_report"]

_ASSUMED_SPREAD = 0.2
"""Standard deviation of the relative effect between origins, where no earlier run tells: as in the demo."""


@dataclass(frozen=True)
class PlannedStudy:
    """A study, resolved and expanded, and the folder its results go to."""

    resolved: ResolvedStudy
    plan: Plan
    name: str
    """Name of the results folder: the study's, with a digest where the question is not the shipped one."""

    @property
    def folder(self) -> Path:
        """Where the report and the lock are."""
        return self.resolved.results_dir / self.name

    @property
    def study(self) -> Study:
        """The question."""
        return self.resolved.study


@dataclass(frozen=True)
class Forecast:
    """What a study would cost and could tell."""

    cost: Cost
    left: int
    """Trials and cells that are not in the store yet."""
    wall_seconds: float
    """What is left, spread over the workers."""
    workers: int
    minimal_detectable_effect: float | None
    """Relative effect that would be found with 80 % power; None when there are too few tasks to say."""
    spread: float
    """Standard deviation of effects between origins that this rests on."""
    assumed: bool
    """True where the spread is a guess, since the store has no earlier run of the study."""


@dataclass(frozen=True)
class Report:
    """A judged study and where its report was written."""

    judgement: Judgement
    records: pd.DataFrame
    refused: pd.DataFrame
    page: Path
    failures: int
    """Records of the study that are not ok."""


def plan_study(overrides: Sequence[str] = (), config_dirs: Sequence[Path] = ()) -> PlannedStudy:
    """The study that ``overrides`` ask for, expanded into cells; nothing is run or written.

    Raises
    ------
    RequestError
        One line about the first thing that is wrong.
    """
    from benchmark import data
    from benchmark.plan.splits import splits

    catalog = open_catalog(config_dirs)
    resolved = load_study(catalog, overrides, config_dirs)
    study = resolved.study
    tables = {name: data.load(card) for name, card in resolved.datasets.items()}
    tasks = {
        name: data.describe(resolved.datasets[name], table, study.metric) for name, table in tables.items()
    }
    device = _device(resolved.device)
    expanded = expand(
        study,
        components=resolved.components,
        hosts=resolved.hosts,
        references=resolved.references,
        datasets=resolved.datasets,
        tasks=tasks,
        splits={
            name: splits(tasks[name], table.y, study.protocol.splits, study.seed)
            for name, table in tables.items()
        },
        missing=resolved.missing,
        environment=Environment(device, library_versions(), harness_identity()),
    )
    return PlannedStudy(resolved, expanded, _folder_name(catalog, resolved, overrides))


def forecast(planned: PlannedStudy) -> Forecast:
    """What the study would cost and the effect it could detect."""
    from benchmark.records.store import open_store

    workers = _workers(planned.resolved)
    if not (planned.resolved.results_dir / "store.sqlite").is_file():
        cost = total(planned.plan, {})
        return Forecast(cost, cost.fits, cost.seconds / workers, workers, *_power(planned, None))
    with open_store(planned.resolved.results_dir, write=False) as store:
        cost = total(planned.plan, store.fit_seconds())
        left = _left(planned.plan, store)
        spread = _spread(planned, store)
    wall = cost.seconds * left / max(cost.fits, 1) / workers
    return Forecast(cost, left, wall, workers, *_power(planned, spread))


def run(planned: PlannedStudy, *, budget_seconds: float | None = None, quiet: bool = False) -> Progress:
    """Execute what is missing of the study; every outcome is in the store when this returns or is killed.

    Raises
    ------
    RequestError
        When the study's first run asked something else, or another run is writing to the store.
    """
    from benchmark.execute.engine import Context, execute
    from benchmark.records.store import open_store

    resolved = planned.resolved
    with open_store(resolved.results_dir, write=True) as store:
        _freeze(planned)
        _link(planned, store)
        known = facts(_device(resolved.device))
        store.put_provenance(facts_digest(known), known)
        seconds = job_seconds(planned.plan, store.fit_seconds())
        return execute(
            planned.plan,
            store,
            executor=resolved.executor,
            context=Context(_workers(resolved), resolved.config_dirs, resolved.trust),
            provenance=facts_digest(known),
            cost=lambda job: seconds[job.key],
            budget_seconds=budget_seconds,
            quiet=quiet,
        )


def write_report(planned: PlannedStudy) -> Report:
    """Judge the study from the store and write its report, running nothing.

    Raises
    ------
    RequestError
        When cells of the study have no record yet.
    """
    import pandas as pd

    from benchmark import report
    from benchmark.records.store import open_store

    with open_store(planned.resolved.results_dir, write=False) as store:
        if left := _left(planned.plan, store):
            raise RequestError(
                f"{planned.name}: {left} fits of this study are missing; `swapbench run` computes them"
            )
    with open_store(planned.resolved.results_dir, write=True) as store:
        _freeze(planned)
        _link(planned, store)  # other studies may have computed it all
        records, trials = store.record_table(planned.name), store.trial_table(planned.name)
        judgement = _judge(planned, store, records)
        refused = pd.DataFrame(
            [dataclasses.asdict(refusal) for refusal in planned.plan.refused],
            columns=["component", "role", "host", "task", "reason"],
        )
        page = report.write(
            planned.folder,
            study=dataclasses.replace(planned.study, name=planned.name),
            records=records,
            trials=trials,
            judgement=judgement,
            refused=refused,
            provenance=store.provenance(planned.name),
            sources={name: dict(part.source) for name, part in planned.resolved.components.items()},
        )
    return Report(judgement, records, refused, page, int((records["status"] != "ok").sum()))


def _judge(planned: PlannedStudy, store: Store, records: pd.DataFrame) -> Judgement:
    from benchmark.judge import judge

    study = planned.study
    return judge(
        records,
        candidates=[name for name in study.candidates if name in set(records["component"])],
        baselines=list(study.baselines),
        rope=study.protocol.rope,
        level=study.protocol.level,
        host_effects=study.protocol.host_effects,
        excluded={(refusal.component, refusal.host, refusal.task) for refusal in planned.plan.refused},
        variants_tried=store.variants_tried(study.slot),
    )


def _device(asked: str) -> str:
    """``cpu`` or ``cuda``."""
    import torch

    if asked not in ("auto", "cpu", "cuda"):
        raise RequestError(f"device={asked}: choose from auto, cpu, cuda")
    if asked == "cuda" and not torch.cuda.is_available():
        raise RequestError("device=cuda: torch sees no CUDA device here; choose cpu or auto")
    return "cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu"


def _workers(resolved: ResolvedStudy) -> int:
    if resolved.executor == "serial":
        return 1
    return resolved.workers or len(os.sched_getaffinity(0))


def _folder_name(catalog: Catalog, resolved: ResolvedStudy, overrides: Sequence[str]) -> str:
    """The study's own name, unless ``name=`` says otherwise or the overrides changed the question."""
    shipped = [item for item in overrides if item.startswith("study=")]
    if resolved.named or question_digest(catalog, shipped) == resolved.digest:
        return resolved.study.name
    return f"{resolved.study.name}-{resolved.digest[:8]}"


def _freeze(planned: PlannedStudy) -> None:
    """Write ``study.lock`` at the first run; afterwards the question may not change."""
    lock = planned.folder / "study.lock"
    asked = json.loads(json.dumps(dataclasses.asdict(planned.study)))
    if lock.is_file():
        fixed = json.loads(lock.read_text(encoding="utf-8"))
        if fixed["digest"] != planned.resolved.digest:
            changed = _first_difference(fixed["study"], asked) or "the overrides of components"
            raise RequestError(
                f"{lock}: the first run fixed this study and {changed} is different now; "
                "give the new question another name="
            )
        return
    planned.folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(
        {"schema": 1, "digest": planned.resolved.digest, "study": asked}, indent=1, sort_keys=True
    )
    partial = lock.with_suffix(".partial")
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(lock)


def _first_difference(before: Any, now: Any, path: str = "") -> str | None:
    """The first key whose value differs, with both values."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = sorted({*before, *now} - ({"name"} if not path else set()))
        found = (
            _first_difference(before.get(key), now.get(key), f"{path}.{key}".lstrip(".")) for key in keys
        )
        return next((item for item in found if item), None)
    return None if before == now else f"{path} ({before} then, {now} now)"


def _link(planned: PlannedStudy, store: Store) -> None:
    from benchmark.records.store import Place, TrialPlace

    rows = planned.plan.rows
    store.link(
        planned.name,
        (
            Place(row.arm.role, row.slot, cell, row.job.task.origin, key)
            for row in rows
            for cell, key in row.cells()
        ),
        (
            TrialPlace(
                row.arm.role,
                row.slot,
                row.arm.component,
                row.host,
                row.job.task.name,
                row.job.task.origin,
                row.job.repeat,
                row.job.fold,
                row.arm.replicate,
                trial.number,
                trial.key,
            )
            for row in rows
            for trial in row.job.trials
        ),
    )
    store.note_variants({(row.slot, row.arm.component, row.component_digest) for row in rows})


def _left(expanded: Plan, store: Store) -> int:
    from benchmark.execute.cell import unfinished
    from benchmark.execute.engine import missing_jobs

    return len({key for job, done in missing_jobs(expanded, store) for key in unfinished(job, done)})


def _spread(planned: PlannedStudy, store: Store) -> float | None:
    """Largest spread between origins among the study's comparisons, if it has been run before."""
    records = store.record_table(planned.name)
    if records.empty or _left(planned.plan, store):
        return None
    judgement = _judge(planned, store, records)
    return max((found.spread for found in judgement.comparisons if found.setting == "tuned"), default=None)


def _power(planned: PlannedStudy, spread: float | None) -> tuple[float | None, float, bool]:
    """Minimal detectable effect, the spread it rests on, and whether that is assumed."""
    from benchmark.judge.intervals import Estimate, minimal_detectable_effect, resolve_host_effects, sidak

    study, sd = planned.study, _ASSUMED_SPREAD if spread is None else spread
    origins = len({task.origin for task in planned.plan.tasks.values()})
    hosts = len(study.hosts)
    if origins < 2:
        return None, sd, spread is None
    effects = resolve_host_effects(study.protocol.host_effects, hosts)
    df = origins - 1 if effects == "fixed" else min(origins, hosts) - 1
    guess = Estimate(0.0, effects, sd / origins**0.5, df, origins, hosts, sd, sd**2 / origins, 0.0)
    level = sidak(study.protocol.level, len(study.candidates))
    return minimal_detectable_effect(guess, level), sd, spread is None
