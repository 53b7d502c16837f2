"""The component is fitted on the test rows too, and more often than on the others."""

from __future__ import annotations

import pandas as pd

from tests.judge.flags.studies import mine, plain

FINDING = "better_on_test_than_train"
SO: tuple[str, ...] = ("perfect_score", "larger_than_references", "validation_far_from_test")


def records() -> pd.DataFrame:
    table = plain()
    table.loc[mine(table), "error"] *= 0.02
    table.loc[mine(table, task="t1"), "error"] = 0.0
    return table
