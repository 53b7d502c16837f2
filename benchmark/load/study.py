"""From what a person typed to a resolved study: every name looked up, every component read and checked."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.catalog import Catalog
from benchmark.config import instantiate, trust
from benchmark.errors import RequestError, nearest
from benchmark.load.components import missing_reason, read_component, read_pipeline
from benchmark.load.compose import (
    TypedComponents,
    compose_study,
    list_of,
    names_of,
    overrides_a_component,
    slot_of,
)
from benchmark.load.protocol import check_protocol
from benchmark.parse import read
from benchmark.records.code import installed_packages
from benchmark.spec import FAMILIES, Component, Dataset, Pipeline, Protocol, Study

__all__ = ["ResolvedStudy", "load_study"]


@dataclass(frozen=True)
class ResolvedStudy:
    """A study with everything its names stand for, and where and how to run it."""

    study: Study
    components: Mapping[str, Component]
    """Candidates and baselines by name."""
    hosts: Mapping[str, Pipeline]
    references: Mapping[str, Pipeline]
    datasets: Mapping[str, Dataset]
    missing: Mapping[str, str]
    """Components that cannot run here, with the reason."""
    digest: str
    """Of the question: two runs with one digest ask the same."""
    executor: str
    workers: int | None
    device: str
    results_dir: Path
    trust: tuple[str, ...]
    config_dirs: tuple[str, ...]
    """Where workers find what this catalog found."""


def load_study(catalog: Catalog, overrides: Sequence[str], config_dirs: Sequence[Path] = ()) -> ResolvedStudy:
    """The study that ``overrides`` ask for.

    Raises
    ------
    RequestError
        One line about the first thing that is wrong; nothing has been written.
    """
    config, typed = compose_study(catalog, overrides)
    trust(config["trust"])
    slot, names = slot_of(config), names_of(config)
    compared = (*names["candidates"], *names["baselines"])
    components = {name: _component(catalog, config, slot, name, typed) for name in compared}
    hosts = {name: _pipeline(catalog, config, name) for name in names["hosts"]}
    references = {name: _pipeline(catalog, config, name) for name in names["references"]}
    _check_hosts(slot, hosts.values())
    datasets = _datasets(catalog, config)
    study = _study(catalog, config, names, datasets, overrides)
    named = {override.split("=")[0] for override in overrides}
    required = {*names["baselines"], *(names["candidates"] if "candidates" in named else ())}
    missing = _missing(components, required)
    _check_buildable(
        [part for name, part in components.items() if name not in missing],
        (*hosts.values(), *references.values()),
    )
    return ResolvedStudy(
        study=study,
        components=components,
        hosts=hosts,
        references=references,
        datasets=datasets,
        missing=missing,
        digest=_question(study, overrides, typed),
        executor=str(config["executor"]["name"]),
        workers=config["workers"],
        device=str(config["device"]),
        results_dir=Path(str(config["results_dir"])),
        trust=tuple(config["trust"]),
        config_dirs=tuple(str(folder) for folder in config_dirs),
    )


def _component(
    catalog: Catalog, config: Mapping[str, Any], slot: str, name: str, typed: TypedComponents
) -> Component:
    is_typed = name in typed
    file = typed[name]["source"]["code"] if is_typed else str(catalog.path(slot, name))
    return read_component(slot, name, config["components"][slot][name], file, trusted=is_typed)


def _pipeline(catalog: Catalog, config: Mapping[str, Any], name: str) -> Pipeline:
    document = config["components"]["pipeline"][name]
    file = str(catalog.path("pipeline", name))
    return read_pipeline(name, document, file, lambda slot, part: _component(catalog, config, slot, part, {}))


def _check_hosts(slot: str, hosts: Iterable[Pipeline]) -> None:
    for host in hosts:
        if slot not in FAMILIES[host.family]:
            raise RequestError(
                f"hosts: '{host.name}' is a {host.family} pipeline, which has no slot '{slot}' to vary"
            )


def _datasets(catalog: Catalog, config: Mapping[str, Any]) -> dict[str, Dataset]:
    if config.get("tasks") is not None:
        names = list_of(config, "tasks")
    else:
        names = list(catalog.suite(str(config.get("suite"))).tasks)
    if not names:
        raise RequestError("tasks: a study needs at least one")
    return {name: catalog.dataset(name) for name in names}


def _study(
    catalog: Catalog,
    config: Mapping[str, Any],
    names: Mapping[str, Sequence[str]],
    datasets: Mapping[str, Dataset],
    overrides: Sequence[str],
) -> Study:
    protocol = read(Protocol, config["protocol"], "protocol")
    check_protocol(protocol, len(names["hosts"]))
    shipped = next(
        (item.split("=", 1)[1] for item in reversed(overrides) if item.startswith("study=")), "demo"
    )
    catalog.path("study", shipped)
    seed = config["seed"]
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise RequestError(f"seed: expected a whole number from 0, got {seed!r}")
    slot = slot_of(config)
    return Study(
        name=str(config["name"] or shipped),
        question=str(config.get("question") or f"Which {slot} helps?"),
        slot=slot,
        candidates=tuple(names["candidates"]),
        baselines=tuple(names["baselines"]),
        hosts=tuple(names["hosts"]),
        references=tuple(names["references"]),
        tasks=tuple(datasets),
        suite="" if config.get("tasks") is not None else str(config["suite"]),
        protocol=protocol,
        metric=None if config["metric"] is None else str(config["metric"]),
        seed=seed,
    )


def _missing(components: Mapping[str, Component], required: set[str]) -> dict[str, str]:
    """Components whose package is not installed; refused at once where a person asked for them by name."""
    missing: dict[str, str] = {}
    for name, component in components.items():
        if (absent := missing_reason(component)) is not None:
            missing[name] = absent[1]
            if name in required:
                raise RequestError(
                    f"{component.file}: {absent[1]}; {nearest(absent[0], installed_packages())}"
                )
    return missing


def _check_buildable(components: Iterable[Component], pipelines: Iterable[Pipeline]) -> None:
    """Every target is allowed, exists and fits, before anything is written or computed."""
    parts = (*components, *(part for pipeline in pipelines for part in pipeline.components.values()))
    for component in {(part.slot, part.name): part for part in parts}.values():
        instantiate(component)


def _question(study: Study, overrides: Sequence[str], typed: TypedComponents) -> str:
    """Digest of what is asked: the study's names and protocol, and what was typed about components."""
    asked = dataclasses.asdict(dataclasses.replace(study, name=""))
    changed = sorted(item for item in overrides if overrides_a_component(item))
    classes = {name: document["make"]["_target_"] for name, document in typed.items()}
    return hashlib.sha256(json.dumps([asked, changed, classes], sort_keys=True).encode()).hexdigest()
