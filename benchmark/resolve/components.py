"""Components and pipelines from the content of their YAML, or one clear line about what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from benchmark.errors import RequestError, nearest
from benchmark.parse import check_keys, read
from benchmark.records.code import code_identity, missing_package
from benchmark.slots import GIVES, NEEDS, TAKES_INPUT, TAKES_MISSING
from benchmark.spec import FAMILIES, FORMS, MODALITIES, SLOTS, TASK_TYPES, Choice, Component, Pipeline, Range
from benchmark.targets import targets

__all__ = ["missing_reason", "read_component", "read_pipeline"]

_COMPONENT_KEYS = ("make", "space", "needs", "gives", "fills", "width", "source")


def read_component(slot: str, name: str, document: Any, file: str, *, trusted: bool = False) -> Component:
    """A component from the content of its YAML.

    Raises
    ------
    RequestError
        For a wrong key, an unknown need, or a search space that does not hold the default.
    """
    check_keys(document, _COMPONENT_KEYS, file)
    if "make" not in document:
        raise RequestError(f"{file}: the key 'make' is missing")
    make, space = document["make"], document.get("space") or {}
    _check_make(make, f"{file}: make")
    if not isinstance(space, Mapping):
        raise RequestError(f"{file}: space: expected a mapping, got {space!r}")
    component = read(
        Component,
        {
            "fills": [slot],
            **{
                key: value
                for key, value in document.items()
                if key not in ("make", "space") and value is not None
            },
        },
        file,
        slot=slot,
        name=name,
        make=dict(make),
        space={str(path): _dimension(value, f"{file}: space.{path}") for path, value in space.items()},
        file=file,
        trusted=trusted,
        code=code_identity(frozenset(targets(make))),
    )
    _check_words(component)
    for path in component.space:
        _check_path(component, path)
    if component.width and component.width not in component.make:
        arguments = [key for key in component.make if not key.startswith("_")]
        hint = nearest(component.width, arguments)
        raise RequestError(f"{component.file}: width: make has no argument '{component.width}'; {hint}")
    return component


def read_pipeline(name: str, document: Any, file: str, part: Callable[[str, str], Component]) -> Pipeline:
    """A whole pipeline from the content of its YAML.

    Parameters
    ----------
    part
        Gives the component of a slot by name.

    Raises
    ------
    RequestError
        For an unknown family, or a slot that is missing or not the family's.
    """
    check_keys(document, ("family", "slots", "source", "about"), file)
    family = str(document.get("family"))
    if family not in FAMILIES:
        raise RequestError(f"{file}: family: there is no family '{family}'; {nearest(family, FAMILIES)}")
    if "slots" not in document:
        raise RequestError(f"{file}: the key 'slots' is missing")
    check_keys(document["slots"], FAMILIES[family], f"{file}: slots")
    components: dict[str, Component] = {}
    for slot in FAMILIES[family]:
        if document["slots"].get(slot) is None:
            raise RequestError(f"{file}: slots: '{slot}' is missing; a {family} pipeline fills every slot")
        components[slot] = part(slot, str(document["slots"][slot]))
    pipeline = Pipeline(name, family, components)
    for component in components.values():
        pipeline = pipeline.swap(component) if len(component.fills) > 1 else pipeline
    return pipeline


def missing_reason(component: Component) -> tuple[str, str] | None:
    """The package that a component needs and that is not installed, with the reason in words; else None."""
    packages = [need.partition(":")[2] for need in component.needs if need.startswith("package:")]
    for target in (*targets(component.make), *packages):
        if package := missing_package(target):
            return package, f"the package '{package}' is not installed"
    return None


def _check_make(make: Any, where: str) -> None:
    """``make`` is a mapping with a target, keys are text, and no value is left blank."""
    if not isinstance(make, Mapping):
        raise RequestError(f"{where}: expected a mapping with the key _target_, got {make!r}")
    if "_target_" not in make:
        raise RequestError(f"{where}: the key '_target_' is missing")
    for path, value in _leaves(make, where):
        if value == "???":
            raise RequestError(f"{path}: has no value; give it one")
        if path.endswith("._target_") and not isinstance(value, str):
            raise RequestError(f"{path}: expected text such as torch.optim.RAdam, got {value!r}")


def _leaves(node: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Every plain value below a node, with its path."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if not isinstance(key, str):
                raise RequestError(f"{where}: expected text as a key, got {key!r}")
            yield from _leaves(value, f"{where}.{key}")
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from _leaves(value, f"{where}[{index}]")
    else:
        yield where, node


def _dimension(value: Any, where: str) -> Range | Choice:
    if isinstance(value, Mapping) and "choices" in value:
        choice = read(Choice, value, where)
        if not choice.choices:
            raise RequestError(f"{where}: choices: at least one is needed")
        return choice
    dimension = read(Range, value, where)
    if not dimension.low < dimension.high or (dimension.log and dimension.low <= 0):
        raise RequestError(f"{where}: expected low < high (and low > 0 for log), got {value!r}")
    if dimension.integer and not all(float(end).is_integer() for end in (dimension.low, dimension.high)):
        raise RequestError(f"{where}: expected whole numbers as the ends of an integer range, got {value!r}")
    return dimension


def _check_words(component: Component) -> None:
    """Every need is a word of the slot, or carries a known prefix; likewise gives and fills."""
    words = [*NEEDS.get(component.slot, ()), "gpu"]
    for need in component.needs:
        prefix, colon, value = need.partition(":")
        closed = {"task": TASK_TYPES, "modality": MODALITIES}
        forms = tuple(FORMS.values()) if component.slot in TAKES_INPUT else ()
        closed["input"] = (*forms, "missing") if component.slot in TAKES_MISSING else forms
        free = prefix == "package" or (prefix in ("rows", "columns") and value.isdecimal())
        if need not in words and not (colon and (free or value in closed.get(prefix, ()))):
            valued = [f"{kind}:{value}" for kind, values in closed.items() for value in values]
            choices = [*words, "package:NAME", "rows:N", "columns:N", *valued]
            raise RequestError(f"{component.file}: needs: unknown need '{need}'; {nearest(need, choices)}")
    for given in component.gives:
        if given not in GIVES.get(component.slot, ()):
            hint = nearest(given, GIVES.get(component.slot, ()))
            raise RequestError(f"{component.file}: gives: unknown word '{given}'; {hint}")
    for slot in component.fills:
        if slot not in SLOTS:
            raise RequestError(f"{component.file}: fills: there is no slot '{slot}'; {nearest(slot, SLOTS)}")
    if component.slot not in component.fills:
        raise RequestError(f"{component.file}: fills: its own slot '{component.slot}' is not among them")


def _check_path(component: Component, path: str) -> None:
    """A search space's path must lead to an argument in ``make``, whose value lies inside the space."""
    node: Any = component.make
    for part in path.split("."):
        if not isinstance(node, Mapping) or part not in node or part.startswith("_"):
            keys = [key for key in node if not key.startswith("_")] if isinstance(node, Mapping) else []
            raise RequestError(
                f"{component.file}: space.{path}: make has no argument '{part}'; {nearest(part, keys)}"
            )
        node = node[part]
    dimension = component.space[path]
    if isinstance(dimension, Choice):
        inside, wanted = node in dimension.choices, f"one of {', '.join(map(str, dimension.choices))}"
    else:
        number = isinstance(node, (int, float)) and not isinstance(node, bool)
        inside = number and dimension.low <= node <= dimension.high
        inside = inside and not (dimension.integer and node != int(node))
        wanted = (
            f"a {'whole ' if dimension.integer else ''}number from {dimension.low:g} to {dimension.high:g}"
        )
    if not inside:
        where = f"components.{component.slot}.{component.name}"
        raise RequestError(
            f"{component.file}: make.{path}: expected {wanted}, as {where}.space.{path} says, got {node!r}; "
            f"{where}.space=null takes the search away"
        )
