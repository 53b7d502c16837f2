"""Searched hyperparameters are swallowed by ``**kwargs``: tuning runs and changes nothing."""

from __future__ import annotations

import pandas as pd

from tests.judge.flags.studies import mine, plain

FINDING = "tuning_changes_nothing"
SO: tuple[str, ...] = ()


def records() -> pd.DataFrame:
    table = plain()
    keys = ["component", "role", "replicate", "task", "host", "fold", "seed"]
    table = table.sort_values(["setting", *keys], ignore_index=True)
    tuned, default = (mine(table, setting=setting) for setting in ("tuned", "default"))
    table.loc[tuned, "error"] = table.loc[default, "error"].to_numpy()
    rates = [f'{{"optimizer.lr": {10.0**-n}}}' for n in range(2, 5)]
    return table.assign(chosen=["{}" if not one else rates[n % 3] for n, one in enumerate(tuned)])
