"""What a report adds to the history of its store."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
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


def facts_of(planned: PlannedStudy, stated: Mapping[str, Mapping[str, str]] | None = None) -> dict[str, Any]:
    """What the numbers of a study follow from, as plain values.

    Keys: ``study``, and by name ``tasks`` (fingerprints), ``splits`` (digests) and ``components`` (``make``,
    a digest of the code, and the versions of the packages behind it, by ``slot.name`` within every arm, host
    and reference): the fields of ``publish.around.Side``.

    Parameters
    ----------
    stated
        What a bundle says of the code of its components (``Document.code``); read off this machine otherwise.
    """
    from benchmark.publish.document import portable
    from benchmark.publish.sources import facts_of as read

    pipelines = [(where, list(parts)) for where, parts in _pipelines(planned)]
    if stated is None:
        stated = read({part.code: part for _, parts in pipelines for part in parts}.values())
    code = {digest: _own_and_packages(facts) for digest, facts in stated.items()}
    return {
        "study": dataclasses.asdict(planned.study),
        "tasks": {name: task.fingerprint for name, task in planned.plan.tasks.items()},
        "splits": {name: digest([split.digest for split in found]) for name, found in planned.splits.items()},
        "components": {
            where: {
                f"{part.slot}.{part.name}": {"make": portable(part).make, **code[part.code]} for part in parts
            }
            for where, parts in pipelines
        },
    }


def _own_and_packages(facts: Mapping[str, str]) -> dict[str, Any]:
    """A digest of local sources, and what is installed by its version."""
    from benchmark.publish.sources import is_local
    from benchmark.records.code import identity_of

    own = {name: says for name, says in facts.items() if is_local(says)}
    return {"code": identity_of(own), "packages": {name: facts[name] for name in facts.keys() - own.keys()}}


def _pipelines(planned: PlannedStudy) -> Iterator[tuple[str, Iterable[Component]]]:
    """The components of every arm, host and reference, by what has them."""
    resolved = planned.resolved
    for name, parts in resolved.components.items():
        yield f"arm {name}", parts
    for kind, pipelines in (("host", resolved.hosts), ("reference", resolved.references)):
        for name, pipeline in pipelines.items():
            yield f"{kind} {name}", pipeline.components.values()
