"""From what a person typed to a resolved study: every name looked up, every component read and checked."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.catalog import Catalog
from benchmark.config import instantiate
from benchmark.errors import RequestError, nearest
from benchmark.loggers import check_loggers
from benchmark.parse import read
from benchmark.records.code import is_file_target, package_hint
from benchmark.resolve.components import missing_reason, read_component, read_pipeline
from benchmark.resolve.compose import (
    TypedComponents,
    compose_study,
    key_of,
    overrides_a_component,
    study_name,
)
from benchmark.resolve.names import hosts_of, list_of, names_of, parts_of, slots_of
from benchmark.resolve.protocol import check_protocol
from benchmark.resolve.tasks import Members, sizes_of, task_cards
from benchmark.spec import FAMILIES, Choice, Component, Dataset, Limits, Pipeline, Protocol, Study

__all__ = ["Machine", "ResolvedStudy", "resolve_machine", "resolve_study", "question_digest"]

_LATER = (
    "primary",
    "controls",
    "stop",
    "sequence",
    "confirm",
    "stacking",
    "precision",
    "memory_mb",
    "retries",
)
_FOLDER = re.compile(r"[^\W_][\w .+-]*(?<! )")


@dataclass(frozen=True)
class ResolvedStudy:
    """A study with everything its names stand for, and where and how to run it."""

    study: Study
    components: Mapping[str, tuple[Component, ...]]
    """What every candidate and baseline puts into the study's slots, by its name."""
    hosts: Mapping[str, Pipeline]
    """By name, which says the width too where one is set."""
    references: Mapping[str, Pipeline]
    datasets: Mapping[str, Dataset]
    sizes: tuple[int, ...]
    """Numbers of rows that every task is wanted at; empty: each task as it is."""
    missing: Mapping[str, str]
    """Components that cannot run here, with the reason."""
    digest: str
    """Of the question: two runs with one digest ask the same."""
    named: bool
    """Whether a person gave the name; else it is the file's."""
    executor: str
    options: Mapping[str, Any]
    """The executor's own settings."""
    workers: int | None
    device: str
    results_dir: Path
    trust: tuple[str, ...]
    config_dirs: tuple[str, ...]
    """Where workers find what this catalog found."""
    log: tuple[str, ...] = ()
    """Loggers that its cells go to."""


@dataclass(frozen=True)
class Machine:
    """Where and how a study is run, whatever its question."""

    executor: str
    options: Mapping[str, Any]
    """The executor's own settings."""
    workers: int | None
    device: str
    trust: tuple[str, ...]


def resolve_machine(catalog: Catalog, overrides: Sequence[str]) -> Machine:
    """What some overrides say of where and how to run.

    Raises
    ------
    RequestError
        Where one says anything else.
    """
    keys = ("executor", "workers", "device", "trust")
    for override in overrides:
        if (key := key_of(override)).partition(".")[0] not in keys:
            raise RequestError(f"bad override '{override}': the study is fixed; {nearest(key, keys)}")
    config, _ = compose_study(catalog, overrides)
    return Machine(
        _executor(catalog, config),
        {key: value for key, value in config["executor"].items() if key != "name"},
        _workers(config),
        str(config["device"]),
        tuple(list_of(config, "trust")),
    )


