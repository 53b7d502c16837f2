"""Raw rows of every modality, as preprocessors get them, and the form of what they make of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmark.checks.subject import Subject
from benchmark.spec import MODALITIES

__all__ = ["data_of", "form", "tables", "takes_tables", "untold"]


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
