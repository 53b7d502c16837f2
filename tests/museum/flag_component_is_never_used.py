"""The candidate is built and put aside: the host trains with its own optimizer."""

from __future__ import annotations

import pandas as pd

from tests.judge.flags.studies import mine, plain

FINDING = "not_hooked_up"
SO: tuple[str, ...] = ()


def records() -> pd.DataFrame:
    table = plain()
    columns = ["error", "validation_error", "train_error", "metric_log_loss", "steps"]
    for setting in ("tuned", "default"):
        ours, theirs = (mine(table, name, setting=setting) for name in ("new", "base"))
        table.loc[ours, columns] = table.loc[theirs, columns].to_numpy()
    return table