def resolve_study(
    catalog: Catalog, overrides: Sequence[str], members: Members, config_dirs: Sequence[Path] = ()
) -> ResolvedStudy:
    """The study that ``overrides`` ask for; ``members`` says what an OpenML suite holds.

    Raises
    ------
    RequestError
        One line about the first thing that is wrong; nothing has been written.
    """
    config, typed = compose_study(catalog, overrides)
    slots, names = slots_of(config), names_of(config)
    components = {
        arm: tuple(
            _component(catalog, config, slot, name, typed)
            for slot, name in zip(slots, parts_of(arm, slots), strict=True)
        )
        for arm in (*names["candidates"], *names["baselines"])
    }
    hosts = {name: _host(catalog, config, *of) for name, of in hosts_of(config).items()}
    references = {name: _pipeline(catalog, config, name) for name in names["references"]}
    _check_hosts(slots, hosts.values())
    datasets = task_cards(catalog, config, members)
    study = _study(config, names, datasets, overrides)
    named = {key_of(override) for override in overrides}
    required = {*names["baselines"], *(names["candidates"] if "candidates" in named else ())}
    required |= {study.primary} - {""}
    missing = _missing(components, required)
    _check_buildable(
        [part for name, parts in components.items() if name not in missing for part in parts],
        (*hosts.values(), *references.values()),
    )
    return ResolvedStudy(
        study=study,
        components=components,
        hosts=hosts,
        references=references,
        datasets=datasets,
        sizes=tuple(sizes_of(config)),
        missing=missing,
        digest=_question(study, overrides, typed),
        named=config["name"] is not None,
        executor=_executor(catalog, config),
        options={key: value for key, value in config["executor"].items() if key != "name"},
        workers=_workers(config),
        device=str(config["device"]),
        results_dir=_results_dir(config),
        trust=tuple(list_of(config, "trust")),
        config_dirs=tuple(str(folder) for folder in config_dirs),
        log=check_loggers(list_of(config, "log")),
    )


def question_digest(catalog: Catalog, overrides: Sequence[str], members: Members) -> str:
    """The digest of :class:`ResolvedStudy`, without reading any component.

    Raises
    ------
    RequestError
        As :func:`resolve_study`, except for what is wrong inside a component.
    """
    config, typed = compose_study(catalog, overrides)
    study = _study(config, names_of(config), task_cards(catalog, config, members), overrides)
    return _question(study, overrides, typed)


def _component(
    catalog: Catalog, config: Mapping[str, Any], slot: str, name: str, typed: TypedComponents
) -> Component:
    is_typed = (slot, name) in typed
    file = typed[slot, name]["source"]["code"] if is_typed else str(catalog.path(slot, name))
    return read_component(slot, name, _composed(config, slot, name), file, trusted=is_typed)


def _pipeline(catalog: Catalog, config: Mapping[str, Any], name: str) -> Pipeline:
    document = _composed(config, "pipeline", name)
    file = str(catalog.path("pipeline", name))
    return read_pipeline(name, document, file, lambda slot, part: _component(catalog, config, slot, part, {}))


def _host(catalog: Catalog, config: Mapping[str, Any], name: str, width: int | None) -> Pipeline:
    pipeline = _pipeline(catalog, config, name)
    if width is None:
        return pipeline
    varied = set(slots_of(config))
    sized = [part for slot, part in pipeline.components.items() if part.width and slot not in varied]
    if not sized:
        why = "this study varies the architecture" if "architecture" in varied else f"{name} has no width"
        raise RequestError(f"hosts: '{name}@{width}': {why}, so there is none to set")
    searched = sized[0].space.get(sized[0].width)
    if isinstance(searched, Choice) and width not in searched.choices:
        known = ", ".join(map(str, searched.choices))
        raise RequestError(f"hosts: '{name}@{width}': {sized[0].name} takes one of the widths {known}")
    return pipeline.at_width(sized[0], width)


def _composed(config: Mapping[str, Any], kind: str, name: str) -> Any:
    entries = config["components"].get(kind)
    if not isinstance(entries, Mapping) or name not in entries:
        raise RequestError(f"bad override '~components.{kind}.{name}': the study needs it")
    return entries[name]


def _check_hosts(slots: Iterable[str], hosts: Iterable[Pipeline]) -> None:
    for host, slot in itertools.product(hosts, slots):
        if slot not in FAMILIES[host.family]:
            raise RequestError(
                f"hosts: '{host.name}' is a {host.family} pipeline, which has no slot '{slot}' to vary"
            )


def _study(
    config: Mapping[str, Any],
    names: Mapping[str, Sequence[str]],
    datasets: Mapping[str, Dataset],
    overrides: Sequence[str],
) -> Study:
    protocol = read(Protocol, config["protocol"], "protocol")
    slots = slots_of(config)
    check_protocol(protocol, len({pipeline for pipeline, _ in hosts_of(config).values()}), len(slots))
    seed = config["seed"]
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise RequestError(f"seed: expected a whole number from 0, got {seed!r}")
    return Study(
        name=study_name(overrides) if config["name"] is None else _folder_name(config["name"]),
        question=str(config.get("question") or f"Which {' and '.join(slots)} helps?"),
        slots=slots,
        candidates=tuple(names["candidates"]),
        baselines=tuple(names["baselines"]),
        hosts=tuple(names["hosts"]),
        references=tuple(names["references"]),
        tasks=tuple(datasets),
        suite="" if config.get("tasks") is not None else str(config["suite"]),
        protocol=protocol,
        metric=None if config["metric"] is None else str(config["metric"]),
        seed=seed,
        primary=_primary(config, names["candidates"]),
    )


