"""Cells as numbers and names, or one line that says which cell is neither."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmark.errors import RequestError

__all__ = ["as_errors", "decimal_commas", "mostly_text", "names", "numbers", "whole"]

EMPTY = ("", "na", "n/a", "nan", "null", "none", "<na>", "-", "–", "—", "?")
"""What stands in a cell without a number, in any case."""

COMMA_NUMBER = r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?"
POINT_NUMBER = r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?"
ROUNDING = 1e-9
"""A score above the best by this share of it is the best: beyond is rounding."""


def mostly_text(frame: pd.DataFrame) -> set[str]:
    """The columns in which more than half of the cells that are not empty are no numbers."""
    return {str(column) for column in frame.columns if _is_text(frame[column])}


def _is_text(cells: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(cells):
        return False
    text = cells.astype("str").str.strip().fillna("")
    filled = text[~text.str.casefold().isin(EMPTY)]
    as_numbers = pd.to_numeric(filled.str.replace(",", ".", regex=False), errors="coerce")
    return bool(as_numbers.isna().sum() > len(filled) / 2)


def whole(labels: pd.Series) -> pd.Series:
    """The labels as whole numbers where all of them are, so that they sort like numbers."""
    return labels.astype("int64") if labels.str.fullmatch(r"0|[1-9]\d{0,17}").all() else labels


def decimal_commas(frame: pd.DataFrame, columns: Sequence[str], name: str) -> bool:
    """Whether the numbers of these columns are written 0,5 instead of 0.5.

    Raises
    ------
    RequestError
        When both are there.
    """
    cells = pd.concat([frame[column].astype("str").str.strip() for column in columns])
    commas, points = cells.str.fullmatch(COMMA_NUMBER), cells.str.fullmatch(POINT_NUMBER)
    if commas.any() and points.any():
        raise RequestError(
            f"{name}: both '{cells[commas].iloc[0]}' and '{cells[points].iloc[0]}' stand for numbers; write"
            " all of them with a decimal point"
        )
    return bool(commas.any())


def numbers(
    frame: pd.DataFrame, column: str, name: str, *, comma: bool = False, hint: str = ""
) -> np.ndarray:
    """The column as floats, NaN for empty cells; ``hint`` says what to do about a cell that is text.

    Raises
    ------
    RequestError
        When a cell is no number.
    """
    cells = frame[column]
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_complex_dtype(cells):
        return np.asarray(cells.to_numpy(dtype=float, na_value=np.nan))
    text = cells.astype("str").str.strip().fillna("")
    plain = text.str.replace(",", ".", regex=False) if comma else text
    values: np.ndarray = pd.to_numeric(plain, errors="coerce").to_numpy(
        dtype=float, na_value=np.nan, copy=True
    )
    empty = text.str.casefold().isin(EMPTY).to_numpy()
    values[empty] = np.nan
    wrong = np.flatnonzero(np.isnan(values) & ~empty)
    if len(wrong):
        cell = f"column '{column}', row {frame.index[wrong[0]] + 1}: '{text.iloc[wrong[0]][:60]}'"
        raise RequestError(f"{name}: {cell} is no number{hint}")
    return values


def names(frame: pd.DataFrame, column: str, name: str) -> pd.Series:
    """The column as names, whole numbers without a point.

    Raises
    ------
    RequestError
        When a cell is empty.
    """
    cells = frame[column]
    if pd.api.types.is_float_dtype(cells) and (cells.dropna() % 1 == 0).all():
        cells = cells.astype("Int64")
    text = cells.astype("str").str.strip()
    empty = np.flatnonzero((text.isna() | (text == "")).to_numpy())
    if len(empty):
        rows = f"{len(empty)} row{'s' if len(empty) > 1 else ''}"
        raise RequestError(
            f"{name}: column '{column}' is empty in {rows}, first in row {frame.index[empty[0]] + 1}"
        )
    return text


def as_errors(scores: pd.DataFrame, name: str, *, higher_is_better: bool, best: float) -> np.ndarray:
    """The values as errors: themselves, or ``best`` minus the scores; NaN where they are not finite.

    ``scores`` and what comes back are ``(n_rows, n_columns)``.

    Raises
    ------
    RequestError
        When an error is negative or a score is above the best.
    """
    finite = scores.to_numpy(dtype=float)
    finite = np.where(np.isfinite(finite), finite, np.nan)
    errors: np.ndarray = best - finite if higher_is_better else finite
    if higher_is_better:
        errors = np.where((errors < 0) & (errors > -ROUNDING * abs(best)), 0.0, errors)
    wrong = np.argwhere(errors < 0)
    if not len(wrong):
        return errors
    row, at = (int(place) for place in wrong[0])
    where = f"{name}: column '{scores.columns[at]}', row {scores.index[row] + 1}: {finite[row, at]:g}"
    if not higher_is_better:
        raise RequestError(
            f"{where} is below 0 and an error is not; if larger is better: --higher-is-better (with --score"
            " COL, or --wide), else add the same number to all of them"
        )
    if best == 1 and np.nanmax(finite) <= 100:
        raise RequestError(f"{where} is above --best 1; for percentages write --best 100")
    raise RequestError(f"{where} is above --best {best:g}; write the highest score there can be")
