"""What is suspicious about a study's data, remembered from one report to the next."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.findings import Finding, read_finding
from benchmark.plan import leaks, suspects

if TYPE_CHECKING:
    from benchmark.api.planning import PlannedStudy
    from benchmark.spec import Task

__all__ = ["suspected"]


def suspected(planned: PlannedStudy) -> tuple[Finding, ...]:
    """The findings on the data of a study, task by task, as :mod:`benchmark.plan.suspects` has them.

    They are kept in ``suspects.json`` beside the study's lock, and looked for again where the data, its card,
    its splits or the rules have changed.
    """
    file = planned.folder / "suspects.json"
    known = _known(file)
    found: dict[str, Any] = {}
    for name, task in planned.plan.tasks.items():
        at = _digest(planned, task)
        found[name] = known.get(name)
        if not found[name] or found[name]["of"] != at:
            found[name] = {"of": at, "findings": [one.to_json() for one in _looked_for(planned, task)]}
    if found != known:
        partial = file.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(found, indent=1), encoding="utf-8")
        os.replace(partial, file)
    return tuple(read_finding(one) for task in found.values() for one in task["findings"])


def _looked_for(planned: PlannedStudy, task: Task) -> tuple[Finding, ...]:
    from benchmark import data

    leaked = planned.leaks[task.name]
    if task.modality != "tabular" and not leaked:
        return ()  # of images, sequences and texts nothing but their splits is looked into
    table = data.load(planned.resolved.datasets[task.name], task.fingerprint)
    return suspects.suspects(task, table.X, table.y, table.basis().rows, leaked)


def _known(file: Path) -> Mapping[str, Any]:
    """What an earlier report has kept; nothing where there was none, or where it is no longer whole."""
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _digest(planned: PlannedStudy, task: Task) -> str:
    """Of all that the findings on a task follow from."""
    study = planned.study
    facts = [task.name, task.task_type, task.fingerprint, study.protocol.splits, study.seed]
    digest = hashlib.sha256(repr([*facts, planned.resolved.datasets[task.name]]).encode())
    for file in (leaks.__file__, suspects.__file__):
        assert file is not None
        digest.update(Path(file).read_bytes())
    return digest.hexdigest()
