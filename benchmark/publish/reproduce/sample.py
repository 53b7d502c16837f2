"""Which jobs of a published study are run again: a random sample that its author could not foresee."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmark.errors import RequestError
from benchmark.plan.grid import Plan, Row
from benchmark.plan.seeds import derive

__all__ = ["Block", "chosen"]


@dataclass(frozen=True, slots=True)
class Block:
    """One split of one task in one host, with the jobs of every arm: what is drawn, and run, as a whole."""

    task: str
    host: str
    """Empty for the references, which are blocks of their own."""
    repeat: int
    fold: int
    origin: str
    rows: tuple[Row, ...]
    """In the plan's order."""


def chosen(plan: Plan, share: float, seed: int, rests_on: Mapping[str, Any] | None = None) -> list[Block]:
    """A random sample of the plan's blocks, in the order in which they are to be run.

    Parameters
    ----------
    share
        Of all blocks, above 0 and at most 1; it is rounded up to whole blocks.
    seed
        Draw it from the operating system at the time of reproducing, so that no author can know the
        sample. The same seed gives the same sample of the same plan, whatever the order of its rows.
    rests_on
        What a claim says that it rests on; see Notes.

    Raises
    ------
    RequestError
        When the share is out of range, or the plan has nothing that the claim rests on.

    Notes
    -----
    Origins take turns, and within an origin its tasks, each with a block drawn at random: no origin is
    visited a second time before all others were visited once. So every beginning of the list, where a
    budget of time may end it, is a fair sample too.

    A claim rests on the rows of the components that it names (``component``, ``candidate``, ``baseline``;
    a name or a list of names), in the ``role``, ``host``, ``task`` and ``replicate`` that it names. Where it
    names no replicate, the A/A arms of its baseline belong to it, since its noise floor rests on them.
    Controls never do.
    """
    if not 0 < share <= 1:
        raise RequestError(f"sample={share:g}: expected a share of the study above 0 and at most 1")
    rows = plan.rows if rests_on is None else _resting(plan.rows, rests_on)
    if not rows:
        raise RequestError(
            "the plan has no cell that the claim rests on" if rests_on else "the plan has nothing to run"
        )
    ordered = _in_turns(_blocks(plan, rows), seed)
    return ordered[: max(1, math.ceil(round(share * len(ordered), 9)))]


def _blocks(plan: Plan, rows: Iterable[Row]) -> list[Block]:
    found: defaultdict[tuple[str, str, int, int], list[Row]] = defaultdict(list)
    for row in rows:
        found[row.job.task.name, row.host, row.job.repeat, row.job.fold].append(row)
    return [Block(*place, plan.tasks[place[0]].origin, tuple(members)) for place, members in found.items()]


def _in_turns(blocks: Iterable[Block], seed: int) -> list[Block]:
    """Every task's first block, drawn at random, before any second one, and every origin's likewise."""

    def drawn(block: Block) -> int:
        return derive("reproduce", seed, block.task, block.host, block.repeat, block.fold)

    of_task: Counter[str] = Counter()
    of_origin: Counter[str] = Counter()
    by_task, by_origin = [], []
    for block in sorted(blocks, key=drawn):
        by_task.append((of_task[block.task], drawn(block), block))
        of_task[block.task] += 1
    for _, number, block in sorted(by_task, key=lambda turn: turn[:2]):
        by_origin.append((of_origin[block.origin], number, block))
        of_origin[block.origin] += 1
    return [block for *_, block in sorted(by_origin, key=lambda turn: turn[:2])]


def _resting(rows: Iterable[Row], rests_on: Mapping[str, Any]) -> tuple[Row, ...]:
    names = {name for key in ("component", "candidate", "baseline") for name in _several(rests_on.get(key))}
    wanted = {key: set(_several(rests_on.get(key))) for key in ("role", "host", "task", "replicate")}

    def rests(row: Row) -> bool:
        arm = row.arm
        found = {"role": arm.role, "host": row.host, "task": row.job.task.name, "replicate": arm.replicate}
        named = not names or arm.component in names
        return named and not arm.control and all(found[key] in of for key, of in wanted.items() if of)

    return tuple(filter(rests, rows))


def _several(value: Any) -> list[Any]:
    """The values that a claim names: none, one, or a list of them."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
