"""Which part of a plan runs next, read off the records of the parts before.

A study with ``protocol.stop=sequential`` runs the baselines and their A/A arms on every data set first, since
they fix the noise floor, and then one data set after the other, each candidate only until its verdict
is settled. One with ``protocol.confirm=split`` runs everything on one half of the data sets, and on the other
half only what was selected. Every other study is one stage.

What a stage holds follows from the plan and from records of the stages before, never from when or in how
many runs they were computed: an interrupted study goes on where it was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmark.api.linking import left_of, link, records_of
from benchmark.api.planning import PlannedStudy, baseline_origins, comparable
from benchmark.errors import RequestError
from benchmark.plan.cost import job_seconds, total
from benchmark.plan.grid import Plan, Row
from benchmark.plan.order import halves, task_order
from benchmark.spec import Study

if TYPE_CHECKING:
    from benchmark.records.store import Store

__all__ = [
    "Saved",
    "Stage",
    "by_candidate",
    "complete",
    "confirming",
    "finished",
    "is_staged",
    "least_origins",
    "missing",
    "opening",
    "order_of",
    "rule_of",
    "saved",
    "stages",
]


@dataclass(frozen=True)
class Stage:
    """A part of a study that is run together."""

    plan: Plan
    later: Plan
    """All that may have to follow."""

    def with_later(self) -> Plan:
        """The part together with all that may have to follow."""
        return dataclasses.replace(self.plan, rows=(*self.plan.rows, *self.later.rows))


@dataclass(frozen=True)
class Saved:
    """What stopping early, or confirming what was selected alone, spared."""

    fits: int
    """Trials and cells of the plan that were not needed."""
    planned: int
    """Trials and cells of the whole plan."""
    after: Mapping[str, int]
    """Of every candidate that was not run on all data sets: on how many it was."""
    origins: int
    """How many data sets (origins) there are."""


def stages(planned: PlannedStudy, store: Store) -> Iterator[Stage]:
    """The stages of a study in turn; each must be in the store, and linked, before the next is asked for."""
    first = opening(planned)
    protocol = planned.study.protocol
    if protocol.stop == "sequential":
        yield from _blocks(planned, store, first)
    elif protocol.confirm == "split":
        yield from _halves(planned, store, first)
    else:
        yield Stage(first, _part(planned, ()))


def by_candidate(planned: PlannedStudy, store: Store) -> Iterator[Stage]:
    """The stages of a study that may be cut off; where it is run as a whole, what is worth most comes first.

    That is what every candidate is held against, without which nothing can be judged, and then one candidate
    after the other, the one with the least left first: after every one a verdict more can be given.
    """
    from benchmark.execute.engine import missing_jobs

    if is_staged(planned.study):
        yield from stages(planned, store)
        return
    seconds = job_seconds(planned.plan, store.fit_seconds())
    missing = {job.key for job, _ in missing_jobs(planned.plan, store)}
    parts = {name: _part(planned, _own(planned, name)) for name in planned.study.candidates}
    left = {
        name: sum(seconds[key] for key in {row.job.key for row in part.rows} & missing)
        for name, part in parts.items()
    }
    order = sorted((name for name in parts if left[name]), key=lambda name: (left[name], name))
    turns = [_ground(planned), *(parts[name] for name in order)]
    for number, part in enumerate(turns):
        later = (row for further in turns[number + 1 :] for row in further.rows)
        yield Stage(part, _part(planned, later))


def complete(planned: PlannedStudy, store: Store) -> list[str]:
    """The candidates of which nothing is missing; none while their ground is not complete, or of stages."""
    from benchmark.execute.engine import missing_jobs

    if is_staged(planned.study):
        return []
    missing = {job.key for job, _ in missing_jobs(planned.plan, store)}
    if any(row.job.key in missing for row in _ground(planned).rows):
        return []
    return [
        name
        for name in planned.study.candidates
        if not any(row.job.key in missing for row in _own(planned, name))
    ]


def is_staged(study: Study) -> bool:
    """Whether a part of the study's plan may turn out not to be needed."""
    return study.protocol.stop == "sequential" or study.protocol.confirm == "split"


def least_origins() -> int:
    """On how many data sets every verdict rests at least."""
    from benchmark.judge.verdict import ORIGINS_NEEDED

    return ORIGINS_NEEDED


def opening(planned: PlannedStudy) -> Plan:
    """The first stage, which no result decides on."""
    protocol, rows = planned.study.protocol, planned.plan.rows
    if protocol.stop == "sequential":
        # What the featureless predictor loses is the price of a failure, in the A/A arms as elsewhere.
        origins = order_of(planned)
        rows = tuple(row for row in rows if row.job.task.origin in origins and _is_ground(planned, row))
    elif protocol.confirm == "split":
        (selecting, _), able = confirming(planned), comparable(planned.plan)
        rows = tuple(row for row in rows if row.job.task.origin in selecting and _is_in(planned, row, able))
    return _part(planned, rows)


