"""The candidate is scored on standardized targets, the baseline on those of the task."""

from __future__ import annotations

import pandas as pd

from tests.judge.flags.studies import mine, plain

FINDING = "larger_than_references"
SO: tuple[str, ...] = ()


def records() -> pd.DataFrame:
    table = plain()
    table.loc[mine(table), ["error", "train_error", "validation_error"]] *= 0.2
    return table
