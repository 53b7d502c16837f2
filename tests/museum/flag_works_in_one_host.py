"""A shape is broadcast in one of the hosts, where the candidate then shines."""

from __future__ import annotations

import pandas as pd

from tests.judge.flags.studies import mine, plain

FINDING = "gain_from_one_host"
SO: tuple[str, ...] = ()
SEVERITY = "warning"


def records() -> pd.DataFrame:
    table = plain(gain=0.0, tasks=20, hosts=3)
    table.loc[mine(table, host="h1"), ["error", "train_error", "validation_error"]] *= 0.7
    return table
