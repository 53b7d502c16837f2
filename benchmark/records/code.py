"""What code is this: digests that change when, and only when, an outcome could.

A component's identity covers the source of the module it names and of every local module that one
imports, and package and version of whatever is installed as a distribution. Nothing is imported to
find out.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.machinery
import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import components
from benchmark.errors import RequestError, nearest

__all__ = [
    "Fact",
    "code_facts",
    "code_identity",
    "distributions",
    "identity_of",
    "harness_identity",
    "is_file_target",
    "local_imports",
    "missing_package",
    "package_hint",
    "split_file_target",
]

_OUTCOME_MODULES = (
    "metrics",
    "data/taskdata",
    "execute/cell",
    "execute/control",
    "execute/material",
    "execute/settings",
    "execute/tune",
    *(
        f"execute/fitting/{name}"
        for name in (
            "assemble",
            "fit",
            "losses",
            "networks",
            "outputs",
            "precision",
            "prepared",
            "request",
            "rows",
            "stack",
            "train",
            "train_stacked",
        )
    ),
)
"""The harness's own modules whose change could change a number (data and splits are in a key as digests,
but not the form in which a preprocessor gets the data)."""


def is_file_target(target: str) -> bool:
    """Whether a target is written as ``path/to/file.py:Class``."""
    return ".py:" in target


def split_file_target(target: str) -> tuple[Path, str]:
    """The file and the class name of a target written as ``path/to/file.py:Class``."""
    file, _, name = target.rpartition(":")
    return Path(file), name


def missing_package(target: str) -> str | None:
    """The top-level package of a dotted target when it is not installed, else None."""
    top = target.partition(".")[0]
    if is_file_target(target) or top in ("components", "__main__"):
        return None
    return top if not top.isidentifier() or importlib.util.find_spec(top) is None else None


def package_hint(package: str) -> str:
    """The installed package that a missing one may stand for, or what to do."""
    installed = [name for name in _distributions() if name.isidentifier() and not name.startswith("_")]
    hint = nearest(package, installed)
    return hint if hint.startswith("did you mean") else f"install it, for example with pip install {package}"


class Fact(NamedTuple):
    """A piece of the code behind a component."""

    says: str
    """Version of a distribution, or SHA-256 (hex) of a local source."""
    source: Path | None = None
    """The local source; None for a distribution."""


def code_identity(targets: frozenset[str]) -> str:
    """SHA-256 (hex) over the code behind some ``_target_`` values.

    Covers local sources transitively, and distribution and version for what is installed.

    Raises
    ------
    RequestError
        When a local source is not Python.
    """
    return identity_of({name: fact.says for name, fact in code_facts(targets).items()})


def identity_of(facts: Mapping[str, str]) -> str:
    """The :func:`code_identity` of code of which the :func:`code_facts` say this, by name."""
    return hashlib.sha256(json.dumps(sorted(facts.items())).encode()).hexdigest()


def distributions(targets: frozenset[str]) -> Mapping[str, frozenset[str]]:
    """The installed distributions that the code behind some ``_target_`` values names, with their packages.

    Local sources are followed, and imports inside functions count.
    """
    facts = code_facts(targets)
    packages = _distributions()
    named = {name for names in packages.values() for name in names if name in facts}
    return {
        name: frozenset(package for package, names in packages.items() if name in names) for name in named
    }


def code_facts(targets: frozenset[str]) -> dict[str, Fact]:
    """Every distribution and every local source behind some ``_target_`` values, by its name.

    The name of a distribution is its own; of a local source that of the module; of a typed file ``file`` and
    its SHA-256.

    Raises
    ------
    RequestError
        When a local source is not Python.
    """
    facts: dict[str, Fact] = {}
    for target in sorted(targets):
        if is_file_target(target):
            file = split_file_target(target)[0]
            _visit_file(file, facts, "file", file.parent)
        else:
            _visit_module(target, facts)
    return facts


def local_imports(file: Path) -> dict[str, Path]:
    """Source files beside ``file`` that it imports by their bare name; by that name."""
    tops = {name.partition(".")[0] for name in _imports(file, "")}
    found = {top: _locate(top, [str(file.parent)]) for top in sorted(tops)}
    return {top: places[0][1] for top, places in found.items() if places}


@functools.cache
def harness_identity() -> str:
    """SHA-256 (hex) over the meaning of the harness modules that compute outcomes.

    Comments, docstrings and layout are not part of it, so that an edit of the words keeps old numbers.
    """
    package = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for module in _OUTCOME_MODULES:
        tree = ast.parse((package / f"{module}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                node.body = [statement for statement in body if not _is_text(statement)]  # type: ignore[attr-defined]
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()


def _is_text(statement: ast.AST) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _visit_module(name: str, facts: dict[str, Fact], beside: Path | None = None) -> None:
    """Add what stands behind a dotted name (a module, or an attribute of one) to ``facts``.

    ``beside`` is the folder of a typed file, whose neighbours it may import.
    """
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names:
        return
    distribution = None if top == "components" else _distribution(top)
    if distribution is not None:
        facts[distribution[0]] = Fact(distribution[1])
        return
    found = _locate(name) or (_locate(name, [str(beside)]) if beside else [])
    for module, file in found:
        if module not in facts:
            _visit_file(file, facts, module, beside)


def _visit_file(file: Path, facts: dict[str, Fact], name: str, beside: Path | None) -> None:
    """Add a source file and what it imports. A typed file has no name of its own in the identity."""
    source = file.read_bytes()
    digest = hashlib.sha256(source).hexdigest()
    label = name if name != "file" else f"file {digest}"
    if label in facts:
        return
    facts[label] = Fact(digest, file)
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for imported in _imports(file, package):
        _visit_module(imported, facts, beside)


def _imports(file: Path, package: str) -> Iterator[str]:
    """Dotted names that a source file imports, relative ones resolved within its package."""
    try:
        tree = ast.parse(file.read_bytes(), filename=file.name)
    except (SyntaxError, ValueError) as error:
        raise RequestError(f"{file}: not readable as Python: {' '.join(str(error).split())}") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join((*parents[: len(parents) - node.level + 1], base)).strip(".")
            if base:
                yield from (f"{base}.{alias.name}" for alias in node.names)


def _locate(name: str, path: list[str] | None = None) -> list[tuple[str, Path]]:
    """The source files that importing a dotted name runs, outermost package first, found without importing.

    ``path`` holds the folders to look into; by default Python's own.
    """
    parts = name.split(".")
    found: list[tuple[str, Path]] = []
    for depth in range(1, len(parts) + 1):
        if depth == 1 and parts[0] == "components":
            path = list(components.__path__)
            continue
        spec = importlib.machinery.PathFinder.find_spec(".".join(parts[:depth]), path)
        if spec is None:
            break
        if spec.origin and spec.origin.endswith(".py"):
            found.append((".".join(parts[:depth]), Path(spec.origin)))
        if spec.submodule_search_locations is None:
            break
        path = list(spec.submodule_search_locations)
    return found


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


@functools.cache
def _distribution(top: str) -> tuple[str, str] | None:
    """Name and version of the distribution that installs a top-level package; None for local code."""
    names = sorted(_distributions().get(top, ()))
    if not names:
        return None
    distribution = importlib.metadata.distribution(names[0])
    origin: Mapping[str, Any] = json.loads(distribution.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        return None
    return names[0], distribution.version
