"""From a ``_target_`` to the class that it names, behind an allowlist.

Only classes that fit the slot are let through, out of shipped components and declared libraries. What
a person types on the command line may come from anywhere.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmark.errors import RequestError, nearest
from benchmark.records.code import code_identity, is_file_target, local_imports, split_file_target
from benchmark.spec import Component

__all__ = [
    "FUNCTIONS",
    "LIBRARIES",
    "PASSED_IF_ASKED",
    "check_call",
    "check_declared",
    "check_fit",
    "resolve",
    "targets",
    "trust",
]

LIBRARIES = (
    "components",
    "lightgbm",
    "pytorch_optimizer",
    "rtdl_num_embeddings",
    "rtdl_revisiting_models",
    "schedulefree",
    "sklearn",
    "snntorch",
    "tabm",
    "torch",
    "xgboost",
)
"""Packages that a ``_target_`` read from a file may name; ``trust=[…]`` adds to them for one command.

FLAML and CatBoost are not among them: their classes take the name of a file to write.
"""

FUNCTIONS: frozenset[str] = frozenset()
"""Functions (everything else must be a class) that a ``_target_`` may name."""

_PASSED: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "preprocessor": (0, ()),
    "architecture": (2, ()),
    "activation": (0, ()),
    "loss": (2, ()),
    "optimizer": (1, ()),
    "schedule": (2, ()),
    "booster": (1, ("task_type", "seed")),
    "weak_learner": (0, ("seed",)),
    "estimator": (0, ("task_type", "seed")),
}
"""What every slot passes to ``make``: how many positional arguments, and which by name."""

_NAMED: Mapping[str, Mapping[int, str]] = {
    "schedule": {0: "optimizer", 1: "total_steps"},
    "loss": {0: "task_type", 1: "n_outputs"},
}
"""What the positional arguments must be called, in slots whose libraries pass something else there."""

PASSED_IF_ASKED: Mapping[str, tuple[str, ...]] = {
    "architecture": ("activation", "training_rows"),
    "optimizer": ("attention_logits",),
}
"""What a slot passes by name to a component that has the word among its needs."""

_KEYWORDS = ("_partial_", "_target_")
"""What a node of ``make`` may hold beside arguments."""

_trusted_packages: set[str] = set()


def trust(packages: Sequence[str]) -> None:
    """Let targets read from files name these packages too: a person typed ``trust=[…]``."""
    _trusted_packages.update(packages)


def targets(node: Any) -> Iterator[str]:
    """Every ``_target_`` below a node, nested ones too; the outermost first."""
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield str(node["_target_"])
        for value in node.values():
            yield from targets(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from targets(value)


def check_declared(target: str, where: str) -> None:
    """Refuse a target read from a file that is in no declared or trusted library.

    Raises
    ------
    RequestError
        Says which libraries are declared, and how to trust another.
    """
    top = target.partition(".")[0]
    allowed = {*LIBRARIES, *_trusted_packages}
    if is_file_target(target) or top not in allowed:
        hint = "only the command line may name a file" if is_file_target(target) else f"trust=[{top}] adds it"
        raise RequestError(
            f"{where}: _target_ '{target}' is in none of the declared libraries "
            f"({', '.join(sorted(allowed))}); {hint}"
        )


def resolve(target: str, where: str) -> Any:
    """What a ``_target_`` names; a file is loaded under a name made of its content.

    Raises
    ------
    RequestError
        When it cannot be imported or does not exist; names the nearest that does.
    """
    if is_file_target(target):
        file, name = split_file_target(target)
        module = _load_file(file, where)
        if not hasattr(module, name):
            own = [key for key, value in vars(module).items() if _is_own_class(value, module)]
            raise RequestError(f"{where}: there is no '{name}' in the file; {nearest(name, own)}")
        return getattr(module, name)
    parts = target.split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        raise RequestError(f"{where}: '{target}' is no dotted path such as torch.optim.RAdam")
    found: Any = _import(parts[0], target, where)
    if found is None:
        raise RequestError(f"{where}: cannot import '{target}': there is no package '{parts[0]}'")
    for depth, part in enumerate(parts[1:], start=1):
        parent = found
        found = getattr(parent, part, None)
        if found is None and isinstance(parent, ModuleType):
            found = _import(".".join(parts[: depth + 1]), target, where)
        if found is None:
            place = ".".join(parts[:depth])
            raise RequestError(f"{where}: there is no '{part}' in {place}; {nearest(part, _public(parent))}")
    return found


def check_fit(found: Any, target: str, slot: str | None, where: str) -> None:
    """Refuse anything but a class for ``slot``; for any slot at all where it is None.

    Raises
    ------
    RequestError
        Names the target and the slot.
    """
    if target in FUNCTIONS:
        return
    if not isinstance(found, type):
        kind = type(found).__name__.replace("_", " ")
        raise RequestError(f"{where}: _target_ '{target}' is not a class (type: {kind}); name a class")
    bases = _bases()
    fitting = tuple(bases.values()) if slot is None else (bases[slot],)
    if not any(fits(found) for fits in fitting):
        fit = f"the slot {slot}" if slot else "any slot"
        raise RequestError(f"{where}: _target_ '{target}' is not a class that fits {fit}")


def check_call(found: Any, node: Mapping[str, Any], component: Component | None, where: str) -> None:
    """Refuse arguments that ``found`` does not take, or a lack of some that it must have.

    Parameters
    ----------
    found
        What ``node["_target_"]`` names.
    node
        ``_target_``, ``_partial_`` and arguments.
    component
        Whose outermost ``make`` the node is: its slot passes arguments in. None for a nested node.

    Raises
    ------
    RequestError
        Names the argument and the nearest one that exists.
    """
    target, partial = node["_target_"], bool(node.get("_partial_", False))
    for key in node:
        if key.startswith("_") and key not in _KEYWORDS:
            raise RequestError(f"{where}: make: unknown key '{key}'; {nearest(key, _KEYWORDS)}")
    if component is not None and not partial:
        raise RequestError(f"{where}: make: '_partial_: true' is missing, since the slot passes arguments in")
    signature = _signature(found)
    if signature is None:
        return
    given = {key: value for key, value in node.items() if key not in _KEYWORDS}
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    named = [name for name, parameter in signature.parameters.items() if parameter.kind not in variadic]
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature.parameters.values())
    for key in given:
        if key not in named and not takes_any:
            raise RequestError(f"{where}: make: {target} has no argument '{key}'; {nearest(key, named)}")
    if component is None and partial:
        return
    count, words = (0, ()) if component is None else _passed(component)
    try:
        signature.bind(*[None] * count, **{**given, **dict.fromkeys(words)})
    except TypeError as error:
        hint = "" if component is None else f"; {_called(component)}"
        raise RequestError(f"{where}: make: {target}: {error}{hint}") from error
    if component is not None:
        _check_names(signature, given, component, where)


@functools.cache
def _signature(found: Any) -> inspect.Signature | None:
    """What ``found`` takes, read once: it costs more than a small fit. None where it does not tell."""
    try:
        return inspect.signature(found)
    except (TypeError, ValueError):  # some classes written in C
        return None


def _check_names(
    signature: inspect.Signature, given: Mapping[str, Any], component: Component, where: str
) -> None:
    """Refuse a class that would take what its slot passes for something else, as a decay for a length."""
    free = [
        name
        for name, parameter in signature.parameters.items()
        if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD and name not in given
    ]
    for place, name in _NAMED.get(component.slot, {}).items():
        if place < len(free) and free[place] != name:
            target = component.make["_target_"]
            raise RequestError(
                f"{where}: make: {target} would take {name} as its '{free[place]}'; {_called(component)}"
            )


def _called(component: Component) -> str:
    """How the slot calls what it is given, and how to get something that can be called so."""
    count, words = _passed(component)
    names = [_NAMED.get(component.slot, {}).get(place, "…") for place in range(count)]
    call = ", ".join([*names, *(f"{word}=…" for word in words)])
    return f"the slot calls make({call}): `swapbench new {component.slot} NAME` starts a class that fits"


def _passed(component: Component) -> tuple[int, tuple[str, ...]]:
    """How many positional arguments the component's slot passes in, and which by name."""
    count, words = _PASSED[component.slot]
    passed = PASSED_IF_ASKED.get(component.slot, ())
    return count, (*words, *(word for word in passed if word in component.needs))


