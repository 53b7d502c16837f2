"""What a report adds to the history of its store."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from benchmark.api.planning import PlannedStudy
from benchmark.plan.keys import digest
from benchmark.spec import Component

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.judge import Judgement
    from benchmark.records.store import Store
    from benchmark.report import About

__all__ = ["facts_of", "note_report"]


def note_report(
    planned: PlannedStudy, store: Store, about: About, judgement: Judgement, records: pd.DataFrame
) -> None:
    """Note what a study's records were just judged to say, and what they follow from."""
    from benchmark.report.files import verdict_json

    store.note_report(planned.name, verdict_json(about, judgement, records), facts_of(planned))


def facts_of(planned: PlannedStudy) -> dict[str, Any]:
    """What the numbers of a study follow from, as plain values.

    Keys: ``study``, and by name ``tasks`` (fingerprints), ``splits`` (digests) and ``components`` (``make``
    and the digest of the code, by ``slot.name`` within every arm, host and reference): the fields of
    ``publish.differences.Side``.
    """
    from benchmark.publish.document import portable

    return {
        "study": dataclasses.asdict(planned.study),
        "tasks": {name: task.fingerprint for name, task in planned.plan.tasks.items()},
        "splits": {name: digest([split.digest for split in found]) for name, found in planned.splits.items()},
        "components": {
            where: {
                f"{part.slot}.{part.name}": {"make": portable(part).make, "code": part.code} for part in parts
            }
            for where, parts in _pipelines(planned)
        },
    }


def _pipelines(planned: PlannedStudy) -> Iterator[tuple[str, Iterable[Component]]]:
    """The components of every arm, host and reference, by what has them."""
    resolved = planned.resolved
    for name, parts in resolved.components.items():
        yield f"arm {name}", parts
    for kind, pipelines in (("host", resolved.hosts), ("reference", resolved.references)):
        for name, pipeline in pipelines.items():
            yield f"{kind} {name}", pipeline.components.values()
