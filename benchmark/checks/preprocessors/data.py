"""Raw rows of every modality, as preprocessors get them, and what they make of them as plain numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmark.checks.subject import Subject
from benchmark.spec import MODALITIES

__all__ = ["alike", "apart", "arrays", "data_of", "form", "tables", "takes_tables", "untold"]


def data_of(subject: Subject) -> Iterator[tuple[str, Any, Any]]:
    """By modality that it takes, or can only take: rows to fit and rows to transform."""
    every = _rows()
    for modality in untold(subject) or subject.named("modality") or MODALITIES:
        yield modality, *every[modality]


def untold(subject: Subject) -> Sequence[str]:
    """Tables, where they are all that a class without a file in a catalog can take; else nothing."""
    if subject.named("modality") or subject.component.file.endswith(".yaml"):
        return ()
    taken = [modality for modality, (train, _) in _rows().items() if _takes(subject, train)]
    return taken if taken == ["tabular"] else ()


def _takes(subject: Subject, rows: Any) -> bool:
    try:
        subject.make().fit_transform(rows, np.arange(len(rows), dtype=float))
    except Exception:  # whatever it raises at rows that it was not written for
        return False
    return True


def _rows() -> dict[str, tuple[Any, Any]]:
    random = np.random.default_rng(0)
    train, test = tables()
    series = [random.normal(3, 7, (length, 2)).astype(np.float32) for length in (4, 1, 6, 2, 5, 9, 2)]
    texts = ["abba", "", "Zürich", "b c", "new: öäü", "ab", "a"]
    images = random.integers(0, 256, (7, 3, 4, 5), dtype=np.uint8)
    return {
        "tabular": (train, test),
        "image": (images[:4], images[4:]),
        "sequence": (series[:4], series[4:]),
        "text": (texts[:4], texts[4:]),
    }


def takes_tables(subject: Subject) -> bool:
    """Whether tables are among the data that it takes."""
    return "tabular" in (subject.named("modality") or MODALITIES)


def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """With gaps, a constant, a column without any value, and a category that training never saw."""
    random = np.random.default_rng(1)
    table = pd.DataFrame({"number": random.normal(5, 3, 40), "large": random.lognormal(0, 4, 40)})
    table["gaps"] = np.where(random.random(40) < 0.3, np.nan, table["number"])
    table["constant"], table["empty"] = 7.0, np.nan
    kinds = random.choice(["a", "b", "c"], 40)
    kinds[30] = "never seen"
    table["kind"] = pd.Categorical.from_codes(pd.factorize(kinds)[0], pd.factorize(kinds)[1])
    table.loc[[3, 33], "kind"] = np.nan
    table.index = pd.Index(random.permutation(40))
    return table.iloc[:28], table.iloc[28:]


def form(out: Any) -> str:
    """What a preprocessor gave, by the contract's name for it where it has one."""
    if isinstance(out, pd.DataFrame):
        return "table"
    if isinstance(out, np.ndarray):
        return "image" if out.ndim == 4 else f"an array of {out.ndim} dimensions"
    if not isinstance(out, list):
        return type(out).__name__
    kinds = {(row.ndim, row.dtype.kind) for row in out}
    if kinds == {(2, "f")}:
        return "sequence"
    return "tokens" if kinds == {(1, "i")} else f"rows of dimensions and kinds {kinds}"


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
