"""Tasks of the same data are of one origin, whatever their cards say."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from benchmark.spec import Task

__all__ = ["with_shared_origins"]


def with_shared_origins(tasks: Mapping[str, Task]) -> dict[str, Task]:
    """The tasks, in their order; origins that have data in common become the first of them, with a note.

    Copies of one file would otherwise count as independent pieces of evidence.
    """
    first: dict[str, Task] = {}
    name_of = {task.origin: task.origin for task in tasks.values()}
    for task in tasks.values():
        twin = first.setdefault(task.fingerprint, task)
        kept, given_up = sorted((name_of[twin.origin], name_of[task.origin]), key=list(name_of).index)
        name_of = {origin: kept if name == given_up else name for origin, name in name_of.items()}
    return {name: _renamed(task, name_of[task.origin]) for name, task in tasks.items()}


def _renamed(task: Task, origin: str) -> Task:
    if task.origin == origin:
        return task
    note = f"shares data with the origin '{origin}', and counts as one with it"
    return dataclasses.replace(task, origin=origin, notes=(*task.notes, note))
