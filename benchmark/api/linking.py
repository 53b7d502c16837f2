"""Between a planned study and the store: what it consists of, what is missing of it, its records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from benchmark.api.planning import PlannedStudy
from benchmark.plan.grid import Plan, Row
from benchmark.plan.keys import component_digest, digest

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from benchmark.execute.pooled import Truth
    from benchmark.records.store import Store

__all__ = ["completed", "left_of", "link", "records_of"]


def link(planned: PlannedStudy, store: Store, rows: Iterable[Row], *, further: bool = False) -> None:
    """Tell the store which records and trials the study consists of, or which ``further`` ones."""
    from benchmark.records.store import Place, TrialPlace

    rows = list(rows)
    store.link(
        planned.name,
        _digest(rows),
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
                number,
                trial.number,
                trial.key,
            )
            for row in rows
            for number, tuning in enumerate(row.job.tunings)
            for trial in tuning.trials
        ),
        further=further,
    )
    store.note_variants(planned.name, _variants(planned, rows))


def _digest(rows: Iterable[Row]) -> str:
    """What tells the rows from any others: their coordinates, and the keys of what fills them."""
    return digest(
        [
            [row.arm.role, row.slot, row.arm.component, row.host, row.job.task.name, row.job.task.origin]
            + [row.job.repeat, row.job.fold, row.arm.replicate, row.arm.control, row.job.fits, row.job.key]
            for row in rows
        ]
    )


def _variants(planned: PlannedStudy, rows: Iterable[Row]) -> set[tuple[str, str, str]]:
    """Slot, component and digest of every arm of the rows, and of each part of an arm of two slots."""
    seen = {(row.slot, row.arm.component, row.component_digest) for row in rows}
    arms = {component for slot, component, _ in seen if slot == planned.study.slot}
    parts = (part for arm in arms for part in planned.resolved.components[arm])
    return seen | {(part.slot, part.name, component_digest(part)) for part in parts}


def left_of(expanded: Plan, store: Store) -> int:
    """Trials and cells of a plan that are not in the store yet."""
    from benchmark.execute.cell import unfinished
    from benchmark.execute.engine import missing_jobs

    return len({key for job, done in missing_jobs(expanded, store) for key in unfinished(job, done)})


def records_of(planned: PlannedStudy, store: Store, *, at: str | None = None) -> pd.DataFrame:
    """The study's records as they are judged: those of the store, :func:`completed`.

    With ``at`` those that its newest report on or before that moment judged.
    """
    from benchmark.execute.pooled import truth_of

    study = planned.study
    truth = truth_of(planned.resolved.datasets, planned.plan.tasks, study.protocol.splits, study.seed)
    return completed(planned, store.record_table(planned.name, at=at), truth, store.prediction)


def completed(
    planned: PlannedStudy,
    table: pd.DataFrame,
    truth: Truth,
    prediction: Callable[[str], np.ndarray | None],
) -> pd.DataFrame:
    """Records as they were computed, pooled over folds where single folds do not define the metric.

    With what is known of their coordinates beside the store's own columns: ``rows`` (of the task),
    ``base_host`` and ``width`` (of the host, NaN where it was not set).
    """
    from benchmark.execute.pooled import pooled

    tasks, hosts = planned.plan.tasks, planned.resolved.hosts
    records = pooled(table, tasks, truth, prediction)
    return records.assign(
        rows=records["task"].map({name: float(task.n_rows) for name, task in tasks.items()}),
        base_host=records["host"].map({name: host.name for name, host in hosts.items()}).fillna(""),
        width=records["host"].map({name: host.width for name, host in hosts.items()}).astype(float),
    )
