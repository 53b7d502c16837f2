"""One composed configuration, with every catalog entry in it that it names.

The configuration is composed a few times, each time with the entries that the last one named, until
it names nothing new: a study names hosts, hosts name components. Components that a person typed (a
dotted path, ``file.py:Class``) are read off their own signature and join like entries of the catalog.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.catalog import GROUPS, Catalog
from benchmark.config import check_overrides, compose
from benchmark.errors import RequestError, nearest
from benchmark.parse import check_keys
from benchmark.records.code import is_file_target
from benchmark.resolve.names import hosts_of, list_of, names_of, parts_of, slots_of
from benchmark.resolve.typed import absolute, document_from_signature
from benchmark.spec import SLOTS
from benchmark.targets import check_declared, trust

__all__ = [
    "TypedComponents",
    "as_override",
    "compose_study",
    "key_of",
    "overrides_a_component",
    "study_name",
]

TypedComponents = Mapping[tuple[str, str], Mapping[str, Any]]
"""Documents, like the content of a YAML file, of the components that a person typed; by slot and name."""

_QUESTION = (
    "question",
    "slot",
    "candidates",
    "baselines",
    "hosts",
    "widths",
    "references",
    "suite",
    "tasks",
    "rows",
    "metric",
    "primary",
)
_RUNNING = ("name", "executor", "workers", "device", "results_dir", "trust", "log")
_KEYS = (*_QUESTION, "seed", "protocol", "components", *_RUNNING)
"""What a composed study holds."""


def compose_study(catalog: Catalog, overrides: Sequence[str]) -> tuple[dict[str, Any], TypedComponents]:
    """The configuration that ``overrides`` ask for, and the components that a person typed.

    Raises
    ------
    RequestError
        When an override, or a name somewhere in the study, stands for nothing.
    """
    check_overrides(overrides)
    _check_study_file(catalog, study_name(overrides))
    overrides = _explicit_suite(overrides)
    ready = [item for item in overrides if not overrides_a_component(item)]
    held = [item for item in overrides if overrides_a_component(item)]
    config = compose(catalog.roots, ready)
    _check_top(catalog, config, overrides)
    trust(list_of(config, "trust"))
    config, typed = _take_typed_components(catalog, config, overrides)
    ready += [f"{key}=[{','.join(config[key])}]" for key in ("candidates", "baselines")]
    ready += [
        f"+components.{slot}.{name}={as_override(document)}" for (slot, name), document in typed.items()
    ]
    groups: dict[str, set[str]] = {}
    usable: list[str] = []
    while True:
        wanted = _wanted(catalog, config, typed)
        if all(names <= groups.get(kind, set()) for kind, names in wanted.items()):
            if unused := [item for item in held if item not in usable]:
                raise RequestError(_unused(unused[0], config))
            return config, typed
        for kind, names in wanted.items():
            for name in sorted(names - groups.setdefault(kind, set())):
                _check_file(catalog, kind, name)
            groups[kind] |= names
        entries = [f"+{GROUPS[kind]}=[{','.join(sorted(names))}]" for kind, names in sorted(groups.items())]
        usable = [item for item in held if _is_there(item, groups, typed)]
        config = compose(catalog.roots, [*entries, *ready, *usable])


def study_name(overrides: Sequence[str]) -> str:
    """The study that ``overrides`` choose."""
    chosen = [item.partition("=")[2].strip("'\"") for item in overrides if key_of(item) == "study"]
    return chosen[-1] if chosen else "demo"


def key_of(override: str) -> str:
    """What an override sets, without the signs before it."""
    return override.partition("=")[0].lstrip("+~")


def overrides_a_component(override: str) -> bool:
    """Whether an override sets something inside a component or pipeline."""
    return key_of(override).startswith("components.")


def _explicit_suite(overrides: Sequence[str]) -> list[str]:
    """``suite=`` on the command line takes the place of tasks that the study names one by one."""
    keys = {key_of(override) for override in overrides}
    return [*overrides, "tasks=null"] if "suite" in keys and "tasks" not in keys else list(overrides)


def _check_top(catalog: Catalog, config: Mapping[str, Any], overrides: Sequence[str]) -> None:
    """Refuse a study with keys that mean nothing, or that grants itself trust."""
    typed = {key_of(item).split(".")[0] for item in overrides}
    file = catalog.path("study", study_name(overrides))
    for key in config:
        if key not in _KEYS:
            place = f"bad override '{key}'" if key in typed else file
            raise RequestError(f"{place}: there is no key '{key}' in a study; {nearest(key, _KEYS)}")
    if config["trust"] and "trust" not in typed:
        raise RequestError(f"{file}: trust: only the command line may say so; add trust={config['trust']}")


def _take_typed_components(
    catalog: Catalog, config: Mapping[str, Any], overrides: Sequence[str]
) -> tuple[dict[str, Any], TypedComponents]:
    """Dotted paths and ``file.py:Class`` among candidates and baselines, read off their own signature.

    Returns the configuration with names in their place, and the documents of these components.
    """
    typed: dict[tuple[str, str], Mapping[str, Any]] = {}
    keys, slots = {key_of(item) for item in overrides}, slots_of(config)

    def named(arm: str, trusted: bool) -> str:
        parts = zip(slots, parts_of(arm, slots), strict=True)
        return "+".join(_typed_name(catalog, slot, part, typed, trusted=trusted) for slot, part in parts)

    arms = {
        key: [named(arm, key in keys) for arm in list_of(config, key)] for key in ("candidates", "baselines")
    }
    return {**config, **arms}, typed


def _typed_name(
    catalog: Catalog,
    slot: str,
    entry: str,
    typed: dict[tuple[str, str], Mapping[str, Any]],
    *,
    trusted: bool,
) -> str:
    if entry in catalog.files[slot]:
        return entry
    if entry.endswith(".py"):
        raise RequestError(f"'{entry}' names a file; write {entry}:CLASS")
    if not is_file_target(entry) and "." not in entry:
        raise RequestError(f"there is no {slot} '{entry}'; {nearest(entry, catalog.files[slot])}")
    if not trusted:
        check_declared(entry, "the study")
    name = entry.rpartition(":")[2] if is_file_target(entry) else entry.rpartition(".")[2]
    known = typed.get((slot, name))
    if name in catalog.files[slot] or (known and known["make"]["_target_"] != absolute(entry)):
        other = catalog.files[slot].get(name) or (known or {})["make"]["_target_"]
        raise RequestError(f"two entries of one name '{name}': {other} and {entry}")
    typed[slot, name] = document_from_signature(entry, slot)
    return name


def as_override(value: Any) -> str:
    """A plain value in Hydra's override grammar."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{as_override(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    return json.dumps(value)


