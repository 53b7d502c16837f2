"""Judges a study from the store and writes its report."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.api.linking import left_of, records_of
from benchmark.api.noting import note_report
from benchmark.api.planning import PlannedStudy
from benchmark.api.running import freeze, is_frozen
from benchmark.api.stages import (
    Saved,
    confirming,
    finished,
    missing,
    opening,
    order_of,
    rule_of,
    saved,
)
from benchmark.errors import RequestError
from benchmark.execute.profile import phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import numpy as np
    import pandas as pd

    from benchmark.findings import Finding
    from benchmark.judge import Judgement
    from benchmark.records.ledger import Judged
    from benchmark.report import About

__all__ = ["Report", "examined", "judged", "write_report"]


@dataclass(frozen=True)
class Report:
    """A judged study and where its report was written."""

    about: About
    """What its page and the terminal say about it."""
    judgement: Judgement
    records: pd.DataFrame
    refused: pd.DataFrame
    edges: pd.DataFrame
    """Where the tuned settings lie in their search spaces, as ``judge.search.edges`` says."""
    page: Path
    failures: int
    """Records of the study that are not ok."""
    saved: Saved | None
    """What stopping early or confirming spared; None for a study that is run as a whole."""


def write_report(planned: PlannedStudy, *, standing: bool = False, held_back: bool = False) -> Report:
    """Judge the study from the store and write its report, running nothing.

    The question of a ``standing`` study is what it is judged by: see ``running.freeze``.

    Raises
    ------
    RequestError
        When cells of the study have no record yet.
    """
    with phase("report"):
        return _written(planned, standing, held_back)


def _written(planned: PlannedStudy, standing: bool, held_back: bool) -> Report:
    import pandas as pd

    from benchmark import report
    from benchmark.api.suspecting import suspected
    from benchmark.records.leases import held
    from benchmark.records.store import open_store

    with open_store(planned.resolved.results_dir, write=False) as store:
        if left := left_of(opening(planned), store):
            raise RequestError(missing(planned, left))
    with open_store(planned.resolved.results_dir, write=True) as store:
        if not standing:
            is_frozen(planned)  # refuses another question before anything is linked to this name
        needed = finished(planned, store)
        freeze(planned, standing=standing, held_back=held_back)  # other studies may have computed it all
        records, trials = records_of(planned, store), store.trial_table(planned.name)
        with phase("judge"):
            judgement, at_edges = examined(
                planned,
                records,
                store.prediction,
                suspected(planned),
                store.variants_tried(planned.study.slot),
            )
        store.note_judged(_found(planned, judgement))
        refused = pd.DataFrame(
            [dataclasses.asdict(refusal) for refusal in planned.plan.refused],
            columns=["component", "role", "host", "task", "reason"],
        )
        about = report.about_study(dataclasses.replace(planned.study, name=planned.name), judgement)
        note_report(planned, store, about, judgement, records)
        with held(planned.folder / "study.lock"):  # one report at a time
            page = report.write(
                planned.folder,
                about=about,
                tasks=list(planned.plan.tasks.values()),
                records=records,
                trials=trials,
                judgement=judgement,
                refused=refused,
                edges=at_edges,
                ledger=store.ledger(planned.study.slot),
                provenance=store.provenance(planned.name),
                sources={
                    part.name: dict(part.source)
                    for parts in planned.resolved.components.values()
                    for part in parts
                },
            )
    failures = int((records["status"] != "ok").sum())
    return Report(about, judgement, records, refused, at_edges, page, failures, saved(planned, needed))


def _found(planned: PlannedStudy, judgement: Judgement) -> Iterator[Judged]:
    """What was found of every variant, for the ledger."""
    from benchmark.records.ledger import Judged

    digests = {
        row.arm.component: row.component_digest for row in planned.plan.rows if row.arm.role == "candidate"
    }
    for found in judgement.comparisons:
        yield Judged(
            planned.study.slot,
            found.candidate,
            digests[found.candidate],
            planned.name,
            found.baseline,
            found.setting,
            found.n["origins"],
            found.effect.mean,
            found.verdict,
        )


def _spaces(planned: PlannedStudy) -> pd.DataFrame:
    """The ranges that are searched for every arm and host, one row each, with the defaults in them."""
    import pandas as pd

    from benchmark.judge.search.edges import SPACE_COLUMNS
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


def examined(
    planned: PlannedStudy,
    records: pd.DataFrame,
    prediction: Callable[[str], np.ndarray | None],
    suspected: Iterable[Finding],
    variants_tried: Mapping[str, int],
) -> tuple[Judgement, pd.DataFrame]:
    """What the records of a planned study support, with all that was noticed; and ``edges``.

    Parameters
    ----------
    records
        As :func:`~benchmark.api.linking.completed` has them.
    prediction
        From a record's key to its test predictions, or None where they were not kept.
    suspected
        What was found on the data.
    variants_tried
        How many variants of each component of the slot there were.
    """
    from benchmark.api.finding import findings_of
    from benchmark.judge.flags import attached
    from benchmark.judge.search.edges import edges

    at_edges = edges(records, _spaces(planned))
    judgement = judged(planned, records, variants_tried)
    found = findings_of(records, judgement, at_edges, prediction, suspected)
    return attached(judgement, found), at_edges


def judged(planned: PlannedStudy, records: pd.DataFrame, variants_tried: Mapping[str, int]) -> Judgement:
    """What the records of a planned study support."""
    from benchmark.judge import judge

    study, protocol = planned.study, planned.study.protocol
    staged: dict[str, Any] = {}
    if protocol.stop == "sequential":
        staged = {"order": order_of(planned), "sequence": protocol.sequence}
    elif protocol.confirm == "split":
        staged = {"confirm": confirming(planned)}
    return judge(
        records,
        **rule_of(planned),
        **staged,
        primary=study.primary or None,
        variants_tried=variants_tried,
        factors=_factors(planned),
        controls=protocol.controls,
    )


def _factors(planned: PlannedStudy) -> Mapping[str, Mapping[str, str]] | None:
    """What every arm puts into each of two slots; None for a study of one."""
    slots = planned.study.slots
    if len(slots) < 2:
        return None
    arms = planned.resolved.components
    return {arm: {slot: part.name for slot, part in zip(slots, arms[arm], strict=True)} for arm in arms}
