"""Code of components that is in no catalog: into a bundle, and found again in one.

Below the folder ``sources`` a bundle has ``components/<slot>/``, as a folder given with ``--config-dir`` has,
``typed/<slot>-<name>/`` for a typed ``file.py:Class`` with what it imports beside it, and ``modules/`` for
everything else that was imported from the author's own folders.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import components
from benchmark.errors import RequestError
from benchmark.publish.layout import SOURCES, is_source
from benchmark.records.code import Fact, code_facts, is_file_target
from benchmark.spec import Component
from benchmark.targets import targets

__all__ = ["absent_code", "facts_of", "is_local", "sources_of", "stated"]

_OWN = (Path(components.__path__[0]), Path(__file__).resolve().parents[1])
"""The shipped components and the harness: everybody has their code."""


def facts_of(parts: Iterable[Component]) -> dict[str, dict[str, str]]:
    """What the code of every component is: ``Document.code``."""
    return {
        part.code: {name: fact.says for name, fact in code_facts(_targets(part)).items()} for part in parts
    }


def sources_of(parts: Iterable[Component]) -> dict[str, bytes]:
    """The files of a bundle with all code of some components that is in no catalog.

    Raises
    ------
    RequestError
        Where two different files would have one name.
    """
    files: dict[str, bytes] = {}
    for part in parts:
        for name, source in _files_of(part):
            content = source.read_bytes()
            if files.setdefault(name, content) != content:
                raise RequestError(
                    f"{source}: another file of the study has the same name in a bundle: {name}"
                )
    return files


def is_local(says: str) -> bool:
    """Whether what is said of a piece of code is the SHA-256 of a source, and no version."""
    return re.fullmatch("[0-9a-f]{64}", says) is not None


def stated(files: Mapping[str, bytes]) -> dict[str, str]:
    """The names of a bundle's sources by their SHA-256."""
    return {hashlib.sha256(content).hexdigest(): name for name, content in files.items() if is_source(name)}


def absent_code(code: Mapping[str, Mapping[str, str]], files: Mapping[str, bytes]) -> list[str]:
    """Sources, by the name of their module, that are neither in a bundle nor shipped here."""
    named = stated(files)
    wanted = {label: says for facts in code.values() for label, says in facts.items() if is_local(says)}
    return sorted(label for label, says in wanted.items() if says not in named and says not in _shipped())


@functools.cache
def _shipped() -> frozenset[str]:
    """SHA-256 of every shipped source."""
    return frozenset(
        hashlib.sha256(file.read_bytes()).hexdigest() for own in _OWN for file in sorted(own.rglob("*.py"))
    )


def _targets(part: Component) -> frozenset[str]:
    return frozenset(targets(part.make))


def _files_of(part: Component) -> Iterator[tuple[str, Path]]:
    facts = code_facts(_targets(part))
    foreign = {name: fact for name, fact in facts.items() if _is_foreign(fact)}
    beside = [
        Path(target.rpartition(":")[0]).resolve().parent
        for target in _targets(part)
        if is_file_target(target)
    ]
    for name, fact in foreign.items():
        assert fact.source is not None
        yield _place(part, name, fact.source, beside), fact.source
    if (
        part.file.endswith(".yaml")
        and (card := Path(part.file)).is_file()
        and any(name.startswith("components.") for name in foreign)
    ):
        yield _named("components", part.slot, card.name), card


def _is_foreign(fact: Fact) -> bool:
    source = fact.source
    return source is not None and not any(source.resolve().is_relative_to(own) for own in _OWN)


def _place(part: Component, name: str, source: Path, beside: Iterable[Path]) -> str:
    """Where a source stands in a bundle."""
    if name.startswith("components."):
        return _named("components", *name.split(".")[1:-1], source.name)
    for folder in beside:
        if source.resolve().is_relative_to(folder):
            return _named("typed", f"{part.slot}-{part.name}", *source.resolve().relative_to(folder).parts)
    package = name.split(".") if source.name == "__init__.py" else name.split(".")[:-1]
    return _named("modules", *package, source.name)


def _named(*parts: str) -> str:
    """A name that a bundle takes; signs that it does not are replaced."""
    *folders, file = parts
    stem, _, ending = file.rpartition(".")
    name = "/".join([SOURCES, *(re.sub(r"[^A-Za-z0-9_-]", "_", part) for part in (*folders, stem))])
    name = f"{name}.{ending}"
    if not is_source(name):
        raise RequestError(f"{name}: no file of this name can be in a bundle; rename it")
    return name