def _is_there(override: str, groups: Mapping[str, set[str]], typed: TypedComponents) -> bool:
    parts = key_of(override).split(".")
    if len(parts) < 3:
        return False
    return parts[2] in groups.get(parts[1], set()) or (parts[1], parts[2]) in typed


def _unused(override: str, config: Mapping[str, Any]) -> str:
    used = [f"components.{slot}.{name}" for slot, names in config["components"].items() for name in names]
    path = key_of(override)
    return f"bad override '{path}': no such component in this study; {nearest(path, used)}"


def _wanted(catalog: Catalog, config: Mapping[str, Any], typed: TypedComponents) -> dict[str, set[str]]:
    """Every catalog entry that the configuration names, by kind."""
    names, slots = names_of(config), slots_of(config)
    pipelines = {pipeline for pipeline, _ in hosts_of(config).values()}
    wanted: dict[str, set[str]] = {"pipeline": {*pipelines, *names["references"]}}
    for arm in (*names["candidates"], *names["baselines"]):
        for slot, name in zip(slots, parts_of(arm, slots), strict=True):
            if (slot, name) not in typed:
                wanted.setdefault(slot, set()).add(name)
    composed = config["components"].get("pipeline") or {}
    for name in sorted(wanted["pipeline"]):
        document = composed[name] if name in composed else catalog.document("pipeline", name)
        where = str(catalog.path("pipeline", name))
        check_keys(document, ("family", "slots", "source", "about"), where)
        filled: Any = document.get("slots")
        check_keys(filled, SLOTS, f"{where}: slots")
        for part, component in filled.items():
            if component is not None and (part, str(component)) not in typed:
                wanted.setdefault(part, set()).add(str(component))
    return {kind: entries for kind, entries in wanted.items() if entries}


def _check_study_file(catalog: Catalog, name: str) -> None:
    """A study's file speaks for the whole configuration, and is plain YAML."""
    file = catalog.path("study", name)
    if (first := _first_line(file)) != "# @package _global_":
        raise RequestError(f"{file}: the first line must be '# @package _global_', not '{first}'")
    catalog.document("study", name)


def _check_file(catalog: Catalog, kind: str, name: str) -> None:
    """Hydra places a file where its first line says: it must say what the path says, above plain YAML."""
    file = catalog.path(kind, name)
    header = f"# @package {GROUPS[kind].replace('/', '.')}.{name}"
    if (first := _first_line(file)) != header:
        raise RequestError(f"{file}: the first line must be '{header}', not '{first}'")
    if "defaults" in catalog.document(kind, name):
        raise RequestError(f"{file}: unknown key 'defaults'; a {kind} stands by itself")


def _first_line(file: Path) -> str:
    return file.read_bytes().split(b"\n", 1)[0].decode("utf-8", "replace").strip()
