"""Real data that ships inside scikit-learn and statsmodels: no network, no download."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.resources
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from benchmark.data.raw import Raw
from benchmark.errors import RequestError, nearest
from benchmark.spec import Dataset

__all__ = ["LOADERS", "read", "stamp"]


def read(dataset: Dataset) -> Raw:
    """What is at the card's location; of a table, the target is among the columns.

    Raises
    ------
    RequestError
        When there is no loader of that name.
    """
    if dataset.location not in LOADERS:
        where, hint = dataset.file or dataset.name, nearest(dataset.location, LOADERS)
        raise RequestError(f"{where}: location: nothing bundled is called '{dataset.location}'; {hint}")
    found = LOADERS[dataset.location]()
    # The libraries say what their columns are: nothing is to be inferred from values.
    return found if isinstance(found, Raw) else Raw(found, declared=True)


def stamp(dataset: Dataset) -> str:
    """The version of the library that the data ships in."""
    library = {"sklearn": "scikit-learn"}.get(dataset.location.partition(".")[0], "statsmodels")
    return importlib.metadata.version(library)


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


def _digit_images() -> Raw:
    """The counts from 0 to 16 of ``sklearn.digits``, as images ``(n_rows, 8, 8)``."""
    bunch = importlib.import_module("sklearn.datasets").load_digits()
    return Raw(bunch.images.astype(np.uint8), bunch.target)


def _digit_pixels() -> Raw:
    """The same as sequences of one pixel after the other, row by row: ``(n_rows, 64, 1)``."""
    images = _digit_images()
    return Raw(np.asarray(images.inputs).reshape(-1, 64, 1), images.target)


def _descriptions() -> str:
    """What scikit-learn says of its data sets, one text after the other in the order of the files' names."""
    files = importlib.resources.files("sklearn.datasets.descr").iterdir()
    texts = sorted(
        (file.name, file.read_text(encoding="utf-8")) for file in files if file.name.endswith(".rst")
    )
    return "\n".join(text for _, text in texts)


def _co2() -> pd.DataFrame:
    """Weekly values as monthly means, an empty month as the one before: so the manual of statsmodels' STL."""
    monthly = _statsmodels("co2")["co2"].resample("MS").mean().ffill()
    return pd.DataFrame({"month": monthly.index, "co2": monthly.to_numpy()})


def _elnino() -> pd.DataFrame:
    """One row a month instead of one a year."""
    frame = _statsmodels("elnino")
    months = pd.date_range(f"{frame['YEAR'].iloc[0]:.0f}-01-01", periods=12 * len(frame), freq="MS")
    return pd.DataFrame({"month": months, "temperature": frame.drop(columns="YEAR").to_numpy().ravel()})


LOADERS: Mapping[str, Callable[[], pd.DataFrame | Raw | str]] = {
    "sklearn.breast_cancer": partial(_sklearn, "breast_cancer"),
    # As measured: the scaled version was standardised with the rows that a split would test on.
    "sklearn.diabetes": partial(_sklearn, "diabetes", scaled=False),
    "sklearn.descriptions": _descriptions,
    "sklearn.digits": partial(_sklearn, "digits"),
    "sklearn.digits_images": _digit_images,
    "sklearn.digits_pixels": _digit_pixels,
    "sklearn.iris": partial(_sklearn, "iris"),
    "sklearn.wine": partial(_sklearn, "wine"),
    "statsmodels.anes96": partial(_statsmodels, "anes96"),
    "statsmodels.co2": _co2,
    "statsmodels.elnino": _elnino,
    "statsmodels.engel": partial(_statsmodels, "engel"),
    "statsmodels.fair": _fair,
    "statsmodels.modechoice": _modechoice,
    "statsmodels.randhie": partial(_statsmodels, "randhie"),
    "statsmodels.star98": _star98,
    "statsmodels.sunspots": partial(_statsmodels, "sunspots"),
}
"""By the card's ``location``."""
