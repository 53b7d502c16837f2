"""The flow: load study → plan → execute what is missing → records → judge → report.

Every step is a function that takes and returns values; :mod:`benchmark.cli` prints what they return.
Beside the command line this is the only part that imports across stages. What is slow to import
(torch, scikit-learn, matplotlib) is imported where it is used, so that a wrong name is told at once.
"""

from __future__ import annotations

from benchmark.api.fetching import Fetched, fetch
from benchmark.api.forecasting import Forecast, forecast
from benchmark.api.planning import PlannedStudy, plan_study
from benchmark.api.reporting import Report, write_report
from benchmark.api.running import run

__all__ = [
    "Fetched",
    "Forecast",
    "PlannedStudy",
    "Report",
    "fetch",
    "forecast",
    "plan_study",
    "run",
    "write_report",
]
