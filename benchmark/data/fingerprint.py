"""The digests that stand for a task's data in keys, seeds and splits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmark.data.taskdata import Ragged, TaskData

__all__ = ["fingerprint", "row_digests"]


def fingerprint(data: TaskData) -> str:
    """SHA-256 over task type, inputs, target, classes and weights, in hexadecimal.

    The same on every machine and under every version of pandas: what is hashed is little-endian numbers, and
    UTF-8 with its length in front. One NaN and one zero stand for all of their bit patterns.
    """
    digest = hashlib.sha256()
    for part in _parts(data):
        digest.update(memoryview(part).nbytes.to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def row_digests(data: TaskData) -> npt.NDArray[np.uint64]:
    """A digest of each row's inputs ``(n_rows,)``: equal inputs give equal digests, -0.0 being 0.0."""
    X = data.X
    if isinstance(X, pd.DataFrame):
        hashed: npt.NDArray[np.uint64] = pd.util.hash_pandas_object(X, index=False).to_numpy(np.uint64)
        return hashed
    rows = X.arrays() if isinstance(X, Ragged) else X
    digests = (hashlib.blake2b(_canonical(row).data, digest_size=8).digest() for row in rows)
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)


def _parts(data: TaskData) -> Iterator[Any]:
    yield from _texts(["swapbench task 3", data.modality, data.task_type, str(len(data))])
    yield from _inputs(data.X)
    yield b"target"
    yield from _texts(data.classes)
    yield from _array(data.y.astype(np.int64 if data.y.dtype.kind in "iu" else np.float64, copy=False))
    if data.weights is not None:
        yield b"weights"
        yield from _array(data.weights)


def _inputs(X: Any) -> Iterator[Any]:
    if isinstance(X, Ragged):
        yield from _array(X.offsets)
        yield from _array(X.values)
    elif not isinstance(X, pd.DataFrame):
        yield from _array(X)
    else:
        for name, column in X.items():
            yield str(name).encode()
            if isinstance(column.dtype, pd.CategoricalDtype):
                yield b"category"
                yield from _texts(column.cat.categories)
                yield column.cat.codes.to_numpy().astype("<i8").data
            else:
                yield b"float64"
                yield _floats(column.to_numpy()).data


def _texts(texts: Iterable[str]) -> Iterator[bytes]:
    # A character of a text may be half of a surrogate pair.
    encoded = [str(text).encode("utf-8", "surrogatepass") for text in texts]
    yield len(encoded).to_bytes(8, "little")
    yield from encoded


def _array(values: npt.NDArray[Any]) -> Iterator[Any]:
    yield f"{values.dtype.kind}{values.dtype.itemsize}{values.shape}".encode()
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    yield _canonical(little).data


def _canonical(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Contiguous, and equal bytes for equal values."""
    return _floats(values) if values.dtype.kind == "f" else np.ascontiguousarray(values)


def _floats(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    canonical = values + np.zeros((), values.dtype)  # makes -0.0 the one zero, and a copy
    canonical[np.isnan(canonical)] = np.nan
    return np.ascontiguousarray(canonical)