@functools.cache
def _bases() -> Mapping[str, Callable[[type], bool]]:
    """What a class must be to fit each slot."""
    import sklearn.base
    import torch

    def derived(*bases: type) -> Callable[[type], bool]:
        return lambda found: issubclass(found, bases)

    module = derived(torch.nn.Module)
    learner = derived(sklearn.base.BaseEstimator)
    return {
        "optimizer": derived(torch.optim.Optimizer),
        "schedule": derived(torch.optim.lr_scheduler.LRScheduler, torch.optim.lr_scheduler.ReduceLROnPlateau),
        "architecture": module,
        "activation": module,
        "loss": module,
        "preprocessor": lambda found: hasattr(found, "fit_transform") and hasattr(found, "transform"),
        "booster": learner,
        "weak_learner": learner,
        "estimator": learner,
    }


def _import(name: str, target: str, where: str) -> ModuleType | None:
    """The module of that name, or None when there is none."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            return None
        raise RequestError(f"{where}: cannot import '{target}': {_root_cause(error)}") from error
    except (Exception, SystemExit) as error:  # an import may raise anything
        raise RequestError(f"{where}: cannot import '{target}': {_root_cause(error)}") from error


def _public(parent: Any) -> list[str]:
    """Public names inside a module or class."""
    below = [module.name for module in pkgutil.iter_modules(getattr(parent, "__path__", ()))]
    return [name for name in (*dir(parent), *below) if not name.startswith("_")]


def _load_file(file: Path, where: str) -> Any:
    """The module that a source file makes, loaded once per content of it and of what it imports beside it."""
    if not file.is_file():
        beside = [path.name for path in file.parent.glob("*.py")]
        raise RequestError(f"{where}: there is no file {file}; {nearest(file.name, beside)}")
    name = f"swapbench_file_{code_identity(frozenset({f'{file}:'}))[:16]}"
    if name not in sys.modules:
        _exec_file(file, name, where)
    return sys.modules[name]


def _exec_file(file: Path, name: str, where: str) -> None:
    """Run a source file as the module ``name``; it may import its neighbours, as a script may."""
    folder = str(file.parent.resolve())
    if folder not in sys.path:
        sys.path.append(folder)
    neighbours = local_imports(file)
    for neighbour in neighbours:
        sys.modules.pop(neighbour, None)  # its source may have changed since another file imported it
    importlib.invalidate_caches()
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a person's file may raise anything
        del sys.modules[name]
        raise RequestError(f"{where}: cannot import {file}: {_root_cause(error)}") from error
    for neighbour, source in neighbours.items():
        loaded = getattr(sys.modules.get(neighbour), "__file__", None)
        if loaded is not None and Path(loaded).resolve() != source.resolve():
            raise RequestError(
                f"{where}: {file} imports '{neighbour}', which is {loaded} and not {source}; rename it"
            )


def _is_own_class(value: Any, module: ModuleType) -> bool:
    return isinstance(value, type) and value.__module__ == module.__name__


def _root_cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
