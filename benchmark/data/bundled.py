"""Real data that ships inside scikit-learn and statsmodels: no network, no download."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from benchmark.errors import RequestError, nearest
from benchmark.spec import Dataset

__all__ = ["LOADERS", "read"]


def read(dataset: Dataset) -> pd.DataFrame:
    """The table at the card's location, its target among the columns.

    Raises
    ------
    RequestError
        When there is no loader of that name.
    """
    if dataset.location not in LOADERS:
        where, hint = dataset.file or dataset.name, nearest(dataset.location, LOADERS)
        raise RequestError(f"{where}: location: nothing bundled is called '{dataset.location}'; {hint}")
    return LOADERS[dataset.location]()


def _sklearn(name: str, **options: Any) -> pd.DataFrame:
    """The frame of a scikit-learn loader; classes by their names, in the column ``target``."""
    bunch = getattr(importlib.import_module("sklearn.datasets"), f"load_{name}")(as_frame=True, **options)
    if "target_names" not in bunch:
        return bunch.frame
    return bunch.frame.assign(target=np.asarray(bunch.target_names)[bunch.target])


def _statsmodels(name: str) -> pd.DataFrame:
    # The one module and not statsmodels.api, which takes seconds to import.
    return importlib.import_module(f"statsmodels.datasets.{name}").load_pandas().data


def _fair() -> pd.DataFrame:
    """Whether there was any affair; two thirds of the measured rates are 0."""
    frame = _statsmodels("fair")
    affair = np.where(frame["affairs"] > 0, "yes", "no")
    return frame.drop(columns="affairs").assign(affair=affair)


def _star98() -> pd.DataFrame:
    """The share of pupils above the median; products of other columns left out."""
    frame = _statsmodels("star98")
    share = frame["NABOVE"] / (frame["NABOVE"] + frame["NBELOW"])
    products = [column for column in frame.columns if "_" in column]
    return frame.drop(columns=["NABOVE", "NBELOW", *products]).assign(share_above=share)


def _modechoice() -> pd.DataFrame:
    """One row per traveller instead of one per traveller and mode; the target is the mode taken."""
    modes = {1: "air", 2: "train", 3: "bus", 4: "car"}
    frame = _statsmodels("modechoice")
    frame["mode"] = frame["mode"].map(modes)
    wide = frame.groupby("individual")[["hinc", "psize"]].first()
    for attribute in ("ttme", "invc", "invt", "gc"):
        table = frame.pivot(index="individual", columns="mode", values=attribute)
        wide = wide.join(table[list(modes.values())].add_prefix(f"{attribute}_"))
    taken = frame[frame["choice"] == 1].set_index("individual")["mode"]
    # Nobody waits at a terminal for their own car.
    return wide.drop(columns="ttme_car").assign(choice=taken).reset_index(drop=True)


LOADERS: Mapping[str, Callable[[], pd.DataFrame]] = {
    "sklearn.breast_cancer": partial(_sklearn, "breast_cancer"),
    # As measured: the scaled version was standardised with the rows that a split would test on.
    "sklearn.diabetes": partial(_sklearn, "diabetes", scaled=False),
    "sklearn.digits": partial(_sklearn, "digits"),
    "sklearn.iris": partial(_sklearn, "iris"),
    "sklearn.wine": partial(_sklearn, "wine"),
    "statsmodels.anes96": partial(_statsmodels, "anes96"),
    "statsmodels.engel": partial(_statsmodels, "engel"),
    "statsmodels.fair": _fair,
    "statsmodels.modechoice": _modechoice,
    "statsmodels.randhie": partial(_statsmodels, "randhie"),
    "statsmodels.star98": _star98,
}
"""By the card's ``location``."""
