"""Keys: SHA-256 over everything that can change an outcome, and over no name.

One computation therefore serves every study that needs it, and a changed source file, data set,
split, seed, budget, library or device can never pick up an old number.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmark.records.schema import SCHEMA_VERSION
from benchmark.spec import Choice, Component, Pipeline, Protocol, Range, SplitFacts, Task

__all__ = [
    "Environment",
    "canonical",
    "cell_key",
    "component_digest",
    "controlled",
    "default_of",
    "digest",
    "fit_keys",
    "hashed",
    "job_key",
    "pipeline_digest",
    "search_keys",
    "space_of",
    "trial_keys",
    "tuning_key",
]


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class Environment:
    """What of the machine and the installation can change a number."""

    device: str
    """``cpu`` or ``cuda``."""
    libraries: Mapping[str, str]
    """Versions of the numeric libraries."""
    harness: str
    """Digest of the harness's own fitting code."""
    sampler: str = ""
    """Version of the library that proposes settings; empty where the harness draws them itself."""


def digest(*parts: Any) -> str:
    """SHA-256 (hex) over the canonical JSON of some plain values."""
    return hashed(",".join(map(canonical, parts)))


def canonical(value: Any) -> str:
    """The one JSON text of a plain value."""
    return _ENCODER.encode(value)


def hashed(texts: str) -> str:
    """The :func:`digest` of the values whose :func:`canonical` texts these are, joined by commas.

    A plan has millions of keys, most of which differ in one part: what they share is put into text once.
    """
    return hashlib.sha256(f"[{texts}]".encode()).hexdigest()


def pipeline_digest(pipeline: Pipeline) -> str:
    """What the pipeline is: every slot's resolved ``make``, needs and code; no name, no search space."""
    return digest(
        pipeline.family,
        [
            [slot, _made(part.make), sorted(part.needs), sorted(part.gives), sorted(part.fills), part.code]
            for slot, part in sorted(pipeline.components.items())
        ],
    )


def component_digest(*components: Component) -> str:
    """What the components of an arm are by themselves: their arguments and their code."""
    return digest(*([_made(part.make), part.code] for part in components))


def _made(node: Any) -> Any:
    """``make`` with the class alone of every ``file.py:Class``: ``code`` says what the file holds."""
    if isinstance(node, Mapping):
        return {
            key: value.rpartition(".py:")[2] if key == "_target_" else _made(value)
            for key, value in node.items()
        }
    return [_made(value) for value in node] if isinstance(node, (list, tuple)) else node


def space_of(pipeline: Pipeline, slots: tuple[str, ...]) -> dict[str, Range | Choice]:
    """The search space over some slots, by ``slot.argument``; a component that fills two counts once."""
    space: dict[str, Range | Choice] = {}
    for slot in slots:
        component = pipeline.components[slot]
        space |= {f"{component.slot}.{path}": dimension for path, dimension in component.space.items()}
    return space


def default_of(pipeline: Pipeline, space: Iterable[str]) -> dict[str, Any]:
    """The values that a pipeline has without tuning, by ``slot.argument`` of its search space."""
    return {path: _at(pipeline.components, path) for path in space}


def _at(components: Mapping[str, Component], path: str) -> Any:
    slot, *arguments = path.split(".")
    node: Any = components[slot].make
    for argument in arguments:
        node = node[argument]
    return node


def fit_keys(environment: Environment, task: Task, protocol: Protocol) -> Callable[[str, SplitFacts], str]:
    """What gives the key of what every fit of one (pipeline, split) on a task has in common.

    The pipeline is asked for by its :func:`pipeline_digest`.
    """
    machine = [environment.device, dict(environment.libraries), environment.harness]
    before = f"{canonical(SCHEMA_VERSION)},{canonical(machine)}"
    data = canonical([task.fingerprint, task.task_type, task.metric])
    after = ",".join(
        canonical(part)
        for part in (
            dataclasses.asdict(protocol.budget),
            dataclasses.asdict(protocol.limits),
            protocol.precision,
        )
    )

    def fit_key(pipeline: str, split: SplitFacts) -> str:
        return hashed(f'{before},"{pipeline}",{data},"{split.digest}",{after}')

    return fit_key


def controlled(fit: str, control: str, seed: int) -> str:
    """The key of what every fit of a control has in common; ``fit`` is that of the same without it."""
    return hashed(f'"{fit}","{control}",{seed}')


def search_keys(
    environment: Environment, sampler: str, space: Mapping[str, Range | Choice]
) -> Callable[[int], str]:
    """What gives, by a sampler's seed, the key of what its proposals rest on besides earlier results."""
    before = f"{canonical(sampler)},{canonical(environment.sampler)}"
    described = canonical({path: dataclasses.asdict(dimension) for path, dimension in space.items()})
    return lambda seed: hashed(f"{before},{seed},{described}")


def tuning_key(streams: str, search: str, count: int) -> str:
    """What a setting that was tuned rests on: the key of the search, its seeds and its number of trials."""
    return hashed(f'"{search}",{streams},{count}')


def trial_keys(fit: str, streams: str, search: str, count: int) -> list[str]:
    """Keys of the trials of one tuning study.

    The default setting (trial 0) is the same whatever would be searched after it.

    Parameters
    ----------
    streams
        The streams of its seeds in :func:`canonical` text.
    """
    start = f'"{fit}",{streams},'
    return [hashed(f'{start}{number},"{search if number else ""}"') for number in range(count)]


def cell_key(fit: str, streams: str, tuning: str) -> str:
    """Key of one cell; ``tuning`` is empty for the default setting, else a :func:`tuning_key`.

    ``streams`` is as in :func:`trial_keys`.
    """
    return hashed(f'"{fit}",{streams},"{tuning}"')


def job_key(fit: str, cells: Iterable[str]) -> str:
    """Key of a job: what its fits have in common, and the keys of its cells."""
    return hashed(f'"{fit}",{canonical([*cells])}')
