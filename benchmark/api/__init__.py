"""The flow: resolve study → plan → execute what is missing → records → judge → report.

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
    from benchmark.api.bundling import Bundled, bundle
    from benchmark.api.diffing import diff
    from benchmark.api.entering import Entry, enter
    from benchmark.api.examining import examined
    from benchmark.api.exporting import Exported, export, is_bundle
    from benchmark.api.fetching import Fetched, fetch
    from benchmark.api.forecasting import Forecast, forecast
    from benchmark.api.judging import JudgedTable, TableQuestion, judge_table
    from benchmark.api.leading import Site, leaderboard
    from benchmark.api.loading import LoadedStudy, Plots, load
    from benchmark.api.naming import Named, named
    from benchmark.api.planning import PlannedStudy, plan_study
    from benchmark.api.profiling import profiled
    from benchmark.api.reporting import Report, write_report
    from benchmark.api.reproducing import Reproduction, Request, foreign_code, reproduce
    from benchmark.api.running import run
    from benchmark.api.stages import Saved
    from benchmark.api.unattended import Tonight, nightly
    from benchmark.api.verifying import Verification, verify
    from benchmark.api.watching import watch

__all__ = [
    "Bundled",
    "Entry",
    "Exported",
    "Fetched",
    "Forecast",
    "JudgedTable",
    "LoadedStudy",
    "Named",
    "PlannedStudy",
    "Plots",
    "Report",
    "Reproduction",
    "Request",
    "Saved",
    "Site",
    "TableQuestion",
    "Tonight",
    "Verification",
    "bundle",
    "diff",
    "enter",
    "examined",
    "export",
    "fetch",
    "forecast",
    "foreign_code",
    "is_bundle",
    "judge_table",
    "leaderboard",
    "load",
    "named",
    "nightly",
    "plan_study",
    "profiled",
    "reproduce",
    "run",
    "verify",
    "watch",
    "write_report",
]

_HOMES: Mapping[str, str] = {
    "Bundled": "benchmark.api.bundling",
    "Entry": "benchmark.api.entering",
    "Exported": "benchmark.api.exporting",
    "Fetched": "benchmark.api.fetching",
    "Forecast": "benchmark.api.forecasting",
    "JudgedTable": "benchmark.api.judging",
    "LoadedStudy": "benchmark.api.loading",
    "Named": "benchmark.api.naming",
    "PlannedStudy": "benchmark.api.planning",
    "Plots": "benchmark.api.loading",
    "Report": "benchmark.api.reporting",
    "Reproduction": "benchmark.api.reproducing",
    "Request": "benchmark.api.reproducing",
    "Saved": "benchmark.api.stages",
    "Site": "benchmark.api.leading",
    "TableQuestion": "benchmark.api.judging",
    "Tonight": "benchmark.api.unattended",
    "Verification": "benchmark.api.verifying",
    "bundle": "benchmark.api.bundling",
    "diff": "benchmark.api.diffing",
    "enter": "benchmark.api.entering",
    "examined": "benchmark.api.examining",
    "export": "benchmark.api.exporting",
    "fetch": "benchmark.api.fetching",
    "forecast": "benchmark.api.forecasting",
    "foreign_code": "benchmark.api.reproducing",
    "is_bundle": "benchmark.api.exporting",
    "judge_table": "benchmark.api.judging",
    "leaderboard": "benchmark.api.leading",
    "load": "benchmark.api.loading",
    "named": "benchmark.api.naming",
    "nightly": "benchmark.api.unattended",
    "plan_study": "benchmark.api.planning",
    "profiled": "benchmark.api.profiling",
    "reproduce": "benchmark.api.reproducing",
    "run": "benchmark.api.running",
    "verify": "benchmark.api.verifying",
    "watch": "benchmark.api.watching",
    "write_report": "benchmark.api.reporting",
}
"""The module of every public name."""

__getattr__ = on_demand(__name__, _HOMES)
