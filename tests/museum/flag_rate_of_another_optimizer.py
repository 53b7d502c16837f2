"""A learning rate that suits the other arm only: the first model evaluated is the best there is."""

from __future__ import annotations

import pandas as pd

from tests.judge.flags.studies import mine, plain

FINDING = "hardly_trained"
SO: tuple[str, ...] = ()
SEVERITY = "warning"


def records() -> pd.DataFrame:
    table = plain(gain=-0.5)
    table.loc[mine(table), "steps"] = 2.0
    return table
