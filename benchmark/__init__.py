"""Swapbench says whether a component helps.

The command line does the same as these functions, which take and return dataclasses and DataFrames::

    from benchmark import plan_study, run, write_report

    planned = plan_study(["study=demo", "candidates=[radam]", "tasks=[iris,engel]"])
    run(planned)
    print(write_report(planned).judgement)

Nothing is imported before it is used, so that ``import benchmark`` costs no time.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.api import forecast, plan_study, run, write_report
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
    "open_catalog",
    "plan_study",
    "read_table",
    "run",
    "write_report",
]

_HOMES: Mapping[str, str] = {
    "Component": "benchmark.spec:Component",
    "Pipeline": "benchmark.spec:Pipeline",
    "Protocol": "benchmark.spec:Protocol",
    "Record": "benchmark.spec:Record",
    "RequestError": "benchmark.errors:RequestError",
    "Study": "benchmark.spec:Study",
    "Task": "benchmark.spec:Task",
    "compare": "benchmark.judge:compare",
    "forecast": "benchmark.api:forecast",
    # benchmark.judge and benchmark.plan are the stages themselves, so these two functions have longer names.
    "judge_study": "benchmark.judge:judge",
    "open_catalog": "benchmark.catalog:open_catalog",
    "plan_study": "benchmark.api:plan_study",
    "read_table": "benchmark.foreign:read_table",
    "run": "benchmark.api:run",
    "write_report": "benchmark.api:write_report",
}
"""Module and name there, of every public name."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'benchmark' has no attribute '{name}'")
    module, _, attribute = _HOMES[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
