"""``study.json``: a study with everything that its names stand for, so that its plan can be made again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from benchmark.errors import RequestError
from benchmark.parse import read
from benchmark.plan.grid import Plan, expand
from benchmark.plan.keys import Environment
from benchmark.publish.layout import STUDY
from benchmark.publish.plain import dumped, loaded
from benchmark.records.code import is_file_target, split_file_target
from benchmark.resolve.protocol import check_protocol
from benchmark.spec import FAMILIES, Component, Dataset, Pipeline, SplitFacts, Study, Task

__all__ = ["SCHEMA", "Document", "portable", "read_document", "write_document"]

T = TypeVar("T")
_MOST_FITS = 10**7
SCHEMA = 1
"""Of bundles: what a reader must know how to read."""


@dataclass(frozen=True, slots=True)
class Document:
    """All that a study's plan follows from, and what else its verdict rests on beside its records."""

    schema: int
    name: str
    """Of the folder that the results were in: the study's name, with a digest where it is not the shipped
    question."""
    digest: str
    """Of the question."""
    study: Study
    components: Mapping[str, tuple[Component, ...]]
    """What every candidate and baseline puts into the study's slots, by its name."""
    hosts: Mapping[str, Pipeline]
    references: Mapping[str, Pipeline]
    datasets: Mapping[str, Dataset]
    tasks: Mapping[str, Task]
    splits: Mapping[str, tuple[SplitFacts, ...]]
    """By task."""
    missing: Mapping[str, str]
    """Components that could not run, with the reason."""
    unavailable: Mapping[str, str]
    """Tasks that do not exist, with the reason."""
    environment: Environment
    code: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What the code of components is: by their digest of it, the version of every distribution and the
    SHA-256 of every local source."""
    variants_tried: Mapping[str, int] = field(default_factory=dict)
    """How many variants of each component of the slot the author's store had seen."""
    noticed: tuple[Mapping[str, Any], ...] = ()
    """What was found suspicious about the data."""

    def plan(self) -> Plan:
        """The plan of the study, made again.

        Raises
        ------
        RequestError
            Where the parts of the document do not belong together.
        """
        self._check_size()
        try:
            return expand(
                self.study,
                components=self.components,
                hosts=self.hosts,
                references=self.references,
                datasets=self.datasets,
                tasks=self.tasks,
                splits=self.splits,
                missing=self.missing,
                environment=self.environment,
                unavailable=self.unavailable,
            )
        except (KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError) as error:
            said = " ".join(str(error).split())[:200]
            raise RequestError(
                f"{STUDY}: no plan can be made of it: {type(error).__name__}: {said}"
            ) from error

    def _check_size(self) -> None:
        """Refuse a plan of more fits than anybody publishes, before it is made."""
        protocol = self.study.protocol
        arms = len(self.components) * (3 + max(0, protocol.aa))
        pipelines = len(self.study.hosts) * arms + len(self.references)
        splits = sum(len(splits) for splits in self.splits.values())
        trials = max(1, protocol.tuning.trials) * max(1, protocol.tuning.repeats)
        fits = pipelines * splits * (trials + 2 * max(1, protocol.seeds))
        if fits > _MOST_FITS:
            raise RequestError(f"{STUDY}: up to {fits} fits: a bundle has at most {_MOST_FITS}")

    def parts(self) -> list[Component]:
        """Every component of every pipeline, each once by slot and name."""
        pipelines = (*self.hosts.values(), *self.references.values())
        parts = [part for arm in self.components.values() for part in arm]
        parts += [part for pipeline in pipelines for part in pipeline.components.values()]
        return list({(part.slot, part.name, part.code, repr(part.make)): part for part in parts}.values())


def write_document(document: Document) -> bytes:
    """``study.json``, without the paths of the machine it was made on."""
    return dumped(dataclasses.asdict(document))


def read_document(content: bytes) -> Document:
    """The document of a bundle.

    Raises
    ------
    RequestError
        In one line, where it is not one, or not written as :func:`write_document` writes.
    """
    values = loaded(content, STUDY)
    if (schema := values.get("schema")) != SCHEMA:
        raise RequestError(f"{STUDY}: has schema {str(schema)[:40]}, this version reads {SCHEMA}")
    document = read(Document, values, STUDY)
    if write_document(document) != content:
        raise RequestError(f"{STUDY}: not written as `swapbench bundle` writes it")
    study, hosts = document.study, {host.name for host in document.hosts.values()}
    try:
        check_protocol(study.protocol, max(1, len(hosts)), len(study.slots))
    except RequestError as error:
        raise RequestError(f"{STUDY}: {error}") from error
    return _in_order(document)


def _in_order(document: Document) -> Document:
    """The document with everything in the order in which the study names it: JSON has sorted it by name."""
    study = document.study
    arms = (*study.candidates, *study.baselines)
    return dataclasses.replace(
        document,
        components=_sorted(document.components, arms),
        hosts={name: _slots_in_order(one) for name, one in _sorted(document.hosts, study.hosts).items()},
        references={
            name: _slots_in_order(one) for name, one in _sorted(document.references, study.references).items()
        },
        datasets=_sorted(document.datasets, study.tasks),
        tasks=_sorted(document.tasks, study.tasks),
        splits=_sorted(document.splits, study.tasks),
    )


def _sorted(values: Mapping[str, T], names: Sequence[str]) -> dict[str, T]:
    place = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return dict(sorted(values.items(), key=lambda item: place.get(item[0], len(place))))


def _slots_in_order(pipeline: Pipeline) -> Pipeline:
    slots = FAMILIES.get(pipeline.family, ())
    return dataclasses.replace(pipeline, components=_sorted(pipeline.components, slots))


def portable(component: Component) -> Component:
    """The component without the folders of the machine it was read on; its key is the same."""
    source = {
        key: value.rpartition("/")[2] if key == "code" else value for key, value in component.source.items()
    }
    if not component.trusted:
        source = dict(component.source)
    return dataclasses.replace(
        component, make=_portable(component.make), source=source, file="", trusted=False
    )


def _portable(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _target(value) if key == "_target_" else _portable(value) for key, value in node.items()}
    return [_portable(value) for value in node] if isinstance(node, (list, tuple)) else node


def _target(target: str) -> str:
    if not is_file_target(target):
        return target
    file, name = split_file_target(target)
    return f"{file.name}:{name}"
