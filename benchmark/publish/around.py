"""What differs around the numbers of two studies: protocol, data, code, libraries, machines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

__all__ = ["Around", "Side", "around"]

_HARDWARE = ("cpu", "cores", "os", "device", "gpus")
_CHECKOUT = ("commit", "dirty")
"""What an anonymous bundle withholds."""
_HARNESS = ("swapbench", *_CHECKOUT)
_NOT_FACTS = ("digest", "memory_gb")
"""What changes no number."""
_NOT_RULES = ("name", "question", "candidates", "baselines", "hosts", "references", "tasks", "suite")
"""Fields of a study that change no number by themselves, or are seen in its records."""
_ARMS = ("candidate", "baseline", "reference")


@dataclass(frozen=True, eq=False)
class Side:
    """A study as it was judged at one time. What is not known is None and not compared."""

    name: str
    records: pd.DataFrame
    """``RECORD_COLUMNS`` and ``metric_<name>``."""
    verdict: Mapping[str, Any]
    """The content of its verdict.json."""
    study: Mapping[str, Any] | None = None
    """The fields of a ``Study``."""
    tasks: Mapping[str, str] | None = None
    """The fingerprint of the data, by task."""
    splits: Mapping[str, str] | None = None
    """A digest of its splits, by task."""
    components: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None
    """``make``, ``code`` (a digest) and ``packages`` (their versions), by what has it (``host mlp``) and
    ``slot.name``."""
    environment: Sequence[Mapping[str, Any]] | None = None
    """``records.provenance.facts`` of every machine that computed records."""


@dataclass(frozen=True, slots=True)
class Around:
    """One thing that differs around the numbers."""

    kind: str
    """protocol, data, split, component, library, harness, hardware, arm, task or host."""
    what: str
    before: Any
    """None where it is not there."""
    after: Any


def around(a: Side, b: Side) -> Iterator[Around]:
    """What differs from ``a`` to ``b``, in no order."""
    if a.study is not None and b.study is not None:
        rules = [
            {key: value for key, value in side.items() if key not in _NOT_RULES}
            for side in (a.study, b.study)
        ]
        yield from _leaves("protocol", *(dict(_flat(rule)) for rule in rules))
    for kind, old, new in (("data", a.tasks, b.tasks), ("split", a.splits, b.splits)):
        if old is not None and new is not None:
            shared = old.keys() & new.keys()
            yield from _leaves(kind, *({name: side[name] for name in shared} for side in (old, new)))
    if a.components is not None and b.components is not None:
        yield from _components(a.components, b.components)
    packages = {one.what: one for one in _packages(a.components or {}, b.components or {})}
    if a.environment is not None and b.environment is not None:
        packages |= {one.what: one for one in _environments(a.environment, b.environment)}
    yield from packages.values()
    for kind in ("arm", "task", "host"):
        yield from _leaves(kind, *(_present(side.records, kind) for side in (a, b)))


def _components(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Around]:
    """What differs in components that both sides have, once for all pipelines where it is alike."""
    having: dict[str, set[str]] = {}
    changed: dict[tuple[str, str, str, str], tuple[Around, set[str]]] = {}
    for where in a.keys() & b.keys():
        for name in a[where].keys() & b[where].keys():
            having.setdefault(name, set()).add(where)
            for one in _leaves("component", *(dict(_own(side[where][name])) for side in (a, b))):
                alike = name, one.what, _text(one.before), _text(one.after)
                changed.setdefault(alike, (one, set()))[1].add(where)
    for (name, *_), (one, places) in changed.items():
        of = "" if places == having[name] else f" of {', '.join(sorted(places))}"
        yield replace(one, what=f"{name}{of}: {one.what}")


def _own(component: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The leaves of what is a component's own: all but the packages that it uses."""
    return _flat({name: value for name, value in component.items() if name != "packages"})


def _packages(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Around]:
    """The packages behind components of both sides that have another version."""
    sides = []
    for side in (a, b):
        every = [part.get("packages", {}) for parts in side.values() for part in parts.values()]
        sides.append(
            {f"packages.{name}": version for packages in every for name, version in packages.items()}
        )
    shared = sides[0].keys() & sides[1].keys()
    yield from _leaves("library", *({name: side[name] for name in shared} for side in sides))


def _environments(a: Sequence[Mapping[str, Any]], b: Sequence[Mapping[str, Any]]) -> Iterator[Around]:
    """What differs between the values that a fact, stated by both sides, has on their machines."""
    every = []
    for entries in (a, b):
        values: dict[str, set[str]] = {}
        for entry in entries:
            unstated = _NOT_FACTS if entry.get("commit") else (*_NOT_FACTS, *_CHECKOUT)
            for path, value in _flat(entry):
                if path not in unstated:
                    values.setdefault(path, set()).add(_text(value))
        every.append({path: [json.loads(one) for one in sorted(found)] for path, found in values.items()})
    stated = every[0].keys() & every[1].keys()
    for one in _leaves("", *({path: _one(side[path]) for path in stated} for side in every)):
        head = one.what.partition(".")[0]
        kind = "hardware" if head in _HARDWARE else "harness" if head in _HARNESS else "library"
        yield Around(kind, one.what, one.before, one.after)


def _one(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def _leaves(kind: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Around]:
    for what in a.keys() | b.keys():
        if _text(a.get(what)) != _text(b.get(what)):
            yield Around(kind, what, a.get(what), b.get(what))


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings by dotted path."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _present(records: pd.DataFrame, kind: str) -> dict[str, str]:
    """The arms (with their role), tasks or hosts that records are of."""
    if kind == "arm":
        arms = records.loc[records["role"].isin(_ARMS), ["component", "role"]].drop_duplicates()
        return {f"{role} {name}": role for name, role in arms.itertuples(index=False)}
    return {str(name): kind for name in records[kind].unique() if name}
