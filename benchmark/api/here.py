"""A published study with what this machine has of it: its data, its code, its libraries."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.api.planning import device_of
from benchmark.errors import RequestError
from benchmark.plan.grid import Plan, expand
from benchmark.plan.keys import Environment
from benchmark.publish.exports.published import HeldOut
from benchmark.records.code import code_facts, harness_identity
from benchmark.records.provenance import facts, library_versions, sampler_version
from benchmark.spec import Component, Dataset, Pipeline, SplitFacts, Task
from benchmark.targets import targets

if TYPE_CHECKING:
    from benchmark.publish.bundle import Bundle
    from benchmark.publish.document import Document
    from benchmark.resolve.study import Machine

__all__ = ["Here", "data_here", "differences", "is_same_machine", "planned_here"]


@dataclass
class Here:
    """What this machine has of a study's data, by task."""

    tasks: dict[str, Task] = field(default_factory=dict)
    splits: dict[str, tuple[SplitFacts, ...]] = field(default_factory=dict)
    truths: dict[tuple[str, int, int], Any] = field(default_factory=dict)
    """The true values of the test rows, with their weights, where the data is that of the study."""
    test_rows: dict[tuple[str, int, int], HeldOut] = field(default_factory=dict)
    """The same rows by number, with what their class codes stand for."""
    cards: dict[str, Dataset] = field(default_factory=dict)


def data_here(document: Document) -> Here:
    """Those of a study's tasks whose data is on this machine, with their splits and test rows."""
    from benchmark import data
    from benchmark.catalog import open_catalog
    from benchmark.plan.splits import splits
    from benchmark.resolve.tasks import card_of

    catalog, found, study = open_catalog(), Here(), document.study
    for name in document.tasks:
        with contextlib.suppress(
            RequestError
        ):  # of another name here, or not to be read: then it is not at hand
            card = card_of(catalog, name)
            if not data.at_hand(card):
                continue
            table = data.load(card)
            found.cards[name] = card
            task = found.tasks[name] = data.describe(card, table, study.metric)
            drawn = splits(task, table.basis(), study.protocol.splits, study.seed)
            found.splits[name] = tuple(split.facts for split in drawn)
            if task.fingerprint != document.tasks[name].fingerprint:
                continue
            for split in drawn:
                weights = None if table.weights is None else table.weights[split.test]
                at, truth = (name, split.repeat, split.fold), table.y[split.test]
                found.truths[at] = (truth, weights)
                found.test_rows[at] = HeldOut(split.test, truth, table.classes)
    return found


def planned_here(bundle: Bundle, here: Here, machine: Machine, folder: Path) -> Plan:
    """The study's plan with the code, the libraries and the data of this machine."""
    from benchmark.catalog import open_catalog
    from benchmark.resolve.components import missing_reason
    from benchmark.targets import trust

    document = bundle.document
    open_catalog([folder] if (folder / "components").is_dir() else [])
    trust(machine.trust)
    _make_importable(folder / "modules")
    local = {id(part): _local(part, bundle, folder, machine) for part in _every(bundle)}
    missing = {
        arm: reason[1]
        for arm, parts in document.components.items()
        for part in parts
        if (reason := missing_reason(local[id(part)])) is not None
    }
    absent = {
        name: "its data is not on this machine, or is other data"
        for name, task in document.tasks.items()
        if name not in here.tasks or here.tasks[name].fingerprint != task.fingerprint
    }

    def swapped(pipeline: Pipeline) -> Pipeline:
        parts = {slot: local[id(part)] for slot, part in pipeline.components.items()}
        return dataclasses.replace(pipeline, components=parts)

    return expand(
        document.study,
        components={
            arm: tuple(local[id(part)] for part in parts) for arm, parts in document.components.items()
        },
        hosts={name: swapped(pipeline) for name, pipeline in document.hosts.items()},
        references={name: swapped(pipeline) for name, pipeline in document.references.items()},
        datasets={**document.datasets, **here.cards},
        tasks=document.tasks,
        splits={name: here.splits.get(name, ()) for name in document.tasks},
        missing={**document.missing, **missing},
        unavailable={**document.unavailable, **absent},
        environment=Environment(
            device_of(machine),
            library_versions(),
            harness_identity(),
            sampler_version(document.study.protocol.tuning.sampler),
        ),
    )


def _every(bundle: Bundle) -> Iterator[Component]:
    document = bundle.document
    yield from (part for parts in document.components.values() for part in parts)
    for pipeline in (*document.hosts.values(), *document.references.values()):
        yield from pipeline.components.values()


