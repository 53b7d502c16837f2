"""What any component's file must say, whatever its slot."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmark.checks.check import Rule, expect
from benchmark.checks.subject import Subject, fitted
from benchmark.config import instantiate, targets
from benchmark.execute.fitting.fit import Diverged
from benchmark.execute.tune import apply
from benchmark.load.components import missing_reason
from benchmark.records.code import distributions
from benchmark.spec import Choice, Component, Pipeline, Range

__all__ = [
    "RULES",
    "builds",
    "header_equals_path",
    "packages_are_declared_and_used",
    "says_where_it_comes_from",
    "space_builds",
    "space_runs",
]


def header_equals_path(subject: Subject) -> None:
    """The first line of its file says the file's own path."""
    part = subject.component
    file = Path(part.file)
    expected = f"# @package components.{part.slot}.{part.name}"
    first = file.read_text(encoding="utf-8").split("\n", 1)[0]
    expect(first == expected, f"the first line {expected!r}", repr(first))
    expect(file.parts[-2:] == (part.slot, f"{part.name}.yaml"), f"{part.slot}/{part.name}.yaml", file)


def says_where_it_comes_from(subject: Subject) -> None:
    """Its ``source`` names a paper, code or a note; and where its search space is from, if it has one."""
    source = subject.component.source
    expect({"paper", "code", "note"} & {*source}, "source: paper, code or note", dict(source))
    expect(source.get("space") or not subject.component.space, "source.space beside a search space")


def builds(subject: Subject) -> None:
    """What it needs is installed, and its ``make`` is a class of its slot with arguments that it takes."""
    expect(missing_reason(subject.component) is None, "its packages", missing_reason(subject.component))
    expect(callable(subject.make), "a class with its arguments bound", subject.make)


def packages_are_declared_and_used(subject: Subject) -> None:
    """It imports every package that it declares, and declares what Swapbench does not install itself."""
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
    """Its default lies in its search space; it can be built at both ends and the middle of each dimension."""
    for pipeline in _across(subject):
        instantiate(pipeline.components[subject.component.slot])


def space_runs(subject: Subject) -> None:
    """It takes a step, or fits, at both ends and the middle of each dimension of its search space."""
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


def _trains_itself(subject: Subject) -> bool:
    return subject.component.slot in ("booster", "weak_learner", "estimator")


RULES = (
    Rule(header_equals_path),
    Rule(says_where_it_comes_from),
    Rule(builds),
    Rule(packages_are_declared_and_used),
    Rule(space_builds, applies=lambda subject: bool(subject.component.space)),
    Rule(space_runs, applies=lambda subject: bool(subject.component.space), slow=_trains_itself),
)
"""For the components of every slot."""
