"""The candidate fits its preprocessing on validation rows with their targets."""

from __future__ import annotations

import pandas as pd

from tests.judge.flags.studies import mine, plain

FINDING = "validation_far_from_test"
SO: tuple[str, ...] = ()
SEVERITY = "warning"


def records() -> pd.DataFrame:
    table = plain()
    table.loc[mine(table), "validation_error"] *= 0.4
    return table
