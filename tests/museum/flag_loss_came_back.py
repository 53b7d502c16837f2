"""A division by the norm of a zero gradient, and a step that takes what is no number for nothing."""

from __future__ import annotations

import pandas as pd

from tests.judge.flags.studies import mine, plain

FINDING = "loss_not_finite"
SO: tuple[str, ...] = ()
SEVERITY = "warning"


def records() -> pd.DataFrame:
    table = plain()
    table.loc[mine(table, task="t2"), "reason"] = "the loss was not finite in 3 of 120 steps"
    return table
