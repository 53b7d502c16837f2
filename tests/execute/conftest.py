"""Real tasks and whole pipelines of the catalog, ready to fit."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark.catalog import open_catalog
from benchmark.data import TaskData, describe, load
from benchmark.plan.grid import Job, PlannedCell
from benchmark.plan.splits import splits
from benchmark.resolve.components import read_component, read_pipeline
from benchmark.spec import Component, Limits, Pipeline, Protocol, Seeds, Split, Splitting, Task

TROUBLE = f"{Path(__file__).with_name('trouble.py')}:Trouble"
ONCE = Limits(retries=0)


@pytest.fixture(scope="session")
def component() -> Callable[[str, str], Component]:
    """Reads a component by slot and name."""
    catalog = open_catalog()

    def read(slot: str, name: str) -> Component:
        return read_component(slot, name, catalog.document(slot, name), str(catalog.path(slot, name)))

    return functools.cache(read)


@pytest.fixture(scope="session")
def pipeline(component: Callable[[str, str], Component]) -> Callable[..., Pipeline]:
    """Reads a pipeline by name, with components put into slots: ``pipeline("mlp", optimizer="sgd")``."""
    catalog = open_catalog()

    def read(name: str, **swapped: str) -> Pipeline:
        document, file = catalog.document("pipeline", name), str(catalog.path("pipeline", name))
        whole = read_pipeline(name, document, file, component)
        for slot, part in swapped.items():
            whole = whole.swap(component(slot, part))
        return whole

    return read


@pytest.fixture(scope="session")
def real_task() -> Callable[[str], tuple[TaskData, Task, Split]]:
    """A bundled task with the first of its five folds."""
    catalog = open_catalog()

    @functools.cache
    def read(name: str) -> tuple[TaskData, Task, Split]:
        dataset = catalog.dataset(name)
        data = load(dataset)
        task = describe(dataset, data)
        return data, task, splits(task, data.basis(), Splitting(), seed=0)[0]

    return read


@pytest.fixture
def job_of(pipeline: Callable[..., Pipeline], real_task: Callable[[str], Any]) -> Callable[..., Job]:
    """A job of the linear model on iris: cells in default with the given keys, one seed each."""

    def made(*keys: str, **further: Any) -> Job:
        planned: dict[str, Any] = {
            "key": "+".join(keys),
            "pipeline": pipeline("linear"),
            "dataset": open_catalog().dataset("iris"),
            "task": real_task("iris")[1],
            "repeat": 0,
            "fold": 0,
            "root_seed": 0,
            "protocol": Protocol(),
            "device": "cpu",
            "space": {},
            "tunings": (),
            "cells": tuple(PlannedCell(n, "default", key, Seeds(n, 2, 3)) for n, key in enumerate(keys)),
        }
        return Job(**(planned | further))

    return made


@pytest.fixture
def make_job(job_of: Callable[..., Job], pipeline: Callable[..., Pipeline]) -> Callable[..., Job]:
    """Makes a job of some cells whose estimator calls a function of trouble.py, or of another ``target``."""

    def make(what: str, n_cells: int = 1, limits: Limits = ONCE, target: str = TROUBLE, **with_: Any) -> Job:
        arguments = {"_target_": target, "_partial_": True, "what": what, "with_": with_}
        trouble = Component("estimator", "trouble", arguments, fills=("estimator",), trusted=True)
        made = pipeline("linear").swap(trouble)
        keys = (f"{what} {n}" for n in range(n_cells))
        return job_of(*keys, key=what, pipeline=made, protocol=Protocol(limits=limits))

    return make


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
