"""One parsed task as a folder: ``task.json`` and plain ``.npy`` files; nothing in it is ever unpickled.

=================  ==================================================================================
``X_<dtype>.npy``  a table's columns of one type ``(n_columns, n_rows)``: float64 values, category codes
``X.npy``          images
``X_values.npy``   sequences and texts, with ``X_offsets.npy``: the parts of a :class:`Ragged`
``own.npy``        row numbers of all splits that come with the data, one part after the other
``<field>.npy``    ``y``, ``row_digests``, ``groups``, ``time``, ``weights``, where the task has them
``task.json``      everything else, and the size in bytes of every file beside it
=================  ==================================================================================
"""

from __future__ import annotations

import hashlib
import json
import operator
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmark.data.taskdata import Ragged, TaskData
from benchmark.spec import OwnSplit

__all__ = ["Damaged", "address_of", "facts_of", "freeze", "read", "write"]

Array = npt.NDArray[Any]

_FORMAT = 2
_FACTS = ("fingerprint", "task_type", "modality", "origin", "gap")
_BY_ROW = ("row_digests", "groups", "time", "weights")
_SMALL = 256_000
"""Files of fewer bytes are read: every map holds a file descriptor, and a study opens many tasks."""
_AT_ONCE = 16_000_000
"""Bytes that are made contiguous at a time."""


class Damaged(Exception):
    """What is on disk is not what was written."""


class _Stream(NamedTuple):
    """An array that is never whole in memory."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    parts: Iterable[Array]
    """In C order, one after the other, they are the array."""


def address_of(data: TaskData) -> str:
    """SHA-256, in hexadecimal, over all that a task holds; its fingerprint stands for inputs and target."""
    digest = hashlib.sha256(json.dumps(_facts(data), default=operator.index).encode())
    streams = _streams(data)
    for name in sorted({*_BY_ROW, "own"} & set(streams)):
        stream = streams[name]
        digest.update(f"{name} {stream.dtype.str} {stream.shape}".encode())
        for part in _contiguous(stream.parts):
            digest.update(part)
    return digest.hexdigest()


def write(folder: Path, data: TaskData, name: str) -> None:
    """Write a task into a new folder, column by column, and wait until the disk has it.

    Raises
    ------
    OSError
        When the disk is full or the folder cannot be made.
    """
    folder.mkdir()
    sizes = {}
    for key, stream in _streams(data).items():
        sizes[f"{key}.npy"] = _save(folder / f"{key}.npy", stream)
    facts = {"name": name, "n_rows": len(data), "n_features": data.n_features, **_facts(data), "files": sizes}
    with (folder / "task.json").open("w", encoding="utf-8") as file:
        json.dump(facts, file, default=operator.index)
        file.flush()
        os.fsync(file.fileno())


def facts_of(folder: Path) -> dict[str, Any]:
    """What ``task.json`` says, once the files beside it are found to have the sizes it names.

    Raises
    ------
    Damaged
        When they have not, or it is no JSON, or lacks a fact.
    """
    try:
        facts: dict[str, Any] = json.loads((folder / "task.json").read_text(encoding="utf-8"))
        if facts["format"] != _FORMAT or not facts.keys() >= {"name", "n_rows", "n_features", *_FACTS}:
            raise Damaged(f"{folder}: task.json is not as this version writes it")
        if any((folder / name).stat().st_size != size for name, size in facts["files"].items()):
            raise Damaged(f"{folder}: a file's size is not what task.json says")
    except (FileNotFoundError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise Damaged(f"{folder}: {error}") from error
    return facts


def read(folder: Path) -> TaskData:
    """The task in a folder; its arrays are read-only, and mapped where they are large.

    Raises
    ------
    Damaged
        When a file is missing, cut or not what it should be.
    """
    facts = facts_of(folder)
    try:
        arrays = {name[:-4]: _load(folder / name, size) for name, size in facts["files"].items()}
        by_row: dict[str, Any] = {key: arrays.get(key) for key in _BY_ROW}
        return TaskData(
            X=_inputs(facts, arrays),
            y=arrays["y"],
            classes=tuple(facts["classes"]),
            notes=tuple(facts["notes"]),
            own=tuple(_own(facts["own"], arrays.get("own"))),
            **{key: facts[key] for key in _FACTS},
            **by_row,
        )
    except FileNotFoundError as error:
        raise Damaged(f"{folder}: {error}") from error
    except (OSError, MemoryError):
        raise
    except Exception as error:  # what NumPy's parser and pandas raise over damaged bytes has no common class
        raise Damaged(f"{folder}: {type(error).__name__}: {error}") from error


def freeze(data: TaskData) -> None:
    """Make a task's arrays read-only, as :func:`read` gives them; pandas' copy-on-write guards a table's."""
    inputs = (data.X.values, data.X.offsets) if isinstance(data.X, Ragged) else (data.X,)
    by_row = (getattr(data, key) for key in _BY_ROW)
    own = (part for split in data.own for part in (split.train, split.test, split.validation))
    for array in (*inputs, data.y, *by_row, *own):
        if isinstance(array, np.ndarray):
            array.flags.writeable = False


