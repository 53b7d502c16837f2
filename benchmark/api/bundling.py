"""Publishes a finished study as a bundle."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.api.planning import PlannedStudy
from benchmark.api.reporting import write_report
from benchmark.api.suspecting import suspected

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.publish.bundle import Bundle
    from benchmark.publish.document import Document
    from benchmark.records.store import Store
    from benchmark.spec import Component, Pipeline

__all__ = ["Bundled", "bundle", "document_of", "made_of"]


@dataclass(frozen=True)
class Bundled:
    """A bundle that was written."""

    place: Path
    files: int
    bytes: int
    withheld: Mapping[str, str]
    """Tasks whose labels are not in it, with their licence."""
    remarks: tuple[str, ...] = ()
    """What the author should look at before it is published."""


def bundle(planned: PlannedStudy, out: Path, *, anonymous: bool = False, sign: Path | None = None) -> Bundled:
    """Write the bundle of a study whose records are all in the store: a folder, or a zip by its name.

    Parameters
    ----------
    anonymous
        Leave out what names people, hosts and the commit; what is left of it is among the remarks.
    sign
        A private key of ssh; its signature of the checksums goes into the bundle.

    Raises
    ------
    RequestError
        When a part of the study is not in the store, or ``out`` is something else than a bundle.
    """
    from benchmark.publish import anonymous as anonymity
    from benchmark.publish import layout
    from benchmark.publish.archive import check_place, write
    from benchmark.publish.signature import signed

    check_place(out)
    page = write_report(planned).page
    made = made_of(planned, page.parent, anonymous)
    files = made.files()
    if sign is not None:
        files[layout.SIGNATURE] = signed(files[layout.CHECKSUMS], sign)
    write(files, out)
    withheld = {
        name: card.about.get("licence", "not stated")
        for name, card in made.document.datasets.items()
        if name not in {task for task, *_ in made.labels}
    }
    remarks = [*anonymity.named_in(files, anonymity.identities())] if anonymous else []
    return Bundled(out, len(files), sum(map(len, files.values())), withheld, tuple([*remarks, *_late(made)]))


def made_of(planned: PlannedStudy, report: Path, anonymous: bool = False) -> Bundle:
    """The bundle of a study whose records are all in the store, and whose report is in a folder."""
    from benchmark.catalog import open_catalog
    from benchmark.publish.anonymous import without_paths
    from benchmark.publish.bundle import Bundle, planned_cells
    from benchmark.publish.sources import sources_of
    from benchmark.records.store import open_store

    open_catalog([Path(folder) for folder in planned.resolved.config_dirs])  # where the study's code is found
    with open_store(planned.resolved.results_dir, write=False) as store:
        records, trials = store.record_table(planned.name), store.trial_table(planned.name)
        records, environments = _environments(records, store.provenance(planned.name), anonymous)
        predictions = {key: kept for key in records["key"] if (kept := store.prediction(key)) is not None}
        document = document_of(planned, store)
    return Bundle(
        document=document,
        plan=planned_cells(planned.plan),
        records=without_paths(records),
        trials=without_paths(trials),
        predictions=predictions,
        labels=dict(_labels(planned, records)),
        verdict=json.loads((report / "verdict.json").read_text(encoding="utf-8")),
        claims=json.loads((report / "claims.json").read_text(encoding="utf-8")),
        environments=environments,
        lock=_lock(),
        sources=sources_of(_parts(planned)),
    )


def document_of(planned: PlannedStudy, store: Store) -> Document:
    """All that the study's plan follows from, without the paths of this machine."""
    from benchmark.publish.document import SCHEMA, Document, portable
    from benchmark.publish.sources import facts_of

    resolved = planned.resolved
    return Document(
        schema=SCHEMA,
        name=planned.name,
        digest=resolved.digest,
        study=dataclasses.replace(resolved.study, name=planned.name),
        components={arm: tuple(map(portable, parts)) for arm, parts in resolved.components.items()},
        hosts={name: _portable(pipeline) for name, pipeline in resolved.hosts.items()},
        references={name: _portable(pipeline) for name, pipeline in resolved.references.items()},
        datasets={
            name: dataclasses.replace(
                card,
                file="",
                location=Path(card.location).name if card.source == "file" else card.location,
                test=None if card.test is None else Path(card.test).name,
            )
            for name, card in resolved.datasets.items()
        },
        tasks=planned.plan.tasks,
        splits={name: tuple(splits) for name, splits in planned.splits.items()},
        missing=resolved.missing,
        unavailable=planned.unavailable,
        environment=planned.environment,
        code=facts_of(_parts(planned)),
        variants_tried=store.variants_tried(planned.study.slot),
        noticed=tuple(found.to_json() for found in suspected(planned)),
    )


def _portable(pipeline: Pipeline) -> Pipeline:
    from benchmark.publish.document import portable

    parts = {slot: portable(part) for slot, part in pipeline.components.items()}
    return dataclasses.replace(pipeline, components=parts)


def _parts(planned: PlannedStudy) -> list[Component]:
    """Every component of the study that can be made here."""
    resolved = planned.resolved
    arms = (parts for arm, parts in resolved.components.items() if arm not in resolved.missing)
    pipelines = (*resolved.hosts.values(), *resolved.references.values())
    return [
        *(part for arm in arms for part in arm),
        *(p for one in pipelines for p in one.components.values()),
    ]


def _environments(
    records: pd.DataFrame, environments: list[dict[str, Any]], anonymous: bool
) -> tuple[pd.DataFrame, tuple[Mapping[str, Any], ...]]:
    """The records, and the facts behind their provenance: without the commit where they are anonymous."""
    from benchmark.publish.anonymous import without_identity
    from benchmark.records.provenance import facts_digest

    if not anonymous:
        return records, tuple(environments)
    digests, found = {}, {}
    for facts in environments:
        known = without_identity({name: value for name, value in facts.items() if name != "digest"})
        digests[facts["digest"]] = digest = facts_digest(known)
        found[digest] = {"digest": digest, **known}
    records = records.assign(provenance=records["provenance"].map(digests))
    return records, tuple(found[digest] for digest in sorted(found))


def _labels(planned: PlannedStudy, records: pd.DataFrame) -> Iterator[tuple[Any, Any]]:
    """The true values of every split's test rows, of the tasks whose licence allows to pass them on."""
    from benchmark.execute.pooled import truth_of
    from benchmark.publish.licences import may_be_shared

    study, datasets = planned.study, planned.resolved.datasets
    truth = truth_of(datasets, planned.plan.tasks, study.protocol.splits, study.seed)
    places = records[["task", "repeat", "fold"]].drop_duplicates()
    for task, repeat, fold in sorted(places.itertuples(index=False, name=None)):
        if may_be_shared(datasets[task]):
            yield (task, repeat, fold), truth(task, repeat, fold)


def _lock() -> str:
    """Every installed distribution with its version, as pip reads it."""
    found = {
        (one.metadata["Name"], one.version)
        for one in importlib.metadata.distributions()
        if one.metadata["Name"]
    }
    return "".join(
        f"{name}=={version}\n" for name, version in sorted(found, key=lambda x: (x[0].lower(), x[1]))
    )


def _late(made: Bundle) -> Iterator[str]:
    """Where the packages that are installed now are not those that computed the records."""
    installed = dict(line.split("==") for line in made.lock.splitlines())
    for facts in made.environments:
        for name, version in facts.get("packages", {}).items():
            if name in installed and installed[name] != version:
                yield f"{name} is {installed[name]} now, and records were computed with {version}"