def _local(part: Component, bundle: Bundle, folder: Path, machine: Machine) -> Component:
    """The component with the arguments of the bundle and the code that stands for it here."""
    from benchmark.config import instantiate
    from benchmark.publish.sources import stated
    from benchmark.records.code import code_identity, missing_package

    named = stated(bundle.sources)
    typed = {
        name.rpartition("/")[2]: str(folder.parent / name)
        for says in bundle.document.code.get(part.code, {}).values()
        if (name := named.get(says, "")).startswith(f"{folder.name}/typed/")
    }
    make = _located(part.make, typed)
    trusted = part.name in machine.trust and bool(typed)
    made = dataclasses.replace(part, make=make, trusted=trusted, file=part.name)
    if any(missing_package(target) for target in targets(make)):
        return made
    made = dataclasses.replace(made, code=code_identity(frozenset(targets(make))))
    instantiate(made)  # refuses what is in no declared library, before anything is run
    return made


def _located(node: Any, files: Mapping[str, str]) -> Any:
    """``make`` with every typed file where it lies here."""
    if isinstance(node, Mapping):
        return {
            key: _target(value, files) if key == "_target_" else _located(value, files)
            for key, value in node.items()
        }
    return [_located(value, files) for value in node] if isinstance(node, (list, tuple)) else node


def _target(target: str, files: Mapping[str, str]) -> str:
    file, colon, name = target.rpartition(":")
    return f"{files[file]}:{name}" if colon and file in files else target


def _make_importable(folder: Path) -> None:
    """Let this process, and the workers that it starts, import from a folder."""
    if folder.is_dir():
        sys.path.insert(0, str(folder.resolve()))
        below = [str(folder.resolve()), *filter(None, [os.environ.get("PYTHONPATH")])]
        os.environ["PYTHONPATH"] = os.pathsep.join(below)


def differences(bundle: Bundle, here: Here, plan: Plan, machine: Machine) -> Iterator[str]:
    """What is different here from where the bundle comes from, hardware first."""
    document, known = bundle.document, facts(device_of(machine))
    for there in bundle.environments:
        for name in ("cpu", "cores", "gpus", "os", "python", "swapbench", "commit"):
            if there.get(name) != known.get(name) and there.get(name) is not None:
                yield f"{name}: {there.get(name)} there, {known.get(name)} here"
        packages = there.get("packages", {})
        for name, version in sorted(known["packages"].items()):
            if packages.get(name) not in (None, version):
                yield f"{name}: {packages[name]} there, {version} here"
    if document.environment.device != device_of(machine):
        yield f"device: {document.environment.device} there, {device_of(machine)} here"
    if document.environment.harness != harness_identity():
        yield "the harness: its code that fits and scores is another version here"
    yield from _other_code(bundle, plan)
    for name, task in document.tasks.items():
        if name not in here.tasks:
            yield f"data set {name}: not on this machine"
        elif here.tasks[name].fingerprint != task.fingerprint:
            yield f"data set {name}: other data here"
        elif here.splits[name] != document.splits[name]:
            yield f"data set {name}: split into other rows here"


def is_same_machine(bundle: Bundle, machine: Machine) -> bool:
    """Whether processor, device, libraries and the harness are those of all of the bundle's records."""
    known, document = facts(device_of(machine)), bundle.document
    packages = known["packages"]
    return (
        document.environment.device == device_of(machine)
        and document.environment.harness == harness_identity()
        and all(
            all(there.get(name) == known[name] for name in ("cpu", "gpus", "python"))
            and all(packages.get(name) == version for name, version in there.get("packages", {}).items())
            for there in bundle.environments
        )
    )


def _other_code(bundle: Bundle, plan: Plan) -> Iterator[str]:
    """Components whose code is another one here, each once, with what differs in it."""
    mine = {(p.slot, p.name): p for row in plan.rows for p in row.job.pipeline.components.values()}
    for part in bundle.document.parts():
        local = mine.get((part.slot, part.name))
        if local is None or local.code == part.code:
            continue
        there = bundle.document.code.get(part.code, {})
        ours = {name: fact.says for name, fact in code_facts(frozenset(targets(local.make))).items()}
        changed = sorted({name for name in {*there, *ours} if there.get(name) != ours.get(name)})
        yield f"{part.slot} {part.name}: other code here ({', '.join(name[:60] for name in changed)})"
