"""Whether settings were proposed and chosen as the protocol of a bundle says: on validation data alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from benchmark.errors import RequestError
from benchmark.plan.grid import Job, Plan
from benchmark.publish.bundle import Bundle
from benchmark.publish.layout import RECORDS, TRIALS
from benchmark.publish.mismatch import Mismatch
from benchmark.publish.verify.scores import near
from benchmark.spec import Trial

__all__ = ["Settings", "check_choice"]

Settings = Callable[[Job, Mapping[str, Trial]], Mapping[str, Mapping[str, Any]]]
"""From a job and its trials to the setting that each trial and cell must have been run with, by key."""


def check_choice(bundle: Bundle, needed: Plan, settings: Settings, count: Counter[str]) -> Iterator[Mismatch]:
    """Trials of other settings than their sampler proposes, and cells of another than their best trial's.

    Parameters
    ----------
    needed
        The part of the plan that there are records of.
    count
        Counts under ``settings`` those that were looked at.
    """
    trials = {
        row["key"]: Trial(
            row["key"],
            int(row["trial"]),
            _setting(row["setting"], TRIALS),
            str(row["status"]),
            validation_error=_number(row["validation_error"]),
        )
        for row in bundle.trials.to_dict("records")
    }
    records = {row["key"]: row for row in bundle.records.to_dict("records")}
    for row in needed.rows:
        job = row.job
        known = {trial.key: trials[trial.key] for trial in job.trials if trial.key in trials}
        where = ", ".join(filter(None, [row.arm.role, row.arm.component, row.host, job.task.name]))
        where = f"{where}, repeat {job.repeat}, fold {job.fold}"
        try:
            expected = settings(job, known)
        except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
            raise RequestError(f"{TRIALS}: {where}: {' '.join(str(error).split())[:200]}") from error
        count["settings"] += len(expected)
        for trial in known.values():
            if not _same(trial.setting, expected[trial.key]):
                what = f"{where}, trial {trial.number}: setting"
                yield Mismatch(TRIALS, what, json.dumps(trial.setting), json.dumps(expected[trial.key]))
        for cell in job.cells:
            record = records.get(cell.key)
            if record is None or cell.key not in expected:
                continue
            chosen, what = _setting(record["chosen"], RECORDS), f"{where}, seed {cell.seed}, {cell.setting}"
            if not _same(chosen, expected[cell.key]):
                best = f"{json.dumps(expected[cell.key])}, the best trial by validation error"
                yield Mismatch(RECORDS, f"{what}: chosen", json.dumps(chosen), best)
            tried = len(job.tunings[cell.tuning].trials) if cell.setting == "tuned" else 0
            if record["trials"] != tried:
                yield Mismatch(RECORDS, f"{what}: trials", str(record["trials"]), str(tried))


def _setting(text: Any, file: str) -> Mapping[str, Any]:
    try:
        setting = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise RequestError(f"{file}: not a setting: {str(text)[:60]!r}") from error
    if not isinstance(setting, dict):
        raise RequestError(f"{file}: not a setting: {str(text)[:60]!r}")
    return setting


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


def _same(found: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    return found.keys() == expected.keys() and all(_equal(found[path], expected[path]) for path in found)


def _equal(first: Any, second: Any) -> bool:
    if isinstance(first, float) and isinstance(second, (int, float)):
        return near(first, second)
    return bool(first == second)
