"""The tables of a bundle as Parquet files with exact columns, and back."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from benchmark.errors import RequestError
from benchmark.publish.layout import LABELS, PLAN, PREDICTIONS, RECORDS, TRIALS
from benchmark.publish.parquet import columns_of, decoded, encoded, flat
from benchmark.records.schema import RECORD_COLUMNS, TRIAL_COLUMNS

__all__ = [
    "Labels",
    "read_labels",
    "read_plan",
    "read_predictions",
    "read_records",
    "read_trials",
    "write_labels",
    "write_plan",
    "write_predictions",
    "write_records",
    "write_trials",
]

Array = npt.NDArray[np.generic]
Labels = Mapping[tuple[str, int, int], tuple[Array, Array | None]]
"""True values and weights of the test rows, by task, repeat and fold: int64 class codes, or float64."""

_CELL = ("role", "slot", "component", "host", "task", "origin", "repeat", "fold", "seed", "setting")
_PLAN = (*_CELL, "replicate", "control", "tuning", "key")
_WHOLE = {"repeat", "fold", "seed", "replicate", "tuning", "trial", "trials", "n_train", "n_test", "steps"}
_WHOLE |= {"stacked"}
_SURE = {"fit_seconds", "predict_seconds", "peak_memory_mb", "peak_gpu_memory_mb"}
_NUMBERS = {"error", "score", "validation_error", "train_error", "featureless_error", "test_errors"}
_TRUE_FALSE = {"pooled", "imputed"}
_METRIC = re.compile(r"metric_\w{1,100}", re.ASCII)
_MAX_METRICS = 100
_MAX_AXES = 8
_TABLE_GROUP, _ARRAY_GROUP = 2**16, 2**10
"""Rows of a row group."""


def write_records(records: pd.DataFrame) -> bytes:
    """``records.parquet`` of a table as :meth:`~benchmark.records.store.Store.record_table` makes it."""
    return _write(records, _record_schema(records.columns), RECORDS)


def read_records(content: bytes) -> pd.DataFrame:
    """The records, as :meth:`~benchmark.records.store.Store.record_table` gives them."""
    return _read(content, _record_schema(columns_of(content, RECORDS)), RECORDS)


def write_trials(trials: pd.DataFrame) -> bytes:
    """``trials.parquet`` of a table as :meth:`~benchmark.records.store.Store.trial_table` makes it."""
    return _write(trials, _schema(TRIAL_COLUMNS), TRIALS)


def read_trials(content: bytes) -> pd.DataFrame:
    """The trials, as :meth:`~benchmark.records.store.Store.trial_table` gives them."""
    return _read(content, _schema(TRIAL_COLUMNS), TRIALS)


def write_plan(plan: pd.DataFrame) -> bytes:
    """``plan.parquet`` of a study's cells."""
    return _write(plan, _schema(_PLAN), PLAN)


def read_plan(content: bytes) -> pd.DataFrame:
    """The study's cells."""
    return _read(content, _schema(_PLAN), PLAN)


def write_predictions(predictions: Iterable[tuple[str, Array]]) -> bytes:
    """``predictions.parquet`` of arrays of float32, by the key of their record."""
    rows = sorted(predictions, key=lambda row: row[0])
    columns = {
        "key": pa.array([key for key, _ in rows], pa.string()),
        **_lists([array for _, array in rows], "values", np.float32, PREDICTIONS),
    }
    return encoded(_table(columns, _prediction_schema()), PREDICTIONS, group=_ARRAY_GROUP)


def read_predictions(content: bytes) -> dict[str, npt.NDArray[np.float32]]:
    """Every prediction by its record's key: views, which cannot be written to.

    Raises
    ------
    RequestError
        When a shape does not fit its values, a value is not finite, or the keys are not in order.
    """
    table = decoded(content, PREDICTIONS, _prediction_schema())
    keys = table.column("key").to_pylist()
    _check_order(keys, PREDICTIONS)
    arrays = _arrays(table, "values", [f"{PREDICTIONS}: {key[:64]!r}" for key in keys])
    return dict(zip(keys, arrays, strict=True))


def write_labels(labels: Labels) -> bytes:
    """``labels.parquet`` of the test rows of every split."""
    places = sorted(labels)
    targets = [labels[place][0] for place in places]
    weights = [labels[place][1] for place in places]
    given = [np.zeros(0) if one is None else one for one in weights]
    missing = pa.array([one is None for one in weights], pa.bool_())
    listed = _lists(given, "weights", np.float64, LABELS)["weights"]
    columns = {
        **{
            name: pa.array([place[at] for place in places], pa.int64() if at else pa.string())
            for at, name in enumerate(("task", "repeat", "fold"))
        },
        "whole": pa.array([one.dtype.kind in "iu" for one in targets], pa.bool_()),
        **_lists(targets, "y", np.float64, LABELS),
        "weights": pa.ListArray.from_arrays(listed.offsets, listed.values, listed.type, mask=missing),
    }
    return encoded(_table(columns, _label_schema()), LABELS, group=_ARRAY_GROUP)