def _primary(config: Mapping[str, Any], candidates: Sequence[str]) -> str:
    """The candidate that the primary comparison is about, where a person says which."""
    primary = config["primary"]
    if primary is None:
        return ""
    if str(primary) not in candidates:
        raise RequestError(f"primary={primary}: no such candidate; {nearest(str(primary), candidates)}")
    return str(primary)


def _folder_name(name: Any) -> str:
    """A name that is one folder below the results, beside the store's files."""
    text = str(name)
    if isinstance(name, (dict, list, bool)) or not _FOLDER.fullmatch(text):
        raise RequestError(
            f"name={name}: expected the name of a folder: letters, digits, ' ', '-', '_', '+', '.'"
        )
    if text.startswith(("store.", "predictions.")):
        raise RequestError(f"name={name}: the store's own files are called so")
    return text


def _executor(catalog: Catalog, config: Mapping[str, Any]) -> str:
    asked = config["executor"]
    name = str(asked.get("name")) if isinstance(asked, Mapping) else str(asked)
    known = [file.stem for file in (catalog.roots[0] / "executor").glob("*.yaml")]
    if name not in known:
        raise RequestError(f"executor.name={name}: there is no such executor; {nearest(name, known)}")
    return name


def _workers(config: Mapping[str, Any]) -> int | None:
    workers = config["workers"]
    if workers is not None and (not isinstance(workers, int) or isinstance(workers, bool) or workers < 1):
        raise RequestError(f"workers={workers}: expected a whole number from 1, or null for one per core")
    return workers


def _results_dir(config: Mapping[str, Any]) -> Path:
    folder = config["results_dir"]
    if not isinstance(folder, (str, int)) or isinstance(folder, bool) or folder == "":
        raise RequestError(f"results_dir={folder}: expected a folder")
    return Path(str(folder))


def _missing(components: Mapping[str, Sequence[Component]], required: set[str]) -> dict[str, str]:
    """Components whose package is not installed; refused at once where a person asked for them by name."""
    missing: dict[str, str] = {}
    for name, component in ((name, part) for name, parts in components.items() for part in parts):
        if (absent := missing_reason(component)) is not None:
            missing[name] = absent[1]
            if name in required:
                raise RequestError(f"{component.file}: {absent[1]}; {package_hint(absent[0])}")
    return missing


def _check_buildable(components: Iterable[Component], pipelines: Iterable[Pipeline]) -> None:
    """Every target is allowed, exists and fits, before anything is written or computed."""
    parts = (*components, *(part for pipeline in pipelines for part in pipeline.components.values()))
    for component in {(part.slot, part.name): part for part in parts}.values():
        instantiate(component)


def _question(study: Study, overrides: Sequence[str], typed: TypedComponents) -> str:
    """Digest of what is asked: the study's names and protocol, and what was typed about components.

    Parts of the question that came later are left out where they are at their default, so that studies
    which were fixed before keep their digest.
    """
    asked = dataclasses.asdict(dataclasses.replace(study, name=""))
    protocol = asked["protocol"]
    for held, default in ((asked, Study), (protocol, Protocol), (protocol["limits"], Limits)):
        for field in dataclasses.fields(default):
            if field.name in _LATER and held[field.name] == field.default:
                del held[field.name]
    changed = {key_of(item): item for item in overrides if overrides_a_component(item)}  # the last one wins
    classes = {f"{slot}.{name}": _portable(doc["make"]["_target_"]) for (slot, name), doc in typed.items()}
    return hashlib.sha256(json.dumps([asked, changed, classes], sort_keys=True).encode()).hexdigest()


def _portable(target: str) -> str:
    """A typed class without the folders of this machine."""
    return target.rpartition("/")[2] if is_file_target(target) else target