def finished(planned: PlannedStudy, store: Store) -> Plan:
    """All that the study's stages needed, linked to the study.

    It then consists of that and of nothing else, whatever other studies have left in the store.

    Raises
    ------
    RequestError
        When a part of it is not in the store.
    """
    rows: list[Row] = []
    for stage in stages(planned, store):
        if left := left_of(stage.plan, store):
            raise RequestError(missing(planned, left))
        link(planned, store, stage.plan.rows, further=bool(rows))
        rows += stage.plan.rows
    return _part(planned, rows)


def missing(planned: PlannedStudy, left: int) -> str:
    """That so many fits are missing, and what computes them."""
    return f"{planned.name}: {left} fits of this study are missing; `swapbench run` computes them"


def order_of(planned: PlannedStudy) -> tuple[str, ...]:
    """The origins on which a baseline runs, in the order that the study's seed fixes."""
    return task_order(planned.study.seed, baseline_origins(planned.plan))


def confirming(planned: PlannedStudy) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The origins that select, and those that confirm."""
    return halves(planned.study.seed, baseline_origins(planned.plan))


def rule_of(planned: PlannedStudy) -> dict[str, Any]:
    """How the study is judged, as arguments of ``judge``: arms, rule, and what could not be run."""
    study, protocol = planned.study, planned.study.protocol
    return {
        "candidates": comparable(planned.plan),
        "baselines": list(study.baselines),
        "rope": protocol.rope,
        "level": protocol.level,
        "host_effects": protocol.host_effects,
        "excluded": {
            (refusal.component, refusal.host, refusal.task)
            for refusal in planned.plan.refused
            if refusal.role != "control"  # where a control cannot run, its baseline may
        },
    }


def saved(planned: PlannedStudy, needed: Plan) -> Saved | None:
    """What the study did without of its plan; None where it is run as a whole.

    ``needed`` is what :func:`finished` returns.
    """
    if not is_staged(planned.study):
        return None
    every = total(planned.plan, {}).fits
    after = {}
    for name in comparable(planned.plan):
        ran, could = (_origins_of(part, name) for part in (needed, planned.plan))
        if ran < could:
            after[name] = len(ran)
    return Saved(every - total(needed, {}).fits, every, after, len(order_of(planned)))


def _blocks(planned: PlannedStudy, store: Store, first: Plan) -> Iterator[Stage]:
    """The floor, then one origin after the other; the first ones together, since they settle nothing."""
    from benchmark.judge.ordered import unsettled

    order, still = order_of(planned), comparable(planned.plan)
    yield Stage(first, _further(planned, order, still))
    least = least_origins()
    blocks = [order[:least], *((origin,) for origin in order[least:])]
    for number, block in enumerate(blocks):
        later = [origin for block in blocks[number + 1 :] for origin in block]
        yield Stage(_further(planned, block, still), _further(planned, later, still))
        rule = rule_of(planned) | {"sequence": planned.study.protocol.sequence}
        still = unsettled(records_of(planned, store), order=order, **rule)
        if not still:
            return


def _halves(planned: PlannedStudy, store: Store, first: Plan) -> Iterator[Stage]:
    from benchmark.judge.family import selected

    selecting, holding = confirming(planned)
    yield Stage(first, _further(planned, holding, comparable(planned.plan), ground=True))
    chosen = selected(records_of(planned, store), selecting, **rule_of(planned))
    yield Stage(_further(planned, holding, set(chosen.values()), ground=True), _part(planned, ()))


def _further(
    planned: PlannedStudy, origins: Collection[str], candidates: Collection[str], *, ground: bool = False
) -> Plan:
    """Some candidates and the references on some origins; with ``ground``, baselines and A/A arms too."""
    rows = (row for row in planned.plan.rows if row.job.task.origin in origins)
    wanted = (row for row in rows if _is_in(planned, row, candidates))
    return _part(planned, (row for row in wanted if ground or not _is_ground(planned, row)))


def _is_in(planned: PlannedStudy, row: Row, candidates: Collection[str]) -> bool:
    """Whether a row is of one of the candidates, or of no candidate at all."""
    return not _is_candidates(planned, row) or row.arm.component in candidates


def _is_ground(planned: PlannedStudy, row: Row) -> bool:
    """Whether a row is of what every candidate is held against."""
    if row.arm.role == "reference":
        return row.arm.component == "featureless"
    return not _is_candidates(planned, row)


def _ground(planned: PlannedStudy) -> Plan:
    """All that is of no candidate."""
    return _part(planned, (row for row in planned.plan.rows if not _is_candidates(planned, row)))


def _own(planned: PlannedStudy, name: str) -> Iterator[Row]:
    """The rows of a candidate and of its control."""
    return (
        row
        for row in planned.plan.rows
        if row.arm.component == name and row.arm.role in ("candidate", "control")
    )


def _is_candidates(planned: PlannedStudy, row: Row) -> bool:
    """Whether a row is a candidate's, or of its control."""
    return row.arm.role in ("candidate", "control") and row.arm.component in planned.study.candidates


def _part(planned: PlannedStudy, rows: Iterable[Row]) -> Plan:
    return dataclasses.replace(planned.plan, rows=tuple(rows))


def _origins_of(plan: Plan, candidate: str) -> set[str]:
    return {
        row.job.task.origin
        for row in plan.rows
        if (row.arm.role, row.arm.component) == ("candidate", candidate)
    }
