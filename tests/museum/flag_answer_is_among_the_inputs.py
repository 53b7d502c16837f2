"""On one task the component finds the target among its inputs: no error at all there."""

from __future__ import annotations

import pandas as pd

from tests.judge.flags.studies import mine, plain

FINDING = "perfect_score"
SO: tuple[str, ...] = ("gain_from_one_task",)


def records() -> pd.DataFrame:
    table = plain(gain=0.0)
    table.loc[mine(table, task="t3"), ["error", "metric_log_loss"]] = 0.0
    return table
