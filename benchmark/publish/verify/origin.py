"""Whether the code, the data and the machines that a bundle states belong to what was computed."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from benchmark.publish.bundle import Bundle
from benchmark.publish.layout import ENVIRONMENT, LABELS, LOCK, RECORDS, SOURCES, STUDY
from benchmark.publish.licences import may_be_shared
from benchmark.publish.mismatch import Mismatch
from benchmark.publish.sources import is_local, stated
from benchmark.records.code import identity_of
from benchmark.records.provenance import facts_digest
from benchmark.spec import SplitFacts, Task
from benchmark.targets import targets

__all__ = ["check_cards", "check_code", "check_data", "check_environments"]

_FACTS = tuple(f.name for f in dataclasses.fields(Task) if f.name not in ("name", "scheme", "notes"))
"""Of a task, what follows from its data and its card."""


def check_cards(bundle: Bundle) -> Iterator[Mismatch]:
    """Names that are not those of what they stand for, and what cards say of tasks and labels."""
    document = bundle.document
    named: Mapping[str, Mapping[str, Any]] = {"datasets": document.datasets, "tasks": document.tasks}
    for where, entries in named.items():
        for name, entry in entries.items():
            if entry.name != name:
                yield Mismatch(STUDY, f"{where}: {name}: name", entry.name, name)
    for arm, parts in document.components.items():
        if "+".join(part.name for part in parts) != arm:
            yield Mismatch(STUDY, f"components: {arm}: name", "+".join(part.name for part in parts), arm)
    for name, card in document.datasets.items():
        task = document.tasks.get(name)
        for fact in ("task_type", "origin"):
            said = getattr(card, fact)
            if said and task is not None and said != getattr(task, fact):
                what = f"datasets: {name}: {fact}"
                yield Mismatch(STUDY, what, said, f"{getattr(task, fact)}, as its task says")
    for name in dict.fromkeys(task for task, *_ in bundle.labels):
        if name in document.datasets and not may_be_shared(document.datasets[name]):
            licence = document.datasets[name].about.get("licence", "not stated")
            yield Mismatch(LABELS, name, "labels", f"none: its licence ({licence[:60]}) does not allow it")


def check_code(bundle: Bundle) -> Iterator[Mismatch]:
    """Components whose digest is not that of the code that is stated, and sources that nobody states."""
    document, sources = bundle.document, stated(bundle.sources)
    for part in document.parts():
        for target in targets(part.make):
            if target.partition(".")[0] in (*sys.stdlib_module_names, "builtins"):
                yield Mismatch(STUDY, f"{part.slot} {part.name}: _target_", target, "a class of a library")
    for part in document.parts():
        where = f"{part.slot} {part.name}: code"
        facts = document.code.get(part.code)
        if facts is None:
            if part.name not in document.missing and not _of_missing(bundle, part.name):
                yield Mismatch(STUDY, where, part.code[:16], "a digest of which the code is stated")
        elif identity_of(facts) != part.code:
            yield Mismatch(
                STUDY, where, part.code[:16], f"{identity_of(facts)[:16]}, by what is stated of it"
            )
    known = {says for facts in document.code.values() for says in facts.values() if is_local(says)}
    for digest, name in sources.items():
        if name.endswith(".py") and digest not in known:
            yield Mismatch(name, "SHA-256", digest[:16], f"one that {STUDY} states of a component's code")
    wanted = {
        says: label
        for facts in document.code.values()
        for label, says in facts.items()
        if is_local(says) and not label.startswith("components.")
    }
    for digest, label in wanted.items():
        if digest not in sources:
            yield Mismatch(
                SOURCES, f"code of {label[:60]}", "is missing", f"a file with SHA-256 {digest[:16]}…"
            )


def check_environments(bundle: Bundle) -> Iterator[Mismatch]:
    """Environments whose digest is not theirs, records of none, and libraries other than the keys hold."""
    known = set()
    for facts in bundle.environments:
        digest = str(facts.get("digest"))
        actual = facts_digest({name: value for name, value in facts.items() if name != "digest"})
        if digest != actual:
            yield Mismatch(ENVIRONMENT, f"environment {digest[:16]}", "digest of other facts", actual)
        known.add(digest)
        yield from _libraries(bundle, facts)
    for digest in dict.fromkeys(bundle.records["provenance"]):
        if digest not in known:
            yield Mismatch(RECORDS, f"provenance {str(digest)[:16]}", "is there", f"one of {ENVIRONMENT}")
    used = set(bundle.records["provenance"])
    for digest in sorted(known - used):
        yield Mismatch(ENVIRONMENT, f"environment {digest[:16]}", "is there", "none: no record is of it")
    for number, line in enumerate(bundle.lock.splitlines(), start=1):
        if len(line.split("==")) != 2 or line != line.strip():
            yield Mismatch(LOCK, f"line {number}", line[:60], "NAME==VERSION")


def check_data(
    bundle: Bundle, tasks: Mapping[str, Task], splits: Mapping[str, tuple[SplitFacts, ...]]
) -> Iterator[Mismatch]:
    """Where the data on this machine, of which these are the tasks and splits, says something else."""
    for name, here in tasks.items():
        there = bundle.document.tasks[name]
        for fact in _FACTS:
            if getattr(there, fact) != getattr(here, fact):
                said = str(getattr(there, fact))[:16]
                yield Mismatch(
                    STUDY, f"{name}: {fact}", said, f"{str(getattr(here, fact))[:16]}, by the data here"
                )
        if name in splits and bundle.document.splits[name] != splits[name]:
            yield Mismatch(
                STUDY, f"{name}: splits", "other rows", "those that the data here and the protocol give"
            )


def _libraries(bundle: Bundle, facts: Mapping[str, object]) -> Iterator[Mismatch]:
    packages = facts.get("packages")
    if not isinstance(packages, Mapping):
        yield Mismatch(ENVIRONMENT, "packages", str(packages)[:40], "names with versions")
        return
    for name, version in bundle.document.environment.libraries.items():
        if packages.get(name) != version:
            yield Mismatch(
                ENVIRONMENT, f"packages: {name}", str(packages.get(name)), f"{version}, as {STUDY} says"
            )


def _of_missing(bundle: Bundle, part: str) -> bool:
    """Whether a component belongs to an arm that could not run."""
    document = bundle.document
    return any(
        part == component.name for arm in document.missing for component in document.components.get(arm, ())
    )
