"""What the components of a slot owe each other; what each owes by itself is in tests/conformance."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark.catalog import open_catalog
from benchmark.resolve.components import read_pipeline
from benchmark.spec import FAMILIES, SLOTS, Component, Range

CATALOG = open_catalog()
ReadComponent = Callable[[str, str], Component]


def test_every_slot_is_filled() -> None:
    assert all(CATALOG.names(slot) for slot in SLOTS)


@pytest.mark.parametrize("name", CATALOG.names("optimizer"))
def test_optimizers_are_tuned_with_equal_generosity(name: str, component: ReadComponent) -> None:
    """Four decades of lr around the default, five of weight decay, and 1e-5 of a weight lost per step."""
    part = component("optimizer", name)
    defaults = {path.rpartition(".")[2]: _value(part.make, path) for path in part.space}
    spaces = {path.rpartition(".")[2]: space for path, space in part.space.items()}
    # Newton's method has no decay of its own; how much it remembers is tuned instead.
    second = "history_size" if name == "lbfgs" else "weight_decay"
    assert set(spaces) == {"lr", second}
    decades = {"lr": (4, 2), "weight_decay": (5, 4), "history_size": (2, 1)}
    for argument, space in spaces.items():
        whole, above_low = decades[argument]
        assert isinstance(space, Range) and space.log
        assert math.log10(space.high / space.low) == pytest.approx(whole)
        assert math.log10(defaults[argument] / space.low) == pytest.approx(above_low)
    if second == "weight_decay":
        # Prodigy's lr multiplies a step size of its own, about AdamW's lr.
        lost = 1e-2 if name == "prodigy" else 1e-5
        assert defaults["lr"] * defaults["weight_decay"] == pytest.approx(lost, rel=0.02)


@pytest.mark.parametrize("name", CATALOG.names("pipeline"))
def test_pipelines_fill_their_family(name: str, component: ReadComponent) -> None:
    path = CATALOG.path("pipeline", name)
    assert path.read_text(encoding="utf-8").startswith(f"# @package components.pipeline.{name}\n")
    pipeline = read_pipeline(name, CATALOG.document("pipeline", name), str(path), component)
    assert tuple(pipeline.components) == FAMILIES[pipeline.family]


def test_components_import_no_harness_code() -> None:
    import components

    for source in sorted(Path(next(iter(components.__path__))).rglob("*.py")):
        assert "benchmark" not in source.read_text(encoding="utf-8").replace("ing benchmark", ""), source


def _value(make: Any, path: str) -> float:
    for part in path.split("."):
        make = make[part]
    return float(make)
