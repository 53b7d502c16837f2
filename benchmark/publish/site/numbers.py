"""The numbers that a study's page filters in the browser, and the quantiles that it takes for intervals.

What the page shows at first is the judge's. Of a part that a reader picks (a host, a size) the browser
computes the same means from the same errors; its intervals are plain t intervals over independent data sets,
for one entrant at a time, and its groups are Nemenyi's: it says so, and gives no verdicts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from benchmark.judge.field.entrants import Entrants, complete, entrants
from benchmark.judge.field.ranks import nemenyi
from benchmark.judge.pairing import tabulate
from benchmark.publish.site.shown import Names, Shown
from benchmark.spec import Task

__all__ = ["SIZES", "board_data", "facets", "size_of"]

SIZES = ((1_000, "under 1,000 rows"), (10_000, "1,000 to 9,999 rows"), (float("inf"), "10,000 rows or more"))
"""The classes of size that a reader can pick, by what is below their end."""
_DIGITS = 6
"""Significant digits of an error on a page; downloads have them all."""


def size_of(task: Task) -> str:
    """The class of size of a task."""
    return next(name for end, name in SIZES if task.n_rows < end)


def facets(study: Shown, host: str, task: str) -> dict[str, str]:
    """What a reader can pick a cell by."""
    facts = study.tasks[task]
    found = {
        "host": host,
        "modality": facts.modality,
        "task type": facts.task_type.replace("_", " "),
        "size": size_of(facts),
    }
    return {name: value for name, value in found.items() if value}


def board_data(study: Shown, names: Names, alpha: float) -> dict[str, Any] | None:
    """Every entrant's mean error in every cell, by setting; None where no setting has them all.

    Keys: ``entrants`` (name, page, baseline), ``settings`` (by name: ``cells`` with ``origin``, ``base`` host
    and facets; ``errors``, a row per cell, null where an entrant failed throughout), ``t`` (two-sided
    quantiles at 1 − alpha by degrees of freedom, from 1), ``nemenyi`` (the critical difference over one data
    set; over n it is that by √n), ``alpha``.
    """
    table = tabulate(study.records)
    settings = {}
    for setting in study.settings:
        found = _entrants(study, table, setting)
        if found is not None:
            settings[setting] = _setting(study, found)
    if not settings:
        return None
    most = max(len({cell["origin"] for cell in one["cells"]}) for one in settings.values())
    degrees = np.arange(1, max(most, 2))
    k = len(study.arms)
    return {
        "alpha": alpha,
        "entrants": [
            {
                "name": arm,
                "page": _up(names.component(study.about.slot, arm)),
                "baseline": arm in study.baselines,
            }
            for arm in study.arms
        ],
        "settings": settings,
        "t": [round(float(value), 6) for value in stats.t.ppf(1 - alpha / 2, degrees)],
        "nemenyi": nemenyi(k, 1, alpha) if k > 2 else None,
    }


def _up(path: str) -> str:
    """A path as pages two folders down reach it."""
    return f"../../{path}"


def _entrants(study: Shown, table: pd.DataFrame, setting: str) -> Entrants | None:
    """All arms on the origins of which each has the same blocks; None where there is none."""
    if len(study.arms) < 2 or (found := complete(table, study.arms, setting)) is None:
        return None
    return entrants(found, study.arms, setting)


def _setting(study: Shown, field: Entrants) -> dict[str, Any]:
    bases = field.base_hosts.to_numpy()
    cells = [
        {"origin": str(origin), "base": str(base), **facets(study, str(host), str(task))}
        for (origin, task, host), base in zip(field.cells.index, bases, strict=True)
    ]
    errors = [[_short(value) for value in row] for row in field.cells.to_numpy().tolist()]
    return {"cells": cells, "errors": errors}


def _short(value: float) -> float | None:
    return float(f"{value:.{_DIGITS}g}") if np.isfinite(value) else None
