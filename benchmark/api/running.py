"""Executes what is missing of a study, once its question is fixed."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.api.linking import left_of, link
from benchmark.api.logged import logged
from benchmark.api.planning import PlannedStudy, device_of
from benchmark.api.stages import Stage, by_candidate, stages
from benchmark.errors import RequestError
from benchmark.execute.profile import phase
from benchmark.plan.cost import job_seconds
from benchmark.plan.grid import Plan
from benchmark.records.provenance import facts
from benchmark.resolve.study import Machine, ResolvedStudy
from benchmark.spec import Protocol, Study

if TYPE_CHECKING:
    from benchmark.execute.engine import Progress
    from benchmark.records.store import Store

__all__ = ["freeze", "is_frozen", "is_held_back", "run", "workers_of"]


def run(
    planned: PlannedStudy,
    *,
    budget_seconds: float | None = None,
    quiet: bool = False,
    profile: bool = False,
    standing: bool = False,
) -> Progress:
    """Execute what is missing of the study; every outcome is in the store when this returns or is killed.

    A study that may stop early is executed stage by stage, all of them within ``budget_seconds``. With
    ``profile`` what comes back says where the time went. Of a ``standing`` study, which entrants join and
    leave, nothing is fixed before it is judged; within a budget one candidate is finished after the other.

    Raises
    ------
    RequestError
        When the study's first run asked something else, or the disk is full.
    """
    from benchmark.execute.clusters.slurm.desk import finished_meanwhile
    from benchmark.execute.engine import Context, execute
    from benchmark.records.store import open_store

    resolved = planned.resolved
    with open_store(resolved.results_dir, write=True) as store, logged(planned):
        if not standing:
            freeze(planned)
        seconds = job_seconds(planned.plan, store.fit_seconds())
        begun: list[Stage] = []
        progress = execute(
            _plans(planned, store, begun, standing and budget_seconds is not None),
            store,
            executor=resolved.executor,
            context=Context(
                workers_of(resolved),
                resolved.config_dirs,
                resolved.trust,
                resolved.options,
                resolved.results_dir,
                device_of(resolved),
                profile,
            ),
            known=facts(device_of(resolved)),
            cost=lambda job: seconds[job.key],
            finished=finished_meanwhile(resolved.results_dir),
            budget_seconds=budget_seconds,
            quiet=quiet,
        )
        if not progress.stopped:
            return progress
        left = left_of(begun[-1].with_later() if begun else planned.plan, store)
        return dataclasses.replace(progress, left=left, stopped=progress.stopped if left else "")


def _plans(planned: PlannedStudy, store: Store, begun: list[Stage], in_turn: bool) -> Iterator[Plan]:
    """The plan of every stage, linked before it runs; those that were begun are added to ``begun``."""
    for stage in by_candidate(planned, store) if in_turn else stages(planned, store):
        with phase("store"):
            link(planned, store, stage.plan.rows, further=bool(begun))
        begun.append(stage)
        yield stage.plan


def workers_of(resolved: ResolvedStudy | Machine) -> int:
    """How many processes the study may use: as many as are asked for, else one per core or place on a GPU."""
    from benchmark.execute.devices import default_workers

    if resolved.executor == "serial":
        return 1
    return resolved.workers or default_workers(device_of(resolved), resolved.options)


def freeze(planned: PlannedStudy, *, standing: bool = False, held_back: bool = False) -> None:
    """Write ``study.lock`` at the first run; afterwards the question may not change.

    That of a ``standing`` study is written anew: the list it stands in fixes what it asks, and its history
    keeps what it asked before. A ``held_back`` one says so there: no page names its data sets.

    Raises
    ------
    RequestError
        When the first run, perhaps that of another driver just now, asked something else.
    """
    if standing:
        _write_lock(planned, os.replace, held_back=held_back)
    elif not is_frozen(planned):
        _write_lock(planned, os.link)
    for left in planned.folder.glob("study.[0-9]*"):  # of a driver that was killed just here
        left.unlink(missing_ok=True)


def _write_lock(planned: PlannedStudy, put: Callable[[Path, Path], None], *, held_back: bool = False) -> None:
    planned.folder.mkdir(parents=True, exist_ok=True)
    asked = dataclasses.asdict(planned.study)
    text = json.dumps(
        {
            "schema": 1,
            "digest": planned.resolved.digest,
            "study": asked,
            "overrides": [item for item in planned.asked if not item.startswith("results_dir=")],
            "config_dirs": [str(Path(folder).resolve()) for folder in planned.resolved.config_dirs],
            **({"held_back": True} if held_back else {}),
        },
        indent=1,
        sort_keys=True,
    )
    partial = _lock(planned).with_suffix(f".{os.getpid()}")
    try:
        partial.write_text(text + "\n", encoding="utf-8")
        put(partial, _lock(planned))  # whole or not at all, and by one driver
    except (FileExistsError, FileNotFoundError):  # another was faster, and may have cleared up already
        is_frozen(planned)
    finally:
        partial.unlink(missing_ok=True)


def is_frozen(planned: PlannedStudy) -> bool:
    """Whether a first run fixed this question.

    Raises
    ------
    RequestError
        When it fixed another one.
    """
    lock = _lock(planned)
    if not lock.is_file():
        return False
    fixed = json.loads(lock.read_text(encoding="utf-8"))
    if fixed["digest"] != planned.resolved.digest:
        asked = json.loads(json.dumps(dataclasses.asdict(planned.study)))
        changed = _first_difference(_with_defaults(fixed["study"]), asked) or "the overrides of components"
        raise RequestError(
            f"{lock}: the first run fixed this study and {changed} is different now; "
            "give the new question another name="
        )
    return True


def is_held_back(lock: Path) -> bool:
    """Whether the data sets of the study of this ``study.lock`` are to be named nowhere."""
    return bool(json.loads(lock.read_text(encoding="utf-8")).get("held_back"))


def _lock(planned: PlannedStudy) -> Path:
    return planned.folder / "study.lock"


def _with_defaults(study: Mapping[str, Any]) -> dict[str, Any]:
    """The study of a lock, with what could not be asked yet when it was written at its default."""
    return {**_defaults(Study), **study, "protocol": {**_defaults(Protocol), **study["protocol"]}}


def _defaults(noun: type[Study | Protocol]) -> dict[str, Any]:
    return {field.name: field.default for field in dataclasses.fields(noun)}


def _first_difference(before: Any, now: Any, path: str = "") -> str | None:
    """The first key whose value differs, with both values."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = sorted({*before, *now} - ({"name"} if not path else set()))
        found = (
            _first_difference(before.get(key), now.get(key), f"{path}.{key}".lstrip(".")) for key in keys
        )
        return next((item for item in found if item), None)
    return None if before == now else f"{path} ({before} then, {now} now)"
