"""What every YAML of the components owes, whatever its slot."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark.catalog import open_catalog
from benchmark.load.components import missing_reason, read_pipeline
from benchmark.spec import FAMILIES, SLOTS, Component, Range

CATALOG = open_catalog()
ALL = [(slot, name) for slot in SLOTS for name in CATALOG.names(slot)]
every_component = pytest.mark.parametrize(("slot", "name"), ALL, ids=[f"{slot}-{name}" for slot, name in ALL])
ReadComponent = Callable[[str, str], Component]


def test_every_slot_is_filled() -> None:
    assert {slot for slot, _ in ALL} == set(SLOTS)


@every_component
def test_header_equals_path(slot: str, name: str) -> None:
    first_line = CATALOG.path(slot, name).read_text(encoding="utf-8").splitlines()[0]
    assert first_line == f"# @package components.{slot}.{name}"


@every_component
def test_reads_and_builds(
    slot: str, name: str, component: ReadComponent, make: Callable[[str, str], Any]
) -> None:
    """Reading refuses unknown keys and needs, and a space without its default; building checks the slot."""
    assert component(slot, name).source, "says where it comes from"
    assert missing_reason(component(slot, name)) is None
    assert callable(make(slot, name))


@every_component
def test_says_which_search_space_it_copies(slot: str, name: str, component: ReadComponent) -> None:
    if component(slot, name).space:
        assert component(slot, name).source["space"]


@pytest.mark.parametrize("name", CATALOG.names("optimizer"))
def test_optimizers_are_tuned_with_equal_generosity(name: str, component: ReadComponent) -> None:
    """Four decades of lr around the default, five of weight decay, and 1e-5 of a weight lost per step."""
    part = component("optimizer", name)
    defaults = {path.rpartition(".")[2]: _value(part.make, path) for path in part.space}
    spaces = {path.rpartition(".")[2]: space for path, space in part.space.items()}
    assert set(spaces) == {"lr", "weight_decay"}
    for argument, decades, above_low in (("lr", 4, 2), ("weight_decay", 5, 4)):
        space = spaces[argument]
        assert isinstance(space, Range) and space.log
        assert math.log10(space.high / space.low) == pytest.approx(decades)
        assert math.log10(defaults[argument] / space.low) == pytest.approx(above_low)
    assert defaults["lr"] * defaults["weight_decay"] == pytest.approx(1e-5)


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
