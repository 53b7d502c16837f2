"""Rows in whatever form they have: some of them, and whether two lots are the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

__all__ = ["alike", "apart", "arrays", "taken"]


def taken(X: Any, numbers: np.ndarray) -> Any:
    """Some of the rows of a table, an array or a list."""
    if isinstance(X, pd.DataFrame):
        return X.iloc[numbers]
    return X[numbers] if isinstance(X, np.ndarray) else [X[number] for number in numbers]


def arrays(rows: Any) -> list[np.ndarray]:
    """The rows as numbers, one array each."""
    if isinstance(rows, pd.DataFrame):
        plain = rows.apply(lambda column: column.cat.codes if column.dtype == "category" else column)
        return [*plain.to_numpy(float)]
    return [np.asarray(row) for row in rows]


def alike(first: Any, second: Any) -> bool:
    """Whether two tables, arrays or lists of rows are the same to the precision of float32."""
    rows = arrays(first), arrays(second)
    return len(rows[0]) == len(rows[1]) and all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-5, atol=1e-6, equal_nan=True)
        for a, b in zip(*rows, strict=True)
    )


def apart(first: Any, second: Any) -> str:
    """What to say of rows that are not alike."""
    expected, seen = arrays(first), arrays(second)
    if len(expected) != len(seen):
        return f"{len(seen)} rows instead of {len(expected)}"
    for a, b in zip(expected, seen, strict=True):
        if a.shape != b.shape:
            return f"a row of shape {b.shape} instead of {a.shape}"
    flat = [np.concatenate([np.ravel(row).astype(float) for row in rows]) for rows in (expected, seen)]
    gaps = np.isnan(flat[0]) != np.isnan(flat[1])
    off = np.abs(flat[0] - flat[1])[~np.isnan(flat[0]) & ~np.isnan(flat[1])].max(initial=0.0)
    others = f", and {gaps.sum()} that are no number in one of them" if gaps.any() else ""
    return f"differences up to {off:.3g}{others}"