def _facts(data: TaskData) -> dict[str, Any]:
    """Everything but arrays, as JSON has it."""
    return {
        "format": _FORMAT,
        **{key: getattr(data, key) for key in _FACTS},
        "classes": data.classes,
        "notes": data.notes,
        "own": [
            [own.repeat, own.fold, *(len(part) for part in (own.train, own.test, own.validation))]
            for own in data.own
        ],
        "columns": [
            [name, str(column.array.codes.dtype), list(column.cat.categories)]
            if isinstance(column.dtype, pd.CategoricalDtype)
            else [name, "float64", None]
            for name, column in (data.X.items() if isinstance(data.X, pd.DataFrame) else ())
        ],
    }


def _streams(data: TaskData) -> dict[str, _Stream]:
    X = data.X
    if isinstance(X, pd.DataFrame):
        streams = dict(_blocks(X))
    elif isinstance(X, Ragged):
        streams = {"X_values": _stream(X.values), "X_offsets": _stream(X.offsets)}
    else:
        streams = {"X": _stream(X)}
    streams["y"] = _stream(data.y)
    for key in _BY_ROW:
        if getattr(data, key) is not None:
            streams[key] = _stream(getattr(data, key))
    if data.own:
        rows = [
            np.asarray(part, np.int64) for own in data.own for part in (own.train, own.test, own.validation)
        ]
        streams["own"] = _Stream(np.dtype(np.int64), (sum(map(len, rows)),), rows)
    return streams


def _blocks(X: pd.DataFrame) -> Iterator[tuple[str, _Stream]]:
    columns: dict[str, list[Array]] = defaultdict(list)
    for _, column in X.items():
        coded = isinstance(column.dtype, pd.CategoricalDtype)
        values = column.array.codes if coded else column.to_numpy()  # column.cat.codes would be a copy
        if not coded and values.dtype != np.float64:
            raise TypeError(f"column '{column.name}' is {column.dtype}, neither float64 nor category")
        columns[str(values.dtype)].append(values)
    for dtype, values in columns.items():
        yield f"X_{dtype}", _Stream(np.dtype(dtype), (len(values), len(X)), values)


def _stream(array: Array) -> _Stream:
    return _Stream(array.dtype, array.shape, [array])


def _contiguous(parts: Iterable[Array]) -> Iterator[memoryview]:
    for part in parts:
        if part.size:
            step = max(1, _AT_ONCE * len(part) // part.nbytes)
            for start in range(0, len(part), step):
                yield np.ascontiguousarray(part[start : start + step]).data.cast("B")


def _save(path: Path, stream: _Stream) -> int:
    """Write one ``.npy`` file; its size in bytes."""
    if stream.dtype.hasobject:
        raise TypeError(f"{path.stem} holds objects, which are never written")
    header = {"descr": stream.dtype.str, "fortran_order": False, "shape": stream.shape}
    with path.open("xb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for part in _contiguous(stream.parts):
            file.write(part)
        file.flush()
        # Else a machine that loses power may keep the name and the size, and not what was written.
        os.fsync(file.fileno())
        return file.tell()


def _load(path: Path, size: int) -> Array:
    array = np.load(path, mmap_mode=None if size < _SMALL else "r", allow_pickle=False)
    array.flags.writeable = False
    return np.asarray(array)


def _inputs(facts: Mapping[str, Any], arrays: Mapping[str, Array]) -> Any:
    if facts["columns"]:
        return _table(facts["columns"], arrays, facts["n_rows"])
    if "X_values" in arrays:
        return Ragged(arrays["X_values"], arrays["X_offsets"])
    return arrays["X"]


def _table(columns: list[Any], arrays: Mapping[str, Array], n_rows: int) -> pd.DataFrame:
    """A frame over the arrays as they are: numbers in one block, as pandas itself would keep them."""
    names = [name for name, dtype, _ in columns if dtype == "float64"]
    block = arrays["X_float64"] if names else np.empty((0, n_rows))
    numbers = pd.DataFrame(block.T, columns=pd.Index(names, dtype="str"), copy=False)
    codes = {key: iter(array) for key, array in arrays.items()}
    categories = {
        name: pd.Categorical.from_codes(next(codes[f"X_{dtype}"]), categories=labels)
        for name, dtype, labels in columns
        if dtype != "float64"
    }
    coded = pd.DataFrame(categories, index=numbers.index, copy=False)
    order = pd.Index([*names, *categories]).get_indexer([name for name, _, _ in columns])
    # Numbers keep their order among themselves, so pandas moves columns without copying their block.
    return pd.concat([numbers, coded], axis=1).iloc[:, order]


def _own(sizes: list[list[int]], rows: Array | None) -> Iterator[OwnSplit]:
    start = 0
    for repeat, fold, *lengths in sizes:
        assert rows is not None
        ends = np.cumsum([start, *lengths])
        yield OwnSplit(repeat, fold, *(rows[a:b] for a, b in zip(ends[:-1], ends[1:], strict=True)))
        start = int(ends[-1])
