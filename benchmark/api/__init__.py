"""The flow: load study → plan → execute what is missing → records → judge → report.

Every step is a function that takes and returns values; :mod:`benchmark.cli` prints what they return.
Beside the command line this is the only part that imports across stages. What is slow to import
(torch, scikit-learn, matplotlib) is imported where it is used, and each step only when it is asked for, so
that a wrong name is told at once and a table is judged in seconds.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.api.fetching import Fetched, fetch
    from benchmark.api.forecasting import Forecast, forecast
    from benchmark.api.judging import JudgedTable, TableQuestion, judge_table
    from benchmark.api.planning import PlannedStudy, plan_study
    from benchmark.api.reporting import Report, write_report
    from benchmark.api.running import run
    from benchmark.api.stages import Saved

__all__ = [
    "Fetched",
    "Forecast",
    "JudgedTable",
    "PlannedStudy",
    "Report",
    "Saved",
    "TableQuestion",
    "fetch",
    "forecast",
    "judge_table",
    "plan_study",
    "run",
    "write_report",
]

_HOMES: Mapping[str, str] = {
    "Fetched": "fetching",
    "Forecast": "forecasting",
    "JudgedTable": "judging",
    "PlannedStudy": "planning",
    "Report": "reporting",
    "Saved": "stages",
    "TableQuestion": "judging",
    "fetch": "fetching",
    "forecast": "forecasting",
    "judge_table": "judging",
    "plan_study": "planning",
    "run": "running",
    "write_report": "reporting",
}
"""The module of every public name."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'benchmark.api' has no attribute '{name}'")
    return getattr(importlib.import_module(f"benchmark.api.{_HOMES[name]}"), name)
