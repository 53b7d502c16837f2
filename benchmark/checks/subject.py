"""A component, and where it can be tried: inside a pipeline of the catalog, on a small real task."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmark.catalog import Catalog
from benchmark.config import instantiate
from benchmark.data import TaskData, describe, load
from benchmark.execute.fitting.fit import Fit, fit
from benchmark.metrics import METRICS
from benchmark.plan.compatibility import form_of, incompatibility, swap_reason
from benchmark.plan.splits import splits
from benchmark.resolve.components import read_component, read_pipeline
from benchmark.spec import FAMILIES, Budget, Component, Pipeline, Seeds, Split, Splitting, Task

__all__ = ["SEEDS", "Place", "Subject", "component_named", "error_of", "fitted", "holed", "task_named"]

TASKS: Mapping[str, int | None] = {
    "wine": None,
    "breast_cancer": 200,
    "diabetes": 200,
    "elnino": None,
    "digits_images": 300,
    "dataset_descriptions": 60,
}
"""Real tasks that come with the libraries, by the number of rows that is taken of them (None: all): classes
and values in tables, a forecast, images, language."""
FIRST_HOSTS = ("mlp", "lightgbm", "random_forest")
"""Tried before other pipelines, being quick."""
SEEDS = Seeds(weights=11, order=12, dropout=13)

_tasks: dict[tuple[str, int | None], tuple[TaskData, Task, Split]] = {}
_pipelines: dict[tuple[int, str], tuple[Catalog, Pipeline]] = {}
"""By the catalog's number, which the catalog beside it keeps from being given to another."""


@dataclass(frozen=True, eq=False)
class Place:
    """A whole pipeline with the component in it, and a task that it takes."""

    pipeline: Pipeline
    data: TaskData
    task: Task
    split: Split


@dataclass(frozen=True, eq=False)
class Subject:
    """A component under examination, in its catalog."""

    component: Component
    catalog: Catalog

    @property
    def make(self) -> Any:
        """Its class with the constructor arguments bound."""
        return instantiate(self.component)

    def says(self, *words: str) -> bool:
        """Whether one of some words is among its needs or what it gives."""
        return bool({*self.component.needs, *self.component.gives} & {*words})

    def named(self, kind: str) -> list[str]:
        """The values of its needs of one kind, such as ``input``."""
        pairs = [need.partition(":") for need in self.component.needs]
        return [value for prefix, _, value in pairs if prefix == kind]

    @functools.cached_property
    def hosts(self) -> list[Pipeline]:
        """Every pipeline that it fits into: its home first, then the quick ones, then by name."""
        families = [name for name, slots in FAMILIES.items() if self.component.slot in slots]
        whole = [_pipeline(self.catalog, name) for name in self.catalog.names("pipeline")]
        fitting = [
            pipeline
            for pipeline in whole
            if pipeline.family in families and swap_reason([self.component], pipeline) is None
        ]
        return sorted(fitting, key=self._rank)

    def places(self, *, missing: bool = False) -> Iterator[Place]:
        """Where it can be tried, the first task's first.

        Parameters
        ----------
        missing
            Only with components that take missing numbers, on tables that have some.
        """
        device = "cuda" if "gpu" in self.component.needs and torch.cuda.is_available() else "cpu"
        for name, rows in TASKS.items():
            data, task, split = task_named(self.catalog, name, rows)
            if missing and task.modality != "tabular":
                continue
            if missing:
                data, task = holed(data), dataclasses.replace(task, missing=True)
            for host in self.hosts:
                pipeline = host.swap(self.component)
                if incompatibility(pipeline, task, device) is None:
                    yield Place(pipeline, data, task, split)

    def one_place_a_task(self) -> Iterator[Place]:
        """The first host's place on each task that it takes."""
        last = ""
        for place in self.places():
            if place.task.name != last:
                yield place
            last = place.task.name

    def one_place_a_form(self) -> Iterator[Place]:
        """The first place of each form of input that it meets."""
        seen = set()
        for place in self.places():
            form = form_of(place.pipeline, place.task.modality)
            if form not in seen:
                seen.add(form)
                yield place

    @functools.cached_property
    def place(self) -> Place:
        """The first one.

        Raises
        ------
        LookupError
            When no pipeline of the catalog takes it on any of the tasks; says why the last one does not.
        """
        found = next(self.places(), None)
        if found is None:
            raise LookupError(f"no pipeline of the catalog takes it on any of {', '.join(TASKS)}")
        return found

    def _rank(self, pipeline: Pipeline) -> tuple[bool, bool, int, str]:
        own = self.component.slot != "preprocessor" and self.component.name in {
            part.name for slot, part in pipeline.components.items() if slot == self.component.slot
        }
        takes_tables = not {"native"} & set(pipeline.components["preprocessor"].gives)
        quick = FIRST_HOSTS.index(pipeline.name) if pipeline.name in FIRST_HOSTS else len(FIRST_HOSTS)
        return not own, not takes_tables, quick, pipeline.name


def fitted(place: Place, steps: int, *, batch_size: int = 32, evaluations: int = 5) -> Fit:
    """What a pipeline leaves at its place; a network trains for so many steps."""
    budget = Budget("steps", steps, batch_size=batch_size, evaluations=evaluations, patience=99)
    device = "cuda" if any("gpu" in part.needs for part in place.pipeline.components.values()) else "cpu"
    return fit(
        place.pipeline,
        place.data,
        place.task,
        place.split,
        metric=place.task.metric,
        budget=budget,
        seeds=SEEDS,
        device=device,
    )


def error_of(place: Place, prediction: np.ndarray) -> float:
    """The task's own error of a prediction of the test rows."""
    return METRICS[place.task.metric].error(place.data.y[place.split.test], prediction, None)


def holed(data: TaskData) -> TaskData:
    """A task's data with every seventh number of its table missing."""
    assert isinstance(data.X, pd.DataFrame)
    X = data.X.copy()
    for place, column in enumerate(X.select_dtypes("number").columns):
        X.loc[X.index[place % 7 :: 7], column] = np.nan
    return dataclasses.replace(data, X=X)


def task_named(catalog: Catalog, name: str, rows: int | None) -> tuple[TaskData, Task, Split]:
    """A task with the last of its five folds, which in time is the one with most training rows; read once."""
    if (name, rows) not in _tasks:
        card = dataclasses.replace(catalog.dataset(name), rows=rows)
        data = load(card)
        task = describe(card, data)
        _tasks[name, rows] = data, task, splits(task, data.basis(), Splitting(), seed=0)[-1]
    return _tasks[name, rows]


def component_named(catalog: Catalog, slot: str, name: str) -> Component:
    """A component of the catalog."""
    return read_component(slot, name, catalog.document(slot, name), str(catalog.path(slot, name)))


def _pipeline(catalog: Catalog, name: str) -> Pipeline:
    """A pipeline of the catalog; read once."""
    if (id(catalog), name) not in _pipelines:
        document, file = catalog.document("pipeline", name), str(catalog.path("pipeline", name))
        whole = read_pipeline(name, document, file, functools.partial(component_named, catalog))
        _pipelines[id(catalog), name] = catalog, whole
    return _pipelines[id(catalog), name][1]
