"""Composition and instantiation: the only module that imports Hydra.

:func:`compose` turns overrides into a plain mapping. :func:`instantiate` is the only way from a
``_target_`` to an object; :mod:`benchmark.targets` decides what it may be.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from benchmark.errors import RequestError, nearest
from benchmark.spec import Component
from benchmark.targets import LIBRARIES, check_call, check_declared, check_fit, resolve, targets, trust

__all__ = ["LIBRARIES", "check_overrides", "compose", "instantiate", "resolve", "targets", "trust"]

_GROUPS = ("study", "protocol", "executor")
"""What is chosen by name among the files of a folder."""

_UNUSED = tuple(
    f"~hydra/{group}"
    for group in ("launcher", "sweeper", "help", "hydra_help", "job_logging", "hydra_logging", "output")
)
"""Hydra's settings of its own application, which nothing here reads: half the time of a composition."""

_RESOLVER = re.compile(r"\$\{.*:", re.DOTALL)
"""A colon after ``${``: names of resolvers may themselves be composed, so nothing finer is safe."""


def check_overrides(overrides: Sequence[str]) -> None:
    """Refuse overrides that no study could understand, whatever it holds.

    Raises
    ------
    RequestError
        Names the override and how to write it.
    """
    parser = OverridesParser.create()
    for text in overrides:
        try:
            override = parser.parse_override(text)
        except HydraException as error:
            raise RequestError(
                f"bad override {text!r}: write KEY=VALUE, a list as [a,b], and what is not made of letters, "
                f"digits and /-_.: inside quotes, as in KEY=['a=b']"
            ) from error
        _check_override(text, override)


def _check_override(text: str, override: Override) -> None:
    key = override.key_or_group
    if not key:
        raise RequestError(f"bad override {text!r}: there is no key before the '='")
    if override.is_sweep_override():
        raise RequestError(f"bad override {text!r}: one value is wanted; write a list as [a,b]")
    if override.package is not None:
        raise RequestError(f"bad override {text!r}: no study understands '@' in a key")
    top = re.split(r"[./]", key)[0]
    if top == "hydra" or key == "components":
        raise RequestError(f"bad override {text!r}: there is no key '{key}' in a study")
    if override.is_delete() and top != "components":
        raise RequestError(f"bad override {text!r}: a study needs '{key}'; only parts of components can go")
    if key in _GROUPS and not isinstance(override.value(), str):
        raise RequestError(f"bad override {text!r}: expected the name of a {key}")


def compose(roots: Sequence[Path], overrides: Sequence[str]) -> dict[str, Any]:
    """The composed configuration as plain dicts, lists and scalars.

    Parameters
    ----------
    roots
        Catalog roots; the first one holds ``config.yaml``.
    overrides
        Hydra's override grammar, later ones win.

    Raises
    ------
    RequestError
        For an override that does not parse or names what is not there; the nearest name is in the message.
    """
    search = ",".join(f"'file://{_quoted(root)}'" for root in roots[1:])
    try:
        with initialize_config_dir(str(roots[0]), version_base="1.3"):
            config = hydra_compose("config", [*overrides, *_UNUSED, f"hydra.searchpath=[{search}]"])
        _refuse_resolvers(OmegaConf.to_container(config, resolve=False), "")
        plain = OmegaConf.to_container(config, resolve=True)
    except RequestError:
        raise
    except (HydraException, OmegaConfBaseException) as error:
        raise RequestError(_one_line(error, roots, overrides)) from error
    except Exception as error:  # what Hydra and its YAML reader raise over a bad file is of no fixed kind
        text = " ".join(str(error).split())
        raise RequestError(f"the study cannot be composed: {type(error).__name__}: {text}") from error
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def instantiate(component: Component) -> Callable[..., Any]:
    """What ``make`` describes: the class with its constructor arguments bound.

    Raises
    ------
    RequestError
        When a target is not allowed, does not exist, does not fit the slot, or does not take an argument.
    """
    where = component.file or component.name
    _refuse_resolvers(component.make, f"{where}: make")
    made: Callable[..., Any] = _build(component.make, component, where, outermost=True)
    return made


def _build(node: Any, component: Component, where: str, *, outermost: bool = False) -> Any:
    """The object that a node of ``make`` stands for; every target is checked before it is used."""
    if isinstance(node, (list, tuple)):
        return [_build(item, component, where) for item in node]
    if not isinstance(node, Mapping):
        return node
    if "_target_" not in node:
        return {key: _build(value, component, where) for key, value in node.items()}
    target = str(node["_target_"])
    # What a person typed is trusted; what a file put inside it is not.
    if not (outermost and component.trusted):
        check_declared(target, where)
    found = resolve(target, where)
    check_fit(found, target, component.slot if outermost else None, where)
    check_call(found, node, component if outermost else None, where)
    arguments = {
        key: _build(value, component, where)
        for key, value in node.items()
        if key not in ("_target_", "_partial_")
    }
    return functools.partial(found, **arguments) if node.get("_partial_") else found(**arguments)


def _quoted(root: Path) -> str:
    return str(root).replace("\\", "\\\\").replace("'", "\\'")


def _refuse_resolvers(node: Any, where: str) -> None:
    """No value may call a resolver: some of them read the environment."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            _refuse_resolvers(value, f"{where}.{key}" if where else str(key))
    elif isinstance(node, (list, tuple)):
        for value in node:
            _refuse_resolvers(value, where)
    elif isinstance(node, str) and _RESOLVER.search(node):
        raise RequestError(f"{where}: {node!r} calls a resolver; YAML holds values only")


def _one_line(error: Exception, roots: Sequence[Path], overrides: Sequence[str]) -> str:
    """Hydra's message as one line, with the nearest valid key or option."""
    text = str(error)
    if missing := re.search(r"(?:In '([^']+)': )?Could not (?:find|load) '([^']+)'", text):
        group, _, name = missing[2].partition("/")
        options = [file.stem for root in roots for file in (root / group).glob("*.yaml")]
        file = "" if missing[1] in (None, "config") else f"{missing[1]}: "
        return f"{file}there is no {group} '{name}'; {nearest(name, options)}"
    if there := re.search(r"An item is already at '([^']+)'", text):
        return f"bad override '+{there[1]}': it is there already; write {there[1]}=VALUE without the '+'"
    if unknown := re.search(r"Could not (?:override|append to config|delete)\D*'([^']+)'", text):
        path = unknown[1].lstrip("/").replace("/", ".")
        return _unknown_key(path, roots, overrides)
    if key := re.search(r"full_key: (\S+)", text):
        return f"{key[1]}: {text.splitlines()[0]}"
    return f"the study cannot be composed: {' '.join(text.split())}"


def _unknown_key(path: str, roots: Sequence[Path], overrides: Sequence[str]) -> str:
    """Walk the configuration that composes without the unknown key, and say where the path leaves it."""
    kept = [override for override in overrides if not override.lstrip("+~").startswith(path)]
    try:
        node: Any = compose(roots, kept) if len(kept) < len(overrides) else {}
    except RequestError:
        node = {}
    parts = path.split(".")
    for depth, part in enumerate(parts):
        if isinstance(node, dict) and part in node:
            node = node[part]
            continue
        parent = ".".join(parts[:depth]) or "the study"
        hint = nearest(part, map(str, node)) if isinstance(node, dict) else "it has no keys"
        return f"bad override '{path}': there is no key '{part}' in {parent}; {hint}"
    return f"bad override '{path}'"
