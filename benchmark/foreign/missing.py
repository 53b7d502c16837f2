"""Rows that are not there at all: refused, counted as failures, or their blocks left out of every method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.errors import RequestError, nearest

__all__ = ["MISSING", "Completed", "complete"]

MISSING = ("refuse", "fail", "drop")
BLOCK = ("setting", "task", "host", "repeat", "fold", "seed")
SHOWN = 3
TOLD = {"task": "dataset"}
"""What a coordinate is called by those who read tables."""
OF_A_BLOCK = ("origin", "base_host", "rows", "width", "n_train", "n_test", "featureless_error", "metric")
"""What is the same for every method of a block."""


@dataclass(frozen=True, eq=False)
class Completed:
    """Records in which every compared method has every block, and what that took."""

    records: pd.DataFrame
    missing: int
    """Rows that were not there."""
    dropped: int
    """Blocks that left every method for it."""


def complete(records: pd.DataFrame, methods: Sequence[str], how: str, name: str) -> Completed:
    """The records with every block of every method, a method's A/A arms included.

    ``how`` says what becomes of a block (setting, dataset, host, split, seed) that some of the methods lack:
    ``refuse``; ``fail``, it is added to them as a failure; ``drop``, it leaves the whole table.

    Raises
    ------
    RequestError
        Where something is missing and ``how`` is ``refuse``; where nothing is left.
    """
    if how not in MISSING:
        raise RequestError(f"--missing {how}: {nearest(how, MISSING)}")
    compared = records["component"].isin(methods).to_numpy()
    arms, arm = _numbered(records, ["component", "replicate"], compared)
    blocks, block = _numbered(records, [*BLOCK], compared)
    there = np.zeros((len(arms), len(blocks)), dtype=bool)
    there[arm, block] = True
    if there.all():
        return Completed(records, 0, 0)
    lacking = np.argwhere(~there)
    if how == "refuse":
        raise RequestError(f"{name}: {_what_is_missing(there, arms, blocks)}")
    if how == "fail":
        added = _failed(records[compared], arm, block, lacking)
        return Completed(pd.concat([records, added], ignore_index=True), len(lacking), 0)
    incomplete = ~there.all(axis=0)
    if incomplete.all():
        raise RequestError(
            f"{name}: no block is there for all of the {len(methods)} methods: {_sizes(there, arms)}"
        )
    shared = [one for one in BLOCK if one in records]
    gone = pd.MultiIndex.from_frame(blocks[incomplete])
    keep = ~pd.MultiIndex.from_frame(records[shared]).isin(gone)
    return Completed(records[keep].reset_index(drop=True), len(lacking), int(incomplete.sum()))


def _numbered(
    records: pd.DataFrame, keys: Sequence[str], among: np.ndarray
) -> tuple[pd.DataFrame, np.ndarray]:
    """The different values of the keys that are there, in order of appearance, and each row's number."""
    rows = records.loc[among, [one for one in keys if one in records]]
    number = rows.groupby(list(rows.columns), sort=False, dropna=False).ngroup().to_numpy()
    first = np.unique(number, return_index=True)[1]
    return rows.iloc[first].reset_index(drop=True), number


def _failed(compared: pd.DataFrame, arm: np.ndarray, block: np.ndarray, lacking: np.ndarray) -> pd.DataFrame:
    """A failure for every (arm, block) that is not there."""
    first_of_arm = np.unique(arm, return_index=True)[1]
    first_of_block = np.unique(block, return_index=True)[1]
    of_arm = [one for one in ("component", "replicate", "role", "slot") if one in compared]
    of_block = [one for one in (*BLOCK, *OF_A_BLOCK) if one in compared]
    rows = pd.concat(
        [
            compared[of_arm].iloc[first_of_arm[lacking[:, 0]]].reset_index(drop=True),
            compared[of_block].iloc[first_of_block[lacking[:, 1]]].reset_index(drop=True),
        ],
        axis=1,
    )
    return rows.assign(error=np.nan, status="failed", reason="the table has no such row")


def _what_is_missing(there: np.ndarray, arms: pd.DataFrame, blocks: pd.DataFrame) -> str:
    lacking = np.argwhere(~there)
    shown = [f"{_said(arms.iloc[one])} lacks {_said(blocks.iloc[place])}" for one, place in lacking[:SHOWN]]
    rest = f" and {len(lacking) - SHOWN} more" if len(lacking) > SHOWN else ""
    return (
        f"{len(lacking)} of {there.size} results are not there: {'; '.join(shown)}{rest}; --missing fail"
        " counts them as failures, --missing drop leaves their blocks out of every method"
    )


def _sizes(there: np.ndarray, arms: pd.DataFrame) -> str:
    counts = [
        f"{_said(arm)} has {count}"
        for (_, arm), count in zip(arms.iterrows(), there.sum(axis=1), strict=True)
    ]
    return ", ".join(counts[:SHOWN]) + (" and so on" if len(counts) > SHOWN else "")


def _said(row: pd.Series) -> str:
    """A cell in words: a method's name alone, with its replicate in A/A arms."""
    parts = [
        str(value) if one == "component" else f"{TOLD.get(str(one), one)}={value}"
        for one, value in row.items()
        if not (one == "replicate" and value == 0) and value != ""
    ]
    return " ".join(parts)
