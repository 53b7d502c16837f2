"""Which units of a job are trained together: by what components declare and by sizes, never by timing.

A stack holds fits that differ in their seeds, optimizers and schedules alone, and that can start at one time.
What comes out of a batched pass may depend, in its last bits, on what else is in the batch; so a stacked
unit's key holds the keys of all members, and a stack is always computed whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.plan.compatibility import form_of
from benchmark.plan.keys import canonical, hashed
from benchmark.spec import Pipeline, Protocol, Task

if TYPE_CHECKING:
    from benchmark.plan.grid import Job

__all__ = ["Bounds", "bounds_of", "refusal", "stacked"]

_FREE_SLOTS = ("optimizer", "schedule")
"""The slots whose hyperparameters members may differ in: all that a batched pass does not see."""

_LAYERS = 8
"""Numbers that a pass keeps for its gradients, in units of batch, positions and width; a rough number."""
_STEPS = 256
"""Positions of a sequence or a text, whose length planning does not know."""
_WIDTH = 64
"""Width of a network that declares none."""
_CPU_FEWEST, _CPU_PRODUCTS = 8, 2**18
"""What pays on a CPU: members, and products of one width × width layer for one member's batch. Measured
(docs/stacking.md): 1.1 to 1.8 × with eight members up to width 32, 0.9 to 1.4 × from 64 on; with four 0.9 to
1.3 ×, with two a loss."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many members a stack may have."""

    fewest: int
    most: int


_MOST: Mapping[str, tuple[int, int]] = {"cpu": (16, 2**27), "cuda": (128, 2**29)}
"""By device: members, and numbers that a pass of all of them keeps. On a CPU more members are no faster, and
leave less to the other workers."""


def refusal(pipeline: Pipeline, protocol: Protocol) -> str:
    """Why this pipeline's networks are never trained together, in a few words; empty where they can be."""
    if pipeline.family != "neural":
        return "only networks are trained together"
    if protocol.budget.unit == "seconds":
        return "a budget in seconds is each network's own"
    if protocol.precision != "float32":
        return "in a batched pass torch mixes precisions in other places than alone"
    for component in pipeline.components.values():
        if "closure" in component.needs:
            return f"{component.name} makes its gradients itself"
        if "attention_logits" in component.needs:
            return f"{component.name} looks into its network"
        if "alone" in component.needs:
            return f"{component.name} cannot be batched"
    return ""


def bounds_of(pipeline: Pipeline, task: Task, protocol: Protocol, device: str) -> Bounds | None:
    """How many members a stack of this pipeline may have; None where there is to be none.

    On a GPU ``auto`` stacks whatever can be stacked. On a CPU it takes eight members or more whose passes are
    so small that the overhead of single operations outweighs them: batch × positions × width² up to 2**18,
    which is a width of 45 at a batch of 128 rows of a table.
    """
    if protocol.stacking == "off" or refusal(pipeline, protocol):
        return None
    architecture, batch = pipeline.components["architecture"], protocol.budget.batch_size
    width = int(architecture.make[architecture.width]) if architecture.width else _WIDTH
    positions = _positions(pipeline, task)
    room = batch * positions * max(width, task.n_outputs) * _LAYERS + batch * task.n_features
    members, numbers = _MOST[device]
    most = min(members, numbers // room)
    fewest = 2
    if protocol.stacking == "auto" and device == "cpu":
        if batch * positions * width**2 > _CPU_PRODUCTS:
            return None
        fewest = _CPU_FEWEST
    return Bounds(fewest, most) if most >= fewest else None


def _positions(pipeline: Pipeline, task: Task) -> int:
    """How many vectors a network makes of one row, about."""
    form = form_of(pipeline, task.modality)
    if form == "table":
        # What grows with the columns more than a first layer does says for how many it is.
        by_column = any(need.startswith("columns:") for need in pipeline.components["architecture"].needs)
        return task.n_features if by_column else 1
    return task.n_features if form == "image" else _STEPS


def stacked(job: Job, bounds: Bounds) -> Job:
    """The job with its units in stacks, and with the keys that they have there.

    First start the default cells of all seeds and the trials that rest on no result: none, if the sampler
    looks at results; the default setting, if the search changes more than optimizer and schedule; else all.
    Then the tuned cells of all seeds; if the search changes more, those of one tuning study, which share
    their setting.
    """
    free = all(path.partition(".")[0] in _FREE_SLOTS for path in job.space)
    blind = job.protocol.tuning.sampler != "tpe"
    early = [t.key for t in job.trials if blind and (free or t.number == 0)]
    early += [cell.key for cell in job.cells if cell.setting == "default"]
    names, stacks = _together([early], bounds)
    tunings = tuple(
        dataclasses.replace(
            tuning, trials=tuple(t._replace(key=names.get(t.key, t.key)) for t in tuning.trials)
        )
        for tuning in job.tunings
    )
    searched = len(job.trials) > len(job.tunings)
    late: dict[int, list[str]] = {}
    for cell in job.cells:
        if cell.setting == "default":
            continue
        trials = [trial.key for trial in tunings[cell.tuning].trials]
        names[cell.key] = hashed(canonical([cell.key, trials])) if stacks else cell.key
        if searched:
            late.setdefault(0 if free else cell.tuning, []).append(names[cell.key])
    again, later = _together(late.values(), bounds)
    renamed = [names.get(cell.key, cell.key) for cell in job.cells]
    cells = tuple(c._replace(key=again.get(key, key)) for c, key in zip(job.cells, renamed, strict=True))
    if not (stacks := [*stacks, *later]):
        return job
    key = hashed(canonical([job.key, [cell.key for cell in cells]]))
    return dataclasses.replace(job, key=key, tunings=tunings, cells=cells, stacks=tuple(stacks))


def _together(pools: Iterable[Sequence[str]], bounds: Bounds) -> tuple[dict[str, str], list[tuple[str, ...]]]:
    """Stacks of each pool's members, about equally large: new keys by old ones, and stacks of new ones."""
    names: dict[str, str] = {}
    stacks = []
    for pool in pools:
        count = -(-len(pool) // bounds.most)
        for part in range(count):
            members = pool[part * len(pool) // count : (part + 1) * len(pool) // count]
            if len(members) >= bounds.fewest:
                together = canonical(members)
                stacks.append(tuple(hashed(f'{together},"{key}"') for key in members))
                names |= zip(members, stacks[-1], strict=True)
    return names, stacks
