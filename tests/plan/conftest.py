"""Studies made of values alone: no file, no catalog, no clock."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from benchmark.plan.grid import Plan, expand
from benchmark.plan.keys import Environment
from benchmark.spec import (
    Budget,
    Component,
    Dataset,
    Pipeline,
    Protocol,
    Range,
    SplitFacts,
    Splitting,
    Study,
    Task,
    Tuning,
)


def part(slot: str, name: str, **fields: Any) -> Component:
    """A component with one argument, tuned."""
    made: dict[str, Any] = {
        "make": {"_target_": f"components.{slot}.X", "_partial_": True, "lr": 0.01},
        "space": {"lr": Range(1e-4, 1.0, log=True)},
        "fills": (slot,),
        "code": f"code of {slot}",
        **fields,
    }
    return Component(slot, name, **made)


def neural(name: str, **swapped: Component) -> Pipeline:
    """A whole network."""
    slots = ("preprocessor", "architecture", "activation", "loss", "optimizer", "schedule")
    return Pipeline(name, "neural", {slot: swapped.get(slot) or part(slot, f"own-{slot}") for slot in slots})


def task(name: str, **facts: Any) -> Task:
    """The facts of a task."""
    known = {"origin": name, "modality": "tabular", "task_type": "binary", "metric": "accuracy"}
    return Task(
        name=name,
        **{
            **known,
            "n_rows": 100,
            "n_features": 3,
            "n_classes": 2,
            "fingerprint": f"print of {name}",
            **facts,
        },
    )


class World:
    """Everything that :func:`expand` is given, ready to be changed in one place."""

    def __init__(self) -> None:
        self.study = Study(
            name="s",
            question="?",
            slots=("optimizer",),
            candidates=("new",),
            baselines=("old",),
            hosts=("mlp", "net"),
            references=("featureless",),
            tasks=("t", "u"),
            suite="",
            protocol=Protocol(
                splits=Splitting(repeats=1, folds=2),
                seeds=2,
                aa=1,
                tuning=Tuning(3),
                budget=Budget("steps", 100),
            ),
        )
        self.components = {
            "old": (part("optimizer", "old", code="old code"),),
            "new": (part("optimizer", "new", code="new code"),),
        }
        self.hosts = {
            "mlp": neural("mlp"),
            "net": neural("net", architecture=part("architecture", "deep", code="deep")),
        }
        estimator = {
            "preprocessor": part("preprocessor", "p", space={}),
            "estimator": part("estimator", "e", space={}),
        }
        self.references = {"featureless": Pipeline("featureless", "estimator", estimator)}
        self.tasks = {name: task(name) for name in ("t", "u")}
        self.splits = {
            name: [SplitFacts(0, fold, f"{name}{fold}", 1, 1, 1) for fold in (0, 1)] for name in ("t", "u")
        }
        self.environment = Environment("cpu", {"torch": "2"}, "harness")
        self.missing: dict[str, str] = {}

    def protocol(self, **fields: Any) -> None:
        """Change the protocol."""
        self.study = dataclasses.replace(
            self.study, protocol=dataclasses.replace(self.study.protocol, **fields)
        )

    def plan(self) -> Plan:
        """The expanded study."""
        return expand(
            self.study,
            components=self.components,
            hosts=self.hosts,
            references=self.references,
            datasets={name: Dataset(name, "bundled", "y", "x", name) for name in self.tasks},
            tasks=self.tasks,
            splits=self.splits,
            missing=self.missing,
            environment=self.environment,
        )

    def keys(self) -> dict[tuple[Any, ...], str]:
        """Every key by its full coordinate, trials too; which tuning study a seed uses is no part of it.

        A control has its name where the others have their role.
        """
        found: dict[tuple[Any, ...], str] = {}
        for row in self.plan().rows:
            for cell, key in row.cells():
                found[(cell.control or row.arm.role, *dataclasses.astuple(cell)[:-2])] = key
            for number, tuning in enumerate(row.job.tunings):
                place = (row.arm.role, row.arm.component, row.host, row.job.task.name, row.job.fold)
                for trial in tuning.trials:
                    found[(*place, row.arm.replicate, number, "trial", trial.number)] = trial.key
        return found


@pytest.fixture
def world() -> World:
    """A small study made of values."""
    return World()


@pytest.fixture
def make_part() -> Callable[..., Component]:
    """Makes a component of a slot."""
    return part


@pytest.fixture
def make_pipeline() -> Callable[..., Pipeline]:
    """Makes a neural pipeline, with components put into slots."""
    return neural


@pytest.fixture
def make_task() -> Callable[..., Task]:
    """Makes the facts of a task."""
    return task
