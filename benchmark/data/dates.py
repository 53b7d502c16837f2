"""Dates and times as numbers, whether a column holds them as such or as ISO text."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

__all__ = ["dates"]

_ISO = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}(?::?\d{2})?)?)?"
"""ISO 8601: a date, maybe with a time of day, maybe with a time zone."""
_MICROSECONDS = 86_400_000_000
_MISSING = np.iinfo(np.int64).min


def dates(column: pd.Series) -> npt.NDArray[np.float64] | None:
    """Days since 1970-01-01 UTC ``(n_rows,)``, NaN where missing; None for a column of anything else.

    Times without a zone are taken as UTC. Text counts where every value is an ISO date; a duration is days.
    """
    if types.is_timedelta64_dtype(column.dtype):
        return _days(column.astype("timedelta64[us]"))
    if types.is_string_dtype(column.dtype):
        parsed = _parsed(column)
        if parsed is None:
            return None
        column = parsed
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    if not types.is_datetime64_dtype(column.dtype):
        return None
    return _days(column.astype("datetime64[us]"))


def _days(column: pd.Series) -> npt.NDArray[np.float64]:
    # Through one unit, so that a file's own unit leaves the last bit alone.
    count = column.to_numpy().view(np.int64)
    return np.where(count == _MISSING, np.nan, count / _MICROSECONDS)


def _parsed(column: pd.Series) -> pd.Series | None:
    """ISO text as UTC times, or None when some value is no ISO date or no day of the calendar."""
    first = column.first_valid_index()
    # Nearly all text is turned away by its first value.
    if first is None or not re.fullmatch(_ISO, str(column[first])):
        return None
    if not column.dropna().str.fullmatch(_ISO).all():
        return None
    try:
        return pd.to_datetime(column, format="ISO8601", utc=True)
    except ValueError:
        return None
