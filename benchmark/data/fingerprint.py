"""The digest that stands for a task's data in keys and seeds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from benchmark.data.table import TaskData

__all__ = ["fingerprint"]


def fingerprint(data: TaskData) -> str:
    """SHA-256 over task type, column names, types, values, categories and target, in hexadecimal.

    The same on every machine and under every version of pandas: what is hashed is little-endian float64 and
    int64, and UTF-8 with its length in front. One NaN and one zero stand for all of their bit patterns.
    """
    digest = hashlib.sha256()
    for part in _parts(data):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def _parts(data: TaskData) -> Iterator[bytes]:
    yield from _texts(["swapbench task 1", data.task_type, str(len(data.X))])
    for name, column in data.X.items():
        yield str(name).encode()
        if isinstance(column.dtype, pd.CategoricalDtype):
            yield b"category"
            yield from _texts(column.cat.categories)
            yield column.cat.codes.to_numpy().astype("<i8").tobytes()
        else:
            yield b"float64"
            yield _floats(column.to_numpy())
    yield b"target"
    yield from _texts(data.classes)
    yield _floats(data.y) if data.task_type == "regression" else data.y.astype("<i8").tobytes()


def _texts(texts: Iterable[str]) -> Iterator[bytes]:
    encoded = [str(text).encode() for text in texts]
    yield len(encoded).to_bytes(8, "little")
    yield from encoded


def _floats(values: np.ndarray) -> bytes:
    canonical = values.astype("<f8") + 0.0  # makes -0.0 the one zero
    canonical[np.isnan(canonical)] = np.nan
    return canonical.tobytes()
