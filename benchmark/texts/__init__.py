"""What the command line says of plans, progress and the cache: text for people, facts for machines."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.api import Fetched, Forecast, JudgedTable, PlannedStudy, Saved
    from benchmark.checks import Examination
    from benchmark.data.cache import Entry
    from benchmark.execute.engine import Progress
    from benchmark.plan.grid import Refusal

__all__ = [
    "cache_facts",
    "cache_rows",
    "cache_size",
    "duration",
    "examination",
    "fetched",
    "forecast",
    "heading",
    "judged_table",
    "plan_facts",
    "progress",
    "removed",
    "saved",
    "size",
    "table_notes",
    "unfinished",
]

_SHOWN_REFUSALS = 8
_SHOWN_NAMES = 3
_SHOWN_NOTES = 6


def heading(planned: PlannedStudy) -> str:
    """The question and the size of the study."""
    from benchmark.report.words import counted

    study, protocol = planned.study, planned.study.protocol
    splits = {(row.job.repeat, row.job.fold) for row in planned.plan.rows}
    tuned = (
        f"{protocol.tuning.trials} trials for every arm" if protocol.tuning.trials > 1 else "nothing tuned"
    )
    if protocol.tuning.trials > 1 and protocol.tuning.repeats > 1:
        tuned += f", tuned {protocol.tuning.repeats} times over"
    parts = {part.name: part for arm in planned.resolved.components.values() for part in arm}
    typed = [part for part in parts.values() if part.trusted]
    size = [
        counted(len(study.tasks), "task"),
        f"{counted(len(study.hosts), 'host')} ({', '.join(study.hosts)})",
        counted(len(splits), "split"),
        counted(protocol.seeds, "seed"),
    ]
    lines = [
        f"{planned.name}: {study.question}",
        f"  {study.slot}: {', '.join(study.candidates)} against {', '.join(study.baselines)}",
        f"  {' × '.join(size)}; {tuned}; {counted(protocol.aa, 'A/A arm')} for each baseline",
        *_computing(planned),
        *_stages(planned),
        *(
            f"  {part.name} from {part.file}: "
            + (
                f"tuned in {', '.join(part.space)}"
                if part.space
                else "it has nothing to tune, so only its default runs"
            )
            for part in typed
        ),
        *_absent(planned),
        *_notes(planned),
    ]
    return "\n".join(lines)


def _computing(planned: PlannedStudy) -> list[str]:
    """Where and in what networks are trained, other than in float32 on a CPU."""
    from benchmark.api.planning import device_of

    precision, stacking = planned.study.protocol.precision, planned.study.protocol.stacking
    said = ["on a GPU"] if device_of(planned.resolved) == "cuda" else []
    said += [f"in {precision} mixed with float32"] if precision != "float32" else []
    said += [f"stacking {stacking}"] if stacking != "auto" else []
    return [f"  networks: {', '.join(said)}"] if said else []


def _stages(planned: PlannedStudy) -> list[str]:
    """That the study may stop early, or confirms what it selects; and where there are too few data sets."""
    from benchmark.api.stages import confirming, least_origins, order_of
    from benchmark.report.words import counted

    protocol, least = planned.study.protocol, least_origins()
    if protocol.stop == "sequential":
        resting = len(order_of(planned))
        said = (
            f"may stop early: {counted(resting, 'data set')} in an order fixed by the seed, every candidate "
            "until its verdict is settled"
        )
    elif protocol.confirm == "split":
        selecting, resting = (len(half) for half in confirming(planned))
        said = (
            f"selects one candidate on {counted(selecting, 'data set')} and confirms it on {resting} others"
        )
    else:
        return []
    few = f"; a verdict takes {least}, so there will be none" if resting < least else ""
    return [f"  {said}{few}"]


def _absent(planned: PlannedStudy) -> list[str]:
    """Which arms of two slots are missing for every interaction to be told."""
    arms = {tuple(part.name for part in parts) for parts in planned.resolved.components.values()}
    levels = [list(dict.fromkeys(names)) for names in zip(*arms, strict=True)]
    absent = sorted("+".join(names) for names in itertools.product(*levels) if names not in arms)
    if len(planned.study.slots) < 2 or not absent:
        return []
    return [f"  some interactions cannot be told without these arms: {', '.join(absent)}"]


def _notes(planned: PlannedStudy) -> list[str]:
    """What was inferred or found about the data."""
    notes = [f"  {task.name}: {note}" for task in planned.plan.tasks.values() for note in task.notes]
    if len(notes) <= _SHOWN_NOTES:
        return notes
    return [*notes[: _SHOWN_NOTES - 1], f"  … and {len(notes) - _SHOWN_NOTES + 1} more notes (plan --json)"]


def forecast(planned: PlannedStudy, expected: Forecast) -> str:
    """Counts, time and power of a plan, and what cannot run."""
    from benchmark.api.stages import is_staged

    cost, fits = expected.cost, expected.controls.fits
    basis = "measured" if cost.measured > 0.99 else "assumed" if cost.measured == 0 else "partly measured"
    at_most = "at most " if is_staged(planned.study) else ""
    checks = f"; {fits} for controls, {100 * expected.controls_share:.0f} % of the time" if fits else ""
    lines = [
        f"  {at_most}{cost.fits} fits, {expected.left} of them not in the store yet{checks}",
        f"  {at_most or 'about '}{duration(expected.wall_seconds)} with {expected.workers} workers "
        f"({basis} fit times)",
    ]
    if expected.minimal_detectable_effect is None:
        few = "one origin" if expected.origins < 2 else f"looking after each of {expected.origins} data sets"
        lines.append(f"  {few}: no effect could be told from zero")
    else:
        guess = "assumed" if expected.assumed else "seen in the store"
        lines.append(
            f"  detects a mean relative effect of {expected.minimal_detectable_effect:.1%} with 80 % power"
            f" (spread between tasks {expected.spread:.1%}, {guess})"
        )
    return "\n".join([*lines, *_refusals(planned)])


def _refusals(planned: PlannedStudy) -> list[str]:
    """What cannot run and why, the reasons that keep out most first."""
    from benchmark.report.words import counted

    def some(names: Iterable[str], what: str) -> str:
        every = list(dict.fromkeys(names))
        return ", ".join(every) if len(every) <= _SHOWN_NAMES else counted(len(every), what)

    reasons: dict[str, list[Refusal]] = {}
    for refusal in planned.plan.refused:
        reasons.setdefault(refusal.reason, []).append(refusal)
    lines = []
    for reason, refused in sorted(reasons.items(), key=lambda item: -len(item[1])):
        who, tasks = (
            some((r.component for r in refused), "component"),
            some((r.task for r in refused), "task"),
        )
        hosts = some((r.host for r in refused if r.host), "host")
        lines.append(f"  not run: {who}{f' in {hosts}' if hosts else ''} on {tasks}: {reason}")
    if len(lines) > _SHOWN_REFUSALS:
        more = f"  … and {len(lines) - _SHOWN_REFUSALS + 1} more reasons (--json shows all)"
        return [*lines[: _SHOWN_REFUSALS - 1], more]
    return lines


def plan_facts(planned: PlannedStudy, expected: Forecast) -> Mapping[str, Any]:
    """The plan as plain values: study, counts, forecast, cells with keys, refusals."""
    from benchmark.api.stages import confirming, is_staged, order_of

    rows, protocol = planned.plan.rows, planned.study.protocol
    halves = dict(zip(("selecting", "confirming"), confirming(planned), strict=True))
    return {
        "schema": 1,
        "name": planned.name,
        "study": dataclasses.asdict(planned.study),
        "counts": {
            "jobs": len(planned.plan.jobs()),
            "cells": sum(len(row.job.cells) for row in rows),
            "fits": expected.cost.fits,
            "controls": expected.controls.fits,
            "left": expected.left,
            "at_most": is_staged(planned.study),
        },
        "order": order_of(planned) if protocol.stop == "sequential" else None,
        "halves": halves if protocol.confirm == "split" else None,
        "seconds": {
            "wall": expected.wall_seconds,
            "one_core": expected.cost.seconds,
            "workers": expected.workers,
        },
        "power": {
            name: getattr(expected, name) for name in ("minimal_detectable_effect", "spread", "assumed")
        },
        "tasks": [dataclasses.asdict(task) for task in planned.plan.tasks.values()],
        "cells": [
            {"role": row.arm.role, **dataclasses.asdict(cell), "key": key}
            for row in rows
            for cell, key in row.cells()
        ],
        "refused": [dataclasses.asdict(refusal) for refusal in planned.plan.refused],
    }


def fetched(task: Fetched) -> str:
    """How fetching one task went."""
    if task.status == "failed":
        return f"  {task.task}: failed: {task.reason}"
    return f"  {task.task}: {task.status}, {task.n_rows:,} rows"


def cache_rows(entries: Sequence[Entry]) -> list[Mapping[str, Any]]:
    """One row per parsed task."""
    return [
        {
            "name": entry.name,
            "task type": entry.task_type,
            "rows": f"{entry.n_rows:,}",
            "features": f"{entry.n_features:,}",
            "size": size(entry.bytes),
            "last used": _time(entry).astimezone().strftime("%Y-%m-%d %H:%M"),
        }
        for entry in entries
    ]


def cache_size(folder: Path, limit: int, entries: Sequence[Entry], downloaded: int) -> str:
    """How much there is of everything in the cache, and where it is."""
    from benchmark.report.words import counted

    parsed = f"{counted(len(entries), 'parsed task')}, {size(sum(entry.bytes for entry in entries))}"
    return f"{parsed} of at most {size(limit)}; OpenML downloads, {size(downloaded)}\nin {folder}"


def cache_facts(
    folder: Path, limit: int, entries: Sequence[Entry], removed: Sequence[Entry], downloaded: int
) -> Mapping[str, Any]:
    """The cache as plain values."""

    def fact(entry: Entry) -> Mapping[str, Any]:
        return {**dataclasses.asdict(entry), "used": _time(entry).isoformat(timespec="seconds")}

    return {
        "schema": 1,
        "folder": str(folder),
        "bytes": sum(entry.bytes for entry in entries),
        "limit_bytes": limit,
        "downloaded_bytes": downloaded,
        "tasks": [fact(entry) for entry in entries],
        "removed": [fact(entry) for entry in removed],
    }


def removed(entries: Sequence[Entry], damaged: bool) -> list[str]:
    """What has just left the cache, and why: a line each where it was damaged, else one for all."""
    from benchmark.report.words import counted

    if damaged:
        lines = [
            f"damaged, removed: {entry.name} in {entry.address[:12]}…, {size(entry.bytes)}"
            for entry in entries
        ]
        return lines or ["every parsed task is as it was written"]
    if not entries:
        return []
    return [f"removed {counted(len(entries), 'parsed task')}, {size(sum(entry.bytes for entry in entries))}"]


def _time(entry: Entry) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(entry.used, tz=datetime.UTC)


def size(count: int) -> str:
    """Bytes as people say them."""
    value, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while value >= 999.5 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.3g} {units[0]}"


def progress(done: Progress) -> str:
    """How much was computed."""
    if not done.executed and not done.left:
        return "  nothing to compute: every record is in the store"
    return f"  {done.executed} fits in {duration(done.seconds)}"


def unfinished(planned: PlannedStudy, done: Progress) -> str:
    """Why there is no verdict yet, and what to do."""
    from benchmark.api.stages import is_staged

    why = {"interrupted": "interrupted", "budget": "the time budget is spent"}[done.stopped]
    left = f"at most {done.left}" if is_staged(planned.study) else done.left
    return f"{why}: {left} fits are left; everything done is kept, and the same command goes on."


def saved(planned: PlannedStudy, spared: Saved) -> str:
    """What stopping early, or confirming one candidate alone, spared."""
    fits = f"{spared.fits} of {spared.planned} fits were not needed"
    names = list(spared.after)
    if planned.study.protocol.confirm == "split":
        out = f" (not selected: {', '.join(names)})" if names else ""
        return f"confirmed what was selected: {fits}{out}"
    if not names:
        return f"not stopped early: every candidate was run on all {spared.origins} data sets"
    first, *rest = names
    shown = [
        f"{first} settled after {spared.after[first]} of {spared.origins} data sets",
        *(f"{name} after {spared.after[name]}" for name in rest),
    ]
    return f"stopped early: {fits} ({', '.join(shown)})"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def table_notes(found: JudgedTable) -> list[str]:
    """How a table was read, and what was missing in it: what should be seen before its verdict."""
    from benchmark.report.words import counted

    completed, notes = found.completed, list(found.foreign.notes)
    if completed.dropped:
        notes.append(
            f"{counted(completed.missing, 'result')} not there: {counted(completed.dropped, 'block')} left"
            " out of every method"
        )
    elif completed.missing:
        notes.append(f"{counted(completed.missing, 'result')} not there: counted as failures")
    return notes


def judged_table(found: JudgedTable) -> str:
    """What a table supports: comparisons, the standing of its methods, and where the page is."""
    from benchmark.report.terminal import terminal_table
    from benchmark.report.terminal_board import board_table

    parts = []
    if found.judgement.comparisons:
        parts.append(terminal_table(found.judgement, found.about, found.completed.records))
    if found.board is not None:
        parts.append(board_table(found.board))
    if found.page is not None:
        parts.append(f"report: {found.page}")
    return "\n".join(parts)


def examination(found: Examination) -> str:
    """What the doctor found of a component: as a report says it, below a line that names the component."""
    from benchmark.report import noticed
    from benchmark.report.words import counted

    part, said = found.component, [finding.severity for finding in found.findings]
    named = f"{part.slot} {part.name}"
    lines = [
        f"{named} ({part.file}): {found.checks} checks in {duration(found.seconds)}",
        *noticed.lines(found.findings, subject=named),
    ]
    if not part.file.endswith(".yaml") and (words := [*part.needs, *part.gives]):
        taken = f"taken to say {', '.join(words)}; --needs and --gives say otherwise"
        lines[1:1] = textwrap.wrap(taken, noticed.COLUMNS - 2, initial_indent="  ", subsequent_indent="    ")
    if found.skipped:
        lines.append(f"  no time for the end of {', '.join(found.skipped)}; --seconds gives more")
    lines.append(f"  {counted(said.count('error'), 'error')}, {counted(said.count('warning'), 'warning')}")
    return "\n".join(lines)
