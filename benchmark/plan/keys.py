"""Keys: SHA-256 over everything that can change an outcome, and over no name.

One computation therefore serves every study that needs it, and a changed source file, data set,
split, seed, budget, library or device can never pick up an old number.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmark.records.schema import SCHEMA_VERSION
from benchmark.spec import Choice, Component, Pipeline, Protocol, Range, Seeds, Split, Task

__all__ = [
    "Environment",
    "cell_key",
    "component_digest",
    "default_of",
    "digest",
    "fit_key",
    "pipeline_digest",
    "search_key",
    "space_of",
    "trial_key",
]


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
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


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


def fit_key(environment: Environment, pipeline: str, task: Task, split: Split, protocol: Protocol) -> str:
    """What every fit of one (pipeline, task, split) has in common.

    Parameters
    ----------
    pipeline
        :func:`pipeline_digest` of the pipeline.
    """
    return digest(
        SCHEMA_VERSION,
        [environment.device, dict(environment.libraries), environment.harness],
        pipeline,
        [task.fingerprint, task.task_type, task.metric],
        split.digest,
        dataclasses.asdict(protocol.budget),
        dataclasses.asdict(protocol.limits),
    )


def search_key(environment: Environment, sampler: str, seed: int, space: Mapping[str, Range | Choice]) -> str:
    """What the settings that a sampler proposes rest on, besides the results of the trials before."""
    described = {path: dataclasses.asdict(dimension) for path, dimension in space.items()}
    return digest(sampler, environment.sampler, seed, described)


def trial_key(fit: str, seeds: Seeds, number: int, search: str) -> str:
    """Key of one trial. The default setting (trial 0) is the same whatever would be searched after it.

    ``search`` is a :func:`search_key`.
    """
    return digest(fit, seeds.streams(), number, search if number else "")


def cell_key(fit: str, seeds: Seeds, tuning: str) -> str:
    """Key of one cell; ``tuning`` is empty for the default setting, else a digest of how it was tuned."""
    return digest(fit, seeds.streams(), tuning)