def read_labels(content: bytes) -> dict[tuple[str, int, int], tuple[Array, Array | None]]:
    """True values and weights of the test rows, by task, repeat and fold.

    Raises
    ------
    RequestError
        When a shape does not fit its values, a value is not finite or no class code where one must be, or
        the splits are not in order.
    """
    table = decoded(content, LABELS, _label_schema())
    places = list(zip(*(table.column(name).to_pylist() for name in ("task", "repeat", "fold")), strict=True))
    _check_order(places, LABELS)
    shown = [f"{LABELS}: {place!r:.100}" for place in places]
    weights = [one for _, one in _rows(table.column("weights"), shown)]
    known = table.column("weights").is_valid().to_pylist()
    found: dict[tuple[str, int, int], tuple[Array, Array | None]] = {}
    wholes = table.column("whole").to_pylist()
    for at, y in enumerate(_arrays(table, "y", shown)):
        if known[at] and len(weights[at]) != (y.shape[0] if y.ndim else 1):
            raise RequestError(f"{shown[at]}: has {len(weights[at])} weights of {len(y)} rows")
        found[places[at]] = (_codes(y, shown[at]) if wholes[at] else y, weights[at] if known[at] else None)
    return found


def _codes(y: Array, shown: str) -> Array:
    if not (np.abs(y) < 2**53).all() or not (y == np.trunc(y)).all():
        raise RequestError(f"{shown}: a class code is no whole number")
    return y.astype(np.int64)


def _record_schema(names: Sequence[str]) -> pa.Schema:
    known = [*RECORD_COLUMNS, "traceback"]
    metrics = sorted(name for name in names if name not in known)
    for name in metrics:
        if len(metrics) > _MAX_METRICS or not _METRIC.fullmatch(name):
            raise RequestError(f"{RECORDS}: {name[:80]!r} is no column of records, or one of too many")
    return _schema([*known, *metrics])


def _schema(names: Iterable[str]) -> pa.Schema:
    return pa.schema([_field(name) for name in names])


def _field(name: str) -> pa.Field:
    if name in _WHOLE:
        return pa.field(name, pa.int64(), nullable=False)
    if name in _TRUE_FALSE:
        return pa.field(name, pa.bool_(), nullable=False)
    if name in _NUMBERS or name.startswith("metric_"):
        return pa.field(name, pa.float64())
    return pa.field(name, pa.float64() if name in _SURE else pa.string(), nullable=False)


def _prediction_schema() -> pa.Schema:
    return pa.schema(
        [
            _field("key"),
            pa.field("shape", _list(pa.int32()), nullable=False),
            pa.field("values", _list(pa.float32()), nullable=False),
        ]
    )


def _label_schema() -> pa.Schema:
    return pa.schema(
        [
            *map(_field, ("task", "repeat", "fold")),
            pa.field("whole", pa.bool_(), nullable=False),
            pa.field("shape", _list(pa.int32()), nullable=False),
            pa.field("y", _list(pa.float64()), nullable=False),
            pa.field("weights", _list(pa.float64())),
        ]
    )


def _list(kind: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("element", kind, nullable=False))


def _write(frame: pd.DataFrame, schema: pa.Schema, name: str) -> bytes:
    table = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
    return encoded(table.replace_schema_metadata(None), name, group=_TABLE_GROUP)


def _read(content: bytes, schema: pa.Schema, name: str) -> pd.DataFrame:
    return decoded(content, name, schema).to_pandas(ignore_metadata=True)


def _table(columns: Mapping[str, pa.Array], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _lists(arrays: Sequence[Array], values: str, dtype: npt.DTypeLike, name: str) -> dict[str, pa.Array]:
    """Columns with the shapes and the values of some arrays."""
    sizes = np.cumsum([0, *(array.size for array in arrays)])
    if sizes[-1] >= 2**31:
        raise RequestError(f"{name}: too large for a bundle: {sizes[-1]} values")
    joined = np.concatenate([np.zeros(0, dtype), *(array.astype(dtype).ravel() for array in arrays)])
    offsets = pa.array(sizes, pa.int32())
    return {
        "shape": pa.array([array.shape for array in arrays], _list(pa.int32())),
        values: pa.ListArray.from_arrays(offsets, pa.array(joined), type=_list(pa.from_numpy_dtype(dtype))),
    }


def _arrays(table: pa.Table, values: str, shown: Sequence[str]) -> list[Array]:
    """The values of every row in its shape."""
    shapes = table.column("shape").to_pylist()
    return [_shaped(one, shapes[at], shown[at]) for at, one in _rows(table.column(values), shown)]


def _rows(column: pa.ChunkedArray, shown: Sequence[str]) -> Iterator[tuple[int, Array]]:
    """The finite values of every row, and which it is."""
    at = 0
    for offsets, values in flat(column):
        bounds = offsets.tolist()
        if not (finite := np.isfinite(values)).all():
            row = int(np.searchsorted(offsets, int(np.argmin(finite)), side="right")) - 1
            raise RequestError(f"{shown[at + row]}: a value is not finite")
        for start, end in zip(bounds, bounds[1:], strict=False):
            yield at, values[start:end]
            at += 1


def _shaped(values: Array, shape: Sequence[int], shown: str) -> Array:
    if len(shape) > _MAX_AXES or min(shape, default=0) < 0 or math.prod(shape) != len(values):
        raise RequestError(f"{shown}: has {len(values)} values for the shape {shape!r:.80}")
    return values.reshape(shape)


def _check_order(keys: Sequence[object], name: str) -> None:
    for before, after in zip(keys, keys[1:], strict=False):
        if not before < after:  # type: ignore[operator]
            raise RequestError(f"{name}: {after!r:.100} is there twice, or not in the order of the keys")
