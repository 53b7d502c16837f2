"""Columns with a role: which rows stay together, which came first, how much each counts, which are tested."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmark.data.columns import encode, is_number, settled
from benchmark.data.dates import dates
from benchmark.data.raw import Raw
from benchmark.errors import RequestError, nearest
from benchmark.spec import Dataset, OwnSplit

__all__ = ["PARTS", "Roles", "check_names", "ranks", "roles_of"]

PARTS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
"""What a ``split`` column may say, in any case, and which part it means."""

_DATED = re.compile(r"\d{4}(?!\d).*")
"""Text that sorts by time as it stands, where all of it is of one shape: the year comes first."""


@dataclass(frozen=True, eq=False)
class Roles:
    """What the role columns say, row by row; the fields of :class:`benchmark.data.TaskData`."""

    groups: npt.NDArray[np.int64] | None
    time: npt.NDArray[np.int64] | None
    weights: npt.NDArray[np.float64] | None
    own: tuple[OwnSplit, ...]


def check_names(frame: pd.DataFrame, dataset: Dataset, target: str, where: str) -> None:
    """Refuse a card that names a column that is not there, or one column for two purposes.

    Groups and times may be one column, and be given a type, by which they become features, too.

    Raises
    ------
    RequestError
        Names the key, the column and the nearest that there is.
    """
    if not target:
        hint = nearest("", frame.columns)
        raise RequestError(f"{where}: target: say which column of '{dataset.location}' to predict; {hint}")
    named: dict[str, tuple[str, ...]] = {"target": (target,)}
    for role in ("weights", "split", "groups", "time"):
        name = getattr(dataset, role)
        named[role] = () if name is None else (name,)
    named |= {key: getattr(dataset, key) for key in ("categorical", "numeric", "ignore")}
    seen: dict[str, str] = {}
    for key, names in named.items():
        for name in names:
            if name not in frame.columns:
                hint = nearest(name, frame.columns)
                raise RequestError(f"{where}: {key}: '{dataset.location}' has no column '{name}'; {hint}")
            first = seen.setdefault(name, key)
            shared = first in ("groups", "time") and key in ("time", "categorical", "numeric")
            if first != key and not shared:
                raise RequestError(f"{where}: {key}: the column '{name}' stands under '{first}' already")
            seen[name] = key


def roles_of(frame: pd.DataFrame, raw: Raw, dataset: Dataset, where: str) -> Roles:
    """What the card's role columns say; splits come with the data where no column says them.

    Raises
    ------
    RequestError
        For missing values, weights that are not positive, times that do not sort, and unknown parts.
    """

    def column(role: str) -> tuple[pd.Series, str] | None:
        name = getattr(dataset, role)
        if name is None:
            return None
        place = f"{where}: {role}: column '{name}'"
        if missing := int(frame[name].isna().sum()):
            raise RequestError(
                f"{place} is missing in {missing} of {len(frame)} rows; fill it, or remove them"
            )
        return frame[name], place

    groups, time, weights, split = map(column, ("groups", "time", "weights", "split"))
    return Roles(
        groups=None if groups is None else encode(*groups)[0],
        time=None if time is None else ranks(*time),
        weights=None if weights is None else _weights(*weights),
        own=raw.own if split is None else (_split(*split),),
    )


def ranks(column: pd.Series, where: str) -> npt.NDArray[np.int64]:
    """Ranks in time ``(n_rows,)`` from 0; equal times, equal ranks.

    Times are numbers, ISO dates, or text of one shape that begins with the year (``2020Q1``).

    Raises
    ------
    RequestError
        For text that does not sort by time.
    """
    column = settled(column)
    days = dates(column)
    if days is not None:
        values: Any = days
    elif is_number(column):
        values = column.to_numpy()
    else:
        texts = column.astype(str)
        shapes = texts.str.replace(r"\d", "9", regex=True)
        if shapes.nunique() > 1 or not _DATED.fullmatch(texts.iloc[0]):
            raise RequestError(
                f"{where} holds text such as '{texts.iloc[0]}', which does not sort by time; write dates as "
                "2020-12-31, or numbers"
            )
        values = texts.to_numpy(object)
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _weights(column: pd.Series, where: str) -> npt.NDArray[np.float64]:
    column = settled(column)
    if not is_number(column):
        raise RequestError(f"{where} holds '{column.iloc[0]}' and the like; weights are positive numbers")
    values = column.to_numpy(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
    if len(wrong):
        found = f"{values[wrong[0]]:g} in row {wrong[0] + 1}"
        raise RequestError(f"{where} is {found}; weights are positive numbers: remove rows that do not count")
    # By the largest first: the sum of huge weights would overflow.
    scaled = values / values.max()
    return np.asarray(scaled / scaled.mean())


def _split(column: pd.Series, where: str) -> OwnSplit:
    said = column.astype(str).str.strip().str.casefold()
    parts = said.map(PARTS)
    if parts.isna().any():
        row = int(parts.isna().to_numpy().argmax())
        known = nearest(said.iloc[row], PARTS)
        raise RequestError(f"{where} says '{column.iloc[row]}' in row {row + 1}; {known}")
    rows = {part: np.flatnonzero(parts.to_numpy() == part) for part in ("train", "validation", "test")}
    for part in ("train", "test"):
        if not len(rows[part]):
            raise RequestError(
                f"{where} says '{part}' in no row; a split needs rows to train on and to test on"
            )
    return OwnSplit(0, 0, rows["train"], rows["test"], rows["validation"])
