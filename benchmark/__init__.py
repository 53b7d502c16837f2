"""Swapbench says whether a component helps.

The command line does the same as these functions, which take and return dataclasses and DataFrames::

    from benchmark import load, plan_study, run, write_report

    planned = plan_study(["study=demo", "candidates=[radam]", "tasks=[iris,engel]"])
    run(planned)
    print(write_report(planned).judgement)

    study = load("results/demo")
    study.records, study.verdict(), study.plot.forest()

Nothing is imported before it is used, so that ``import benchmark`` costs no time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchmark.lazy import on_demand

if TYPE_CHECKING:
    from benchmark.api import forecast, load, plan_study, run, write_report
    from benchmark.catalog import open_catalog
    from benchmark.errors import RequestError
    from benchmark.foreign import read_table
    from benchmark.judge import compare
    from benchmark.judge import judge as judge_study
    from benchmark.spec import Component, Pipeline, Protocol, Record, Study, Task

__all__ = [
    "Component",
    "Pipeline",
    "Protocol",
    "Record",
    "RequestError",
    "Study",
    "Task",
    "compare",
    "forecast",
    "judge_study",
    "load",
    "open_catalog",
    "plan_study",
    "read_table",
    "run",
    "write_report",
]

_HOMES: Mapping[str, str] = {
    "Component": "benchmark.spec",
    "Pipeline": "benchmark.spec",
    "Protocol": "benchmark.spec",
    "Record": "benchmark.spec",
    "RequestError": "benchmark.errors",
    "Study": "benchmark.spec",
    "Task": "benchmark.spec",
    "compare": "benchmark.judge",
    "forecast": "benchmark.api",
    # benchmark.judge and benchmark.plan are the stages themselves, so these two functions have longer names.
    "judge_study": "benchmark.judge:judge",
    "load": "benchmark.api",
    "open_catalog": "benchmark.catalog",
    "plan_study": "benchmark.api",
    "read_table": "benchmark.foreign",
    "run": "benchmark.api",
    "write_report": "benchmark.api",
}
"""The module of every public name, and its name there where that is another."""


__getattr__ = on_demand(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
