"""Every architecture of the catalog over every form of input that it takes, for several test files."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmark.catalog import open_catalog
from benchmark.config import instantiate
from benchmark.data import describe, load
from benchmark.execute.fitting.fit import fit
from benchmark.metrics import METRICS
from benchmark.plan.splits import splits
from benchmark.resolve.components import read_component, read_pipeline
from benchmark.spec import Budget, Component, InputSpec, Pipeline, Seeds, Splitting

Inputs = tuple[Tensor | None, ...]
CATALOG = open_catalog()
SPECS = {
    "numbers": InputSpec(5),
    "categories": InputSpec(0, (4, 2, 7)),
    "both": InputSpec(3, (3, 1)),
    "grey": InputSpec(form="image", shape=(1, 8, 8)),
    "colour": InputSpec(form="image", shape=(3, 29, 17)),
    "pixel": InputSpec(form="image", shape=(2, 1, 1)),
    "sequence": InputSpec(form="sequence", shape=(7, 2)),
    "tokens": InputSpec(form="tokens", shape=(7,), n_tokens=11),
    "language": InputSpec(form="tokens", shape=(7,), n_tokens=11, every_step=True),
}
BUDGET = Budget("steps", 120, batch_size=128, evaluations=12, patience=4)


@functools.cache
def component(slot: str, name: str) -> Component:
    """A component of the catalog."""
    return read_component(slot, name, CATALOG.document(slot, name), str(CATALOG.path(slot, name)))


COMPONENTS = {name: component("architecture", name) for name in CATALOG.names("architecture")}


def forms(architecture: Component) -> list[str]:
    """What an architecture says that it takes."""
    return [need.partition(":")[2] for need in architecture.needs if need.startswith("input:")] or ["table"]


PAIRS = [
    (name, kind)
    for name, part in COMPONENTS.items()
    for kind, spec in SPECS.items()
    if spec.form in forms(part)
]
ONE_KIND = list({name: kind for name, kind in PAIRS}.items())


def each(pairs: list[tuple[str, str]]) -> pytest.MarkDecorator:
    """Runs a test once for every architecture and kind of input."""
    return pytest.mark.parametrize(("name", "kind"), pairs, ids=[f"{name}-{kind}" for name, kind in pairs])


def rows(spec: InputSpec, n_rows: int, seed: int = 0, *, full: bool = False) -> Inputs:
    """What ``forward`` takes, at random; of steps, the first row is of full length, or all of them are."""
    generator = torch.Generator().manual_seed(seed)

    def codes(n_codes: int, *shape: int, lowest: int = 0) -> Tensor:
        return torch.randint(lowest, n_codes, (n_rows, *shape), generator=generator)

    if spec.form == "table":
        x_num = torch.randn(n_rows, spec.n_numeric, generator=generator) if spec.n_numeric else None
        columns = [codes(cardinality) for cardinality in spec.cardinalities]
        return x_num, torch.stack(columns, dim=1) if columns else None
    if spec.form == "image":
        return (torch.randn(n_rows, *spec.shape, generator=generator),)
    lengths = codes(spec.shape[0] + 1, lowest=spec.shape[0] if full else 1)
    lengths[0] = spec.shape[0]
    within = torch.arange(spec.shape[0]) < lengths[:, None]
    if spec.form == "tokens":
        return codes(spec.n_tokens, spec.shape[0], lowest=1) * within, lengths
    return torch.randn(n_rows, *spec.shape, generator=generator) * within[..., None], lengths


def some(inputs: Inputs, part: slice) -> Inputs:
    """Some of the rows."""
    return tuple(None if tensor is None else tensor[part] for tensor in inputs)


def build(
    name: str,
    spec: InputSpec,
    n_outputs: int = 3,
    seed: int = 0,
    activation: Callable[[], torch.nn.Module] = torch.nn.Tanh,
) -> Any:
    """The architecture with its default arguments, passed what the slot passes."""
    extra: dict[str, Any] = {"activation": activation, "training_rows": rows(spec, 64)}
    asked = {word: value for word, value in extra.items() if word in COMPONENTS[name].needs}
    torch.manual_seed(seed)
    return instantiate(COMPONENTS[name])(spec, n_outputs, **asked)


def pipeline(name: str) -> Pipeline:
    """A pipeline of the catalog."""
    document, file = CATALOG.document("pipeline", name), str(CATALOG.path("pipeline", name))
    return read_pipeline(name, document, file, component)


@functools.cache
def error_of(name: str, dataset: str) -> float:
    """The error of a pipeline at its defaults on the first fold of a bundled task, after the quick budget."""
    card = CATALOG.dataset(dataset)
    data = load(card)
    task = describe(card, data)
    split = splits(task, data.basis(), Splitting(), seed=0)[0]
    metric = "accuracy" if task.n_classes else "rmse"
    fitted = fit(pipeline(name), data, task, split, metric=metric, budget=BUDGET, seeds=Seeds(5, 6, 7))
    return METRICS[metric].error(data.y[split.test], fitted.prediction)
