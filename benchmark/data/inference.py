"""What a column is: numbers, categories, dates as numbers, or nothing to learn from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from benchmark.data.columns import encode, floats, is_label, is_nested, is_number, is_text, settled
from benchmark.data.dates import dates
from benchmark.errors import RequestError

__all__ = ["FEWEST_ROWS", "Feature", "feature", "notes_of"]

FEWEST_ROWS = 20
"""In shorter columns than this nothing is taken as a name of rows: all-different values come by chance."""

_NAMED_ID = re.compile(r"(?i:(?:.*[\W_])?(?:id|ids|idx|index|key|uid|uuid|unnamed: \d+))|.*[a-z]I[dD]")
"""Names that people give to columns that name rows."""

_IGNORED = {
    "empty": "ignored, no value in any row",
    "constant": "ignored, the same value in every row",
    "unlike": "ignored, numbers and text mixed, and hardly two rows alike (to be told what is no number, "
    "put it under 'numeric')",
    "names": "ignored, they name the rows (to keep one, put it under 'categorical' or 'numeric')",
}
_TAKEN = {
    "dates": "dates, taken as days since 1970-01-01 UTC",
    "durations": "durations, taken as days",
    "digits": "numbers written as text, taken as categories (if one is a quantity, put it under 'numeric')",
    "mixed": "numbers and text mixed, taken as categories (to be told what is no number, use 'numeric')",
}


class Feature(NamedTuple):
    """What became of a column."""

    values: pd.Series | None
    """float64 or category; None when the column is ignored."""
    reason: str = ""
    """Why it is ignored, or how it was taken, in one word; empty where its own type says all."""


def feature(column: pd.Series, word: str, declared: bool, where: str) -> Feature:
    """A column as the task sees it.

    Parameters
    ----------
    column
        As it was read.
    word
        The card's: ``numeric``, ``categorical``, or empty where it says nothing.
    declared
        The column's type is its source's word; its values are not looked at for another.
    where
        The file, to begin messages with.

    Raises
    ------
    RequestError
        For infinite, nested or unusable values, and text under ``numeric`` that is no number.
    """
    where = f"{where}: column '{column.name}'"
    column = settled(column)
    if is_nested(column):
        raise RequestError(f"{where} holds nested values; put it under 'ignore'")
    if word == "numeric":
        return Feature(_numbers(_parsed(column, where), where))
    if word == "categorical":
        return Feature(_categories(column, where))
    reason = "" if declared else _useless(column)
    if reason:
        return Feature(None, reason)
    if is_number(column):
        return Feature(_numbers(column, where))
    days = None if declared and is_label(column) else dates(column)
    if days is not None:
        reason = "durations" if types.is_timedelta64_dtype(column.dtype) else "dates"
        return Feature(_series(days), reason)
    if not is_label(column):
        raise RequestError(
            f"{where} has the type {column.dtype}, neither number nor text; put it under 'ignore'"
        )
    written = "" if declared else _written(column)
    if not declared and _names_rows_by_text(column):
        return Feature(None, "unlike" if written == "mixed" else "names")
    return Feature(_categories(column, where), written)


def notes_of(reasons: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """One line for each reason there is, from ``(column, reason)`` pairs in the table's order."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in reasons:
        by_reason.setdefault(reason, []).append(name)
    texts = {**_IGNORED, **_TAKEN}
    return tuple(
        f"{_listed(by_reason[reason])}: {text}" for reason, text in texts.items() if reason in by_reason
    )


def _listed(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:most])
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{'column' if len(names) == 1 else 'columns'} {shown}{rest}"


def _useless(column: pd.Series) -> str:
    """Why nothing can be learned from a column, whatever its type; empty where something may be."""
    present = column.notna()
    if not present.any():
        return "empty"
    # Where some rows have the one value and others none, that is what can be learned.
    if present.all() and (column == column.iloc[0]).all():
        return "constant"
    return "names" if types.is_integer_dtype(column.dtype) and _names_rows_by_number(column) else ""


def _names_rows_by_number(column: pd.Series) -> bool:
    """Whether whole numbers count the rows, or are all different under a name that says so."""
    if len(column) < FEWEST_ROWS or column.hasnans:
        return False
    if (np.diff(column.to_numpy()) == 1).all():
        return True
    return _NAMED_ID.fullmatch(str(column.name)) is not None and column.is_unique


def _names_rows_by_text(column: pd.Series) -> bool:
    """Whether more than half of a text column's rows bear a text that no other row does.

    For such a row, the column tells nothing that could have been learned from other rows.
    """
    if not is_text(column) or column.count() < FEWEST_ROWS:
        return False
    rows = column.value_counts()
    return bool((rows == 1).sum() > 0.5 * column.count())


def _written(column: pd.Series) -> str:
    """How numbers stand in a text column, in one word; empty for plain text."""
    if not is_text(column):
        return ""
    values = pd.Series(column.dropna().unique()).astype(str)
    numbers = int(pd.to_numeric(values, errors="coerce").notna().sum())
    if not numbers:
        return ""
    return "digits" if numbers == len(values) else "mixed"


def _parsed(column: pd.Series, where: str) -> pd.Series:
    """A column of any type as numbers, for it was said to be numeric."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        kind = column.cat.categories.dtype
        column = column.astype(np.float64 if types.is_numeric_dtype(kind) else kind)
    if is_number(column):
        return column
    if types.is_bool_dtype(column.dtype):
        return column.astype("Float64")
    days = dates(column)
    if days is not None:
        return _series(days)
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = (numbers.isna() & column.notna()).to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        raise RequestError(f"{where} is under 'numeric', but row {row + 1} says '{column.iloc[row]}'")
    return numbers


def _numbers(column: pd.Series, where: str) -> pd.Series:
    return _series(floats(column, where))


def _categories(column: pd.Series, where: str) -> pd.Series:
    codes, labels = encode(column, where)
    return _series(pd.Categorical.from_codes(codes, categories=list(labels)))


def _series(values: npt.NDArray[np.float64] | pd.Categorical) -> pd.Series:
    return pd.Series(values, copy=False)
