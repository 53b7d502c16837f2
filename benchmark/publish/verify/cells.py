"""Whether the records and trials of a bundle are those of its plan: none gone, none added, none renamed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from benchmark.plan.grid import Plan
from benchmark.publish.bundle import Bundle, planned_cells
from benchmark.publish.layout import PLAN, RECORDS, STUDY, TRIALS
from benchmark.publish.mismatch import Mismatch
from benchmark.records.schema import COORDINATE
from benchmark.spec import STATUSES

__all__ = ["check_cells"]

_CELL = ("slot", *COORDINATE)
_TRIAL = ("role", "slot", "component", "host", "task", "repeat", "fold", "replicate", "tuning", "trial")


def check_cells(bundle: Bundle, plan: Plan, needed: Plan) -> Iterator[Mismatch]:
    """Where plan, records and trials differ from the plan that the study makes.

    Parameters
    ----------
    plan
        Of the bundle's document.
    needed
        The part of it of which there must be records: all, unless the study stops early or confirms.
    """
    cells = planned_cells(plan)
    yield from _compared(PLAN, bundle.plan, cells, (*_CELL, "tuning"), ("origin", "key"), "cell")
    wanted = cells if needed is plan else planned_cells(needed)
    yield from _compared(RECORDS, bundle.records, wanted, _CELL, ("origin", "key", "tuning"), "record")
    yield from _compared(TRIALS, bundle.trials, _planned_trials(needed), _TRIAL, ("origin", "key"), "trial")
    for table, name in ((bundle.records, RECORDS), (bundle.trials, TRIALS)):
        for study in sorted({str(one) for one in table["study"]} - {bundle.document.name}):
            yield Mismatch(name, "column study", study, f"{bundle.document.name}, as {STUDY} says")
    yield from _sizes(bundle)
    yield from _states(bundle)


def _planned_trials(plan: Plan) -> pd.DataFrame:
    rows = [
        (row.arm.role, row.slot, row.arm.component, row.host, row.job.task.name, row.job.repeat, row.job.fold)
        + (row.arm.replicate, number, trial.number, row.job.task.origin, trial.key)
        for row in plan.rows
        for number, tuning in enumerate(row.job.tunings)
        for trial in tuning.trials
    ]
    return pd.DataFrame(rows, columns=[*_TRIAL, "origin", "key"])


def _compared(
    file: str, found: pd.DataFrame, planned: pd.DataFrame, at: Sequence[str], says: Sequence[str], what: str
) -> Iterator[Mismatch]:
    """Rows of one table that the other has not, and where rows at one place differ in ``says``."""
    there, wanted = _by_place(found, at, says), _by_place(planned, at, says)
    seen: set[tuple[Any, ...]] = set()
    for place, _ in there:
        if place in seen:
            yield Mismatch(file, f"{what} {_words(at, place)}", "stands there twice", "once")
        seen.add(place)
    expected = dict(wanted)
    for place, row in there:
        if place not in expected:
            yield Mismatch(
                file, f"{what} {_words(at, place)}", "is there", "none: it is not in the study's plan"
            )
        elif expected[place] != row:
            other = next(k for k, (a, b) in enumerate(zip(row, expected[place], strict=True)) if a != b)
            yield Mismatch(
                file,
                f"{what} {_words(at, place)}: {says[other]}",
                str(row[other]),
                str(expected[place][other]),
            )
    for place, _ in wanted:
        if place not in seen:
            yield Mismatch(file, f"{what} {_words(at, place)}", "is missing", "one, as the study's plan says")


def _by_place(
    table: pd.DataFrame, at: Sequence[str], says: Sequence[str]
) -> list[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    places = zip(*(table[name].tolist() for name in at), strict=True)
    rows = zip(*(table[name].tolist() for name in says), strict=True)
    return list(zip(places, rows, strict=True))


def _words(at: Sequence[str], place: Sequence[Any]) -> str:
    """A place as people read it: names first, then numbers that are not their usual 0."""
    known: Mapping[str, Any] = dict(zip(at, place, strict=True))
    names = [str(known[name]) for name in ("role", "component", "host", "task") if str(known[name])]
    numbers = [
        f"{name} {known[name]}"
        for name in ("repeat", "fold", "seed", "setting", "tuning", "trial")
        if name in known
    ]
    rest = [f"{name} {known[name]}" for name in ("replicate", "control") if known.get(name)]
    return ", ".join([*names, *numbers, *rest])


def _sizes(bundle: Bundle) -> Iterator[Mismatch]:
    """Records that were fitted or tested on another number of rows than their split has."""
    sizes = {
        (task, one.repeat, one.fold): (one.n_train, one.n_test)
        for task, splits in bundle.document.splits.items()
        for one in splits
    }
    ok = bundle.records[bundle.records["status"] == "ok"]
    for at in ok[["task", "repeat", "fold", "n_train", "n_test"]].drop_duplicates().itertuples(index=False):
        expected = sizes.get((at.task, at.repeat, at.fold))
        if expected is not None and (at.n_train, at.n_test) != expected:
            where = f"{at.task}, repeat {at.repeat}, fold {at.fold}: rows trained and tested on"
            yield Mismatch(RECORDS, where, f"{at.n_train}, {at.n_test}", "{}, {}".format(*expected))


def _states(bundle: Bundle) -> Iterator[Mismatch]:
    """Statuses that there are not, and what records cannot have as they were computed."""
    for name, table in ((RECORDS, bundle.records), (TRIALS, bundle.trials)):
        for status in sorted({str(one) for one in table["status"]} - set(STATUSES)):
            yield Mismatch(name, "column status", status, f"one of {', '.join(STATUSES)}")
    records = bundle.records
    for name in ("pooled", "imputed"):
        if name in records and records[name].fillna(False).astype(bool).any():
            yield Mismatch(RECORDS, f"column {name}", "true", "false: records are as they were computed")
    if (
        "traceback" in records
        and (records.loc[records["status"] == "ok", "traceback"].fillna("") != "").any()
    ):
        yield Mismatch(RECORDS, "column traceback", "one of a record that is ok", "none")
