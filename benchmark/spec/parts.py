"""What pipelines are made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Choice", "Component", "InputSpec", "Pipeline", "Range"]


@dataclass(frozen=True, slots=True)
class Range:
    """An interval of a search space, both ends included."""

    low: float
    high: float
    log: bool = False
    """Uniform in the logarithm."""
    integer: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A finite set of values of a search space, in the order of the file."""

    choices: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Component:
    """One swappable part: what fills a slot."""

    slot: str
    name: str
    make: Mapping[str, Any]
    """``_target_`` and constructor arguments, resolved: plain values and nested ``_target_`` mappings."""
    space: Mapping[str, Range | Choice] = field(default_factory=dict)
    """Search space by the path of an argument inside ``make`` (``lr``, ``base.lr``)."""
    needs: tuple[str, ...] = ()
    """What must be there: ``package:NAME``, ``gpu``, ``modality:NAME``, ``task:TYPE``, ``input:FORM``,
    ``input:missing``, ``rows:N``, ``columns:N``, or a word of the slot's contract
    (:data:`benchmark.slots.NEEDS`)."""
    gives: tuple[str, ...] = ()
    """What it offers to the components beside it (an architecture: ``roles``; a preprocessor: ``native``)."""
    width: str = ""
    """The argument of ``make`` that is its width, where it has one (an architecture)."""
    fills: tuple[str, ...] = ()
    """Every slot it fills; its own slot alone unless the file says more."""
    source: Mapping[str, str] = field(default_factory=dict)
    """Where it comes from: ``paper``, ``code``, ``space``, ``note``."""
    file: str = ""
    """The file, dotted path or ``file.py:Class`` it was read from; for messages, never in a key."""
    trusted: bool = False
    """Typed by a person on the command line, so its code may come from anywhere."""
    code: str = ""
    """Digest of the source, or package and version, of everything ``make`` names."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A whole system: every slot of its family filled."""

    name: str
    family: str
    components: Mapping[str, Component]
    """By slot, in the family's order. A component that fills two slots stands under both."""
    width: int | None = None
    """Where it was set to something else than the components' default."""

    def swap(self, component: Component) -> Pipeline:
        """The same pipeline with every slot that ``component`` fills given to it."""
        filled = {slot: component for slot in component.fills}
        return dataclasses.replace(self, components={**self.components, **filled})

    def at_width(self, component: Component, width: int) -> Pipeline:
        """The same pipeline with the width of ``component``, one of its own, set and no longer searched."""
        space = {path: dimension for path, dimension in component.space.items() if path != component.width}
        sized = dataclasses.replace(component, make={**component.make, component.width: width}, space=space)
        return dataclasses.replace(self.swap(sized), width=width)


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What an architecture is told about its input."""

    n_numeric: int = 0
    """Float columns of a table."""
    cardinalities: tuple[int, ...] = ()
    """Number of codes of each categorical column of a table; code 0: missing or not seen in training."""
    form: str = "table"
    """``table``, ``image``, ``sequence`` or ``tokens``."""
    shape: tuple[int, ...] = ()
    """Image ``(channels, height, width)``; sequence ``(longest, channels)``; tokens ``(longest,)``: of the
    training rows, and others may be longer."""
    n_tokens: int = 0
    """Number of token codes, 0 (padding) and 1 (not seen in training) among them; 0 for other forms."""
    every_step: bool = False
    """An output is wanted at every position, from it and those before alone: ``(batch, time, n_outputs)``."""
