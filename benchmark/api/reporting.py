"""Judges a study from the store and writes its report."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.api.planning import PlannedStudy
from benchmark.api.running import freeze, left_of, link
from benchmark.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from benchmark.judge import Judgement
    from benchmark.records.store import Store

__all__ = ["Report", "judged", "records_of", "write_report"]


@dataclass(frozen=True)
class Report:
    """A judged study and where its report was written."""

    judgement: Judgement
    records: pd.DataFrame
    refused: pd.DataFrame
    edges: pd.DataFrame
    """Where the tuned settings lie in their search spaces, as ``judge.edges`` says."""
    page: Path
    failures: int
    """Records of the study that are not ok."""


def write_report(planned: PlannedStudy) -> Report:
    """Judge the study from the store and write its report, running nothing.

    Raises
    ------
    RequestError
        When cells of the study have no record yet.
    """
    import pandas as pd

    from benchmark import report
    from benchmark.judge.edges import edges
    from benchmark.records.store import open_store

    with open_store(planned.resolved.results_dir, write=False) as store:
        if left := left_of(planned.plan, store):
            raise RequestError(
                f"{planned.name}: {left} fits of this study are missing; `swapbench run` computes them"
            )
    with open_store(planned.resolved.results_dir, write=True) as store:
        freeze(planned)
        link(planned, store)  # other studies may have computed it all
        records, trials = records_of(planned, store), store.trial_table(planned.name)
        judgement = judged(planned, store, records)
        refused = pd.DataFrame(
            [dataclasses.asdict(refusal) for refusal in planned.plan.refused],
            columns=["component", "role", "host", "task", "reason"],
        )
        at_edges = edges(records, _spaces(planned))
        page = report.write(
            planned.folder,
            study=dataclasses.replace(planned.study, name=planned.name),
            tasks=list(planned.plan.tasks.values()),
            records=records,
            trials=trials,
            judgement=judgement,
            refused=refused,
            edges=at_edges,
            provenance=store.provenance(planned.name),
            sources={
                part.name: dict(part.source)
                for parts in planned.resolved.components.values()
                for part in parts
            },
        )
    return Report(judgement, records, refused, at_edges, page, int((records["status"] != "ok").sum()))


def _spaces(planned: PlannedStudy) -> pd.DataFrame:
    """The ranges that are searched for every arm and host, one row each, with the defaults in them."""
    import pandas as pd

    from benchmark.judge.edges import SPACE_COLUMNS
    from benchmark.plan.keys import default_of
    from benchmark.spec import Range

    rows: dict[tuple[str, ...], tuple[object, ...]] = {}
    for row in planned.plan.rows:
        default = default_of(row.job.pipeline, row.job.space)
        for argument, found in row.job.space.items():
            if isinstance(found, Range):
                at = (row.slot, row.arm.component, row.host, argument)
                rows[at] = (*at, found.low, found.high, found.log, found.integer, default[argument])
    return pd.DataFrame(list(rows.values()), columns=SPACE_COLUMNS)


def records_of(planned: PlannedStudy, store: Store) -> pd.DataFrame:
    """The study's records, pooled over folds where single folds do not define the metric.

    With what is known of their coordinates beside the store's own columns: ``rows`` (of the task),
    ``base_host`` and ``width`` (of the host, NaN where it was not set).
    """
    from benchmark.execute.pooled import pooled, truth_of

    study, tasks = planned.study, planned.plan.tasks
    truth = truth_of(planned.resolved.datasets, tasks, study.protocol.splits, study.seed)
    records = pooled(store.record_table(planned.name), tasks, truth, store.prediction)
    hosts = planned.resolved.hosts
    return records.assign(
        rows=records["task"].map({name: float(task.n_rows) for name, task in tasks.items()}),
        base_host=records["host"].map({name: host.name for name, host in hosts.items()}).fillna(""),
        width=records["host"].map({name: host.width for name, host in hosts.items()}).astype(float),
    )


def judged(planned: PlannedStudy, store: Store, records: pd.DataFrame) -> Judgement:
    """What the records of a planned study support."""
    from benchmark.judge import judge

    study = planned.study
    return judge(
        records,
        candidates=_comparable(planned),
        baselines=list(study.baselines),
        rope=study.protocol.rope,
        level=study.protocol.level,
        host_effects=study.protocol.host_effects,
        excluded={(refusal.component, refusal.host, refusal.task) for refusal in planned.plan.refused},
        variants_tried=store.variants_tried(study.slot),
        factors=_factors(planned),
    )


def _comparable(planned: PlannedStudy) -> list[str]:
    """The candidates that run somewhere beside a baseline; why the others do not stands in the plan."""
    places: dict[str, set[tuple[str, str]]] = {}
    for row in planned.plan.rows:
        if row.arm.role != "reference":
            places.setdefault(row.arm.component, set()).add((row.host, row.job.task.name))
    beside = [places.get(name, set()) for name in planned.study.baselines]
    return [name for name in planned.study.candidates if all(places.get(name, set()) & at for at in beside)]


def _factors(planned: PlannedStudy) -> Mapping[str, Mapping[str, str]] | None:
    """What every arm puts into each of two slots; None for a study of one."""
    slots = planned.study.slots
    if len(slots) < 2:
        return None
    arms = planned.resolved.components
    return {arm: {slot: part.name for slot, part in zip(slots, arms[arm], strict=True)} for arm in arms}
