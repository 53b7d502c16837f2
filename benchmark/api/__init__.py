"""The flow: load study → plan → execute what is missing → records → judge → report.

Every step is a function that takes and returns values; :mod:`benchmark.cli` prints what they return.
Beside the command line this is the only part that imports across stages. What is slow to import
(torch, scikit-learn, matplotlib) is imported where it is used, and each step only when it is asked for, so
that a wrong name is told at once and a table is judged in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchmark.lazy import on_demand

if TYPE_CHECKING:
    from benchmark.api.examining import examined
    from benchmark.api.fetching import Fetched, fetch
    from benchmark.api.forecasting import Forecast, forecast
    from benchmark.api.judging import JudgedTable, TableQuestion, judge_table
    from benchmark.api.planning import PlannedStudy, plan_study
    from benchmark.api.profiling import profiled
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
    "examined",
    "fetch",
    "forecast",
    "judge_table",
    "plan_study",
    "profiled",
    "run",
    "write_report",
]

_HOMES: Mapping[str, str] = {
    "Fetched": "benchmark.api.fetching",
    "Forecast": "benchmark.api.forecasting",
    "JudgedTable": "benchmark.api.judging",
    "PlannedStudy": "benchmark.api.planning",
    "Report": "benchmark.api.reporting",
    "Saved": "benchmark.api.stages",
    "TableQuestion": "benchmark.api.judging",
    "examined": "benchmark.api.examining",
    "fetch": "benchmark.api.fetching",
    "forecast": "benchmark.api.forecasting",
    "judge_table": "benchmark.api.judging",
    "plan_study": "benchmark.api.planning",
    "profiled": "benchmark.api.profiling",
    "run": "benchmark.api.running",
    "write_report": "benchmark.api.reporting",
}
"""The module of every public name."""

__getattr__ = on_demand(__name__, _HOMES)
