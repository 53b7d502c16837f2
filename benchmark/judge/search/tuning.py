"""Where the noise of tuned results comes from: the seeds of the last fits, or the tuning before them."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["noise_sources"]

_CELL = ["slot", "component", "host", "task", "repeat", "fold", "replicate"]
_ARM = ["slot", "component"]


def noise_sources(records: pd.DataFrame) -> pd.DataFrame:
    """One row per arm that was tuned several times: slot, component, cells, tunings, seeds_sd, tuning_sd.

    Both deviations are of one fit's error, relative to the mean error of its cell: (host, task, split), A/A
    replicates apart. ``seeds_sd`` is between fits of one setting under other seeds, ``tuning_sd`` between
    the settings of repeated tuning studies. An arm's mean over S seeds that share out R tuning studies
    therefore has the variance tuning_sd² / R + seeds_sd² / S.

    Parameters
    ----------
    records : pandas.DataFrame
        Columns of the record table. Read are tuned cells that went well, in which there was something to
        tune; an arm is left out where no cell has two tuning studies, or none has two seeds of one study.

    Notes
    -----
    Cells are fixed strata, tuning studies random within them, seeds random within studies. The components
    are those that make the mean squares equal to their expectation, with unequal numbers of seeds per study
    and a negative one set to 0 (Searle, Casella and McCulloch 1992, Variance Components, section 3.6; sums
    over strata as in Henderson's first method, section 5.3).
    """
    tuned = records[(records["setting"] == "tuned") & (records["status"] == "ok") & (records["trials"] > 1)]
    tuned = tuned.dropna(subset="error")
    level = tuned.groupby(_CELL)["error"].transform("mean")
    tuned = tuned[level > 0].assign(y=lambda rows: rows["error"] / level)
    studies = tuned.groupby([*_CELL, "tuning"])["y"].agg(["size", "mean", "var"]).fillna({"var": 0.0})
    studies["within"] = studies["var"] * (studies["size"] - 1)
    studies["between"] = studies["size"] * (studies["mean"] - 1) ** 2  # 1: the mean of every cell
    studies["squared"] = studies["size"] ** 2
    cells = studies.groupby(_CELL)[["size", "squared", "within", "between"]].sum()
    cells["tunings"] = studies.groupby(_CELL).size()
    cells["weight"] = cells["size"] - cells["squared"] / cells["size"]
    sums = cells.groupby(_ARM).sum().assign(cells=cells.groupby(_ARM).size()).reset_index()
    freedom = sums["size"] - sums["tunings"]
    sums = sums[(freedom > 0) & (sums["tunings"] > sums["cells"])]
    seeds = sums["within"] / freedom[sums.index]
    tuning = (sums["between"] - (sums["tunings"] - sums["cells"]) * seeds) / sums["weight"]
    found = sums.assign(seeds_sd=np.sqrt(seeds), tuning_sd=np.sqrt(tuning.clip(lower=0.0)))
    return found[[*_ARM, "cells", "tunings", "seeds_sd", "tuning_sd"]].reset_index(drop=True)
