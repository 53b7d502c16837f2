"""What any component's file must say, whatever its slot."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmark.checks.check import Rule, expect
from benchmark.checks.learners.table import trains_itself
from benchmark.checks.subject import Subject, fitted
from benchmark.config import instantiate, targets
from benchmark.execute.fitting.fit import Diverged
from benchmark.execute.tune import apply
from benchmark.records.code import distributions
from benchmark.resolve.components import missing_reason
from benchmark.spec import Choice, Component, Pipeline, Range

__all__ = [
    "CONTRACTS",
    "RULES",
    "builds",
    "header_equals_path",
    "packages_are_declared_and_used",
    "says_where_it_comes_from",
    "space_builds",
    "space_runs",
]


CONTRACTS = (
    *("predictions_have_the_contracts_shape", "outputs_have_the_contracts_shape", "fits_values"),
    *("gives_what_the_contract_says", "leaves_missing_numbers_only_if_it_says_so"),
    *("steps_as_the_slot_calls_it", "calls_the_closure", "takes_its_task_types", "rates_are_sound"),
)
"""Rules of some slot or other that no whole pipeline does without."""


def header_equals_path(subject: Subject) -> None:
    """The first line of its file says the file's own path.

    Hydra puts a file's content where that line says: with another path the component is some other one's.
    """
    part = subject.component
    file = Path(part.file)
    expected = f"# @package components.{part.slot}.{part.name}"
    first = file.read_text(encoding="utf-8").split("\n", 1)[0]
    expect(first == expected, f"the first line {expected!r}", repr(first))
    expect(file.parts[-2:] == (part.slot, f"{part.name}.yaml"), f"{part.slot}/{part.name}.yaml", file)


def says_where_it_comes_from(subject: Subject) -> None:
    """Its ``source`` names a paper, code or a note; and where its search space is from, if it has one.

    A reader cannot judge a comparison without knowing what was compared. A search space out of nowhere may be
    wider, or better placed, than its rivals'.
    """
    source = subject.component.source
    expect({"paper", "code", "note"} & {*source}, "source: paper, code or note", dict(source))
    expect(source.get("space") or not subject.component.space, "source.space beside a search space")


def builds(subject: Subject) -> None:
    """What it needs is installed, and its ``make`` is a class of its slot with arguments that it takes.

    What cannot be built is in no cell of a study.
    """
    expect(missing_reason(subject.component) is None, "its packages", missing_reason(subject.component))
    expect(callable(subject.make), "a class with its arguments bound", subject.make)


def packages_are_declared_and_used(subject: Subject) -> None:
    """It imports every package that it declares, and declares what Swapbench does not install itself.

    Whoever lacks a package that is not declared is told so by a crash and not by the plan.
    """
    behind = distributions(frozenset(targets(subject.component.make)))
    declared = {*subject.named("package")}
    imported = {package for packages in behind.values() for package in packages}
    expect(declared <= imported, "code that imports what `package:` declares", sorted(declared - imported))
    installed = {*_core()}
    extra = {
        name for name, packages in behind.items() if _plain(name) not in installed and not packages & declared
    }
    expect(not extra, "`package:` for what not everybody has", sorted(extra))


def space_builds(subject: Subject) -> None:
    """Its default lies in its search space; it can be built at both ends and the middle of each dimension.

    Tuning draws settings from all of that space. One that cannot be built is a lost trial, and this arm has
    fewer of them than its baseline.
    """
    for pipeline in _across(subject):
        instantiate(pipeline.components[subject.component.slot])


def space_runs(subject: Subject) -> None:
    """It takes a step, or fits, at both ends and the middle of each dimension of its search space.

    A setting that raises an error is a lost trial, and this arm has fewer of them than its baseline.
    """
    place = subject.place
    for pipeline in _across(subject):
        try:
            fitted(type(place)(pipeline, place.data, place.task, place.split), steps=1)
        except Diverged:
            continue  # a rate at the upper end may be too much; a study records it


def _across(subject: Subject) -> Iterator[Pipeline]:
    """The component's place with one argument after the other at the ends and the middle of its space."""
    part, pipeline = subject.component, subject.place.pipeline
    for path, dimension in part.space.items():
        default = _at(part, path)
        inside = (
            default in dimension.choices
            if isinstance(dimension, Choice)
            else dimension.low <= default <= dimension.high
        )
        expect(inside, f"{path} within its space", default)
        for value in _values(dimension):
            yield apply(pipeline, {f"{part.slot}.{path}": value})


def _values(dimension: Range | Choice) -> tuple[Any, ...]:
    if isinstance(dimension, Choice):
        return dimension.choices
    low, high = dimension.low, dimension.high
    middle = (low * high) ** 0.5 if dimension.log else (low + high) / 2
    values = dict.fromkeys((low, middle, high))
    return tuple(dict.fromkeys(map(round, values))) if dimension.integer else tuple(map(float, values))


def _at(part: Component, path: str) -> Any:
    node: Any = part.make
    for key in path.split("."):
        node = node[key]
    return node


def _core() -> Iterator[str]:
    """The distributions that everybody has who has Swapbench."""
    for line in importlib.metadata.requires("swapbench") or ():
        if "extra ==" not in line:
            yield _plain(re.split(r"[^\w.-]", line)[0])


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _has_a_file(subject: Subject) -> bool:
    """It is read from a YAML file: a class that somebody typed has none."""
    return subject.component.file.endswith(".yaml")


def _has_a_space(subject: Subject) -> bool:
    return bool(subject.component.space)


RULES = (
    Rule(header_equals_path, applies=_has_a_file, look="yaml"),
    Rule(says_where_it_comes_from, applies=_has_a_file, look="yaml"),
    Rule(builds),
    Rule(packages_are_declared_and_used, applies=_has_a_file, look="yaml"),
    Rule(space_builds, applies=_has_a_space, look="yaml"),
    Rule(
        space_runs,
        applies=_has_a_space,
        slow=trains_itself,
        look="yaml",
        causes=("space_builds", *CONTRACTS),
    ),
)
"""For the components of every slot."""
