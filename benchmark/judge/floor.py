"""The noise floor: how large an effect the baseline shows against itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.judge.effects import by_task_and_host, grid, over_hosts
from benchmark.judge.intervals import moments
from benchmark.judge.pairing import impute, pair

__all__ = ["Floor", "aa_effects", "noise_floor"]


@dataclass(frozen=True, eq=False)
class Floor:
    """Effects of A/A arms against the baseline they repeat."""

    effects: pd.DataFrame
    """One row per (replicate, task, host): replicate, origin, task, host, base_host, effect; empty without
    A/A arms."""
    means: dict[int, float]
    """Mean effect by replicate."""
    mean: float | None
    """The largest |mean effect|; None without A/A arms."""

    def by_task_and_host(self) -> pd.Series:
        """The largest |effect| over A/A arms, by (task, host)."""
        return self.effects["effect"].abs().groupby([self.effects["task"], self.effects["host"]]).max()

    def by_task(self) -> pd.Series:
        """The largest |effect averaged over hosts| over A/A arms, by task."""
        means = over_hosts(self.effects, ["replicate", "task"])
        return means.abs().groupby(level="task").max()


def aa_effects(table: pd.DataFrame, baseline: str, setting: str) -> pd.DataFrame:
    """Paired effects of the baseline's replicates 1, 2, … against its replicate 0.

    One row per (replicate, task, host), columns replicate, origin, task, host, base_host, effect; empty
    where the table (as ``tabulate`` returns it) has no A/A arms.

    Raises
    ------
    RequestError
        When an A/A arm's blocks are incomplete.
    """
    rows = (table["component"] == baseline) & (table["setting"] == setting) & ~table["reference"]
    columns = ["origin", "task", "host", "base_host", "effect"]
    found = [pd.DataFrame({name: [] for name in ["replicate", *columns]})]
    for replicate in sorted(set(table.loc[rows, "replicate"]) - {0}):
        blocks = impute(pair(table, baseline, baseline, setting, replicate=replicate))
        effects = by_task_and_host(blocks)[columns]
        effects.insert(0, "replicate", int(replicate))
        found.append(effects)
    return pd.concat(found[1:] or found, ignore_index=True)


def noise_floor(effects: pd.DataFrame, among: pd.DataFrame | None = None) -> Floor:
    """The floor from what :func:`aa_effects` returns, ``among`` these (task, host) only, if given."""
    if among is not None:
        effects = effects.merge(among[["task", "host"]], on=["task", "host"], how="inner")
    means = {
        int(replicate): float(moments(grid(arm)).mean)
        for replicate, arm in effects.groupby("replicate", sort=True)
    }
    return Floor(effects, means, float(np.max(np.abs(list(means.values())))) if means else None)
