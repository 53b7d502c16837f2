"""The fit seeds torch with a constant, whatever seed it was given: A/A arms are one and the same."""

from __future__ import annotations

import pandas as pd

from tests.judge.flags.studies import plain

FINDING = "no_change_across_seeds"
SO: tuple[str, ...] = ("baseline_repeats_itself",)


def records() -> pd.DataFrame:
    table = plain()
    cell = ["component", "setting", "task", "host", "fold"]
    trained = table["role"] != "reference"
    table.loc[trained, "error"] = table[trained].groupby(cell)["error"].transform("first")
    return table
