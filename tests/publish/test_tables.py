"""Tables: what is written comes back, the same content is the same bytes, and damage is one line."""

from __future__ import annotations

import io
import pickle
import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from benchmark.errors import RequestError
from benchmark.publish import tables
from benchmark.publish.tables import (
    read_labels,
    read_plan,
    read_predictions,
    read_records,
    read_trials,
    write_labels,
    write_plan,
    write_predictions,
    write_records,
    write_trials,
)
from benchmark.records.schema import RECORD_COLUMNS, TRIAL_COLUMNS

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["=1+1", "<script>", "\0", "../x", "'; DROP TABLE records"]
)
NUMBER = st.floats(allow_nan=False)
WHOLE = {
    "repeat",
    "fold",
    "seed",
    "replicate",
    "tuning",
    "trial",
    "trials",
    "n_train",
    "n_test",
    "steps",
    "stacked",
}
SURE = {"fit_seconds", "predict_seconds", "peak_memory_mb", "peak_gpu_memory_mb"}
MISSING = {"error", "score", "validation_error", "train_error", "featureless_error", "test_errors"}
METRICS = ("metric_accuracy", "metric_rmse")
CELL = ("role", "slot", "component", "host", "task", "origin", "repeat", "fold", "seed", "setting")
PLAN = (*CELL, "replicate", "control", "tuning", "key")
RECORDS = (*RECORD_COLUMNS, "traceback", *METRICS)


def cell(name: str) -> tuple[st.SearchStrategy[Any], str]:
    """Values of a column, and its type as the store gives it."""
    if name in WHOLE:
        return st.integers(-(2**63), 2**63 - 1), "int64"
    if name in ("pooled", "imputed"):
        return st.booleans(), "bool"
    if name in MISSING or name.startswith("metric_"):
        return NUMBER | st.just(float("nan")), "float64"
    return (NUMBER, "float64") if name in SURE else (TEXT, "str")


def frames(names: tuple[str, ...]) -> st.SearchStrategy[pd.DataFrame]:
    rows = st.lists(st.tuples(*(cell(name)[0] for name in names)), max_size=5)
    kinds = {name: cell(name)[1] for name in names}
    return rows.map(lambda found: pd.DataFrame(found, columns=list(names)).astype(kinds))


def one_row(names: tuple[str, ...], rows: int = 1) -> pd.DataFrame:
    values = {"int64": 1, "bool": True, "float64": 0.5, "str": "text"}
    return pd.DataFrame({name: [values[cell(name)[1]]] * rows for name in names}).astype(
        {name: cell(name)[1] for name in names}
    )


@pytest.mark.parametrize(
    ("names", "write", "read"),
    [
        (RECORDS, write_records, read_records),
        (RECORDS[: -len(METRICS)], write_records, read_records),
        (tuple(TRIAL_COLUMNS), write_trials, read_trials),
        (PLAN, write_plan, read_plan),
    ],
)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_frames_come_back(names: tuple[str, ...], write: Any, read: Any, data: st.DataObject) -> None:
    frame = data.draw(frames(names))
    content = write(frame)
    pd.testing.assert_frame_equal(read(content), frame)
    assert write(read(content)) == content


SHAPES = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
FINITE32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(TEXT, arrays.arrays(np.float32, SHAPES, elements=FINITE32), max_size=5))
def test_predictions_come_back(given_: dict[str, Any]) -> None:
    content = write_predictions(given_.items())
    found = read_predictions(content)
    assert list(found) == sorted(given_)
    for key, array in given_.items():
        assert found[key].dtype == np.float32 and not found[key].flags.writeable
        np.testing.assert_array_equal(found[key], array)
    assert write_predictions(reversed(found.items())) == content


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_labels_come_back(data: st.DataObject) -> None:
    labels: dict[tuple[str, int, int], tuple[Any, Any]] = {}
    for place in data.draw(st.lists(st.tuples(TEXT, st.integers(0, 9), st.integers(0, 9)), max_size=4)):
        rows = data.draw(st.integers(0, 4))
        codes = arrays.arrays(np.int64, rows, elements=st.integers(-1, 1000))
        values = arrays.arrays(np.float64, rows, elements=FINITE)
        labels[place] = (data.draw(codes | values), data.draw(st.none() | values))
    content = write_labels(labels)
    found = read_labels(content)
    assert list(found) == sorted(labels)
    for place, (y, weights) in labels.items():
        assert found[place][0].dtype == y.dtype
        np.testing.assert_array_equal(found[place][0], y)
        assert (found[place][1] is None) == (weights is None)
        if weights is not None:
            np.testing.assert_array_equal(found[place][1], weights)
    assert write_labels(found) == content


def test_many_predictions_are_quick() -> None:
    draw = np.random.default_rng(0)
    given_ = [(f"{n:064x}", draw.random((200, 10), dtype=np.float32)) for n in range(10_000)]
    content = write_predictions(given_)
    start = time.process_time()
    found = read_predictions(content)
    assert time.process_time() - start < 2
    assert len(found) == 10_000 and found[given_[-1][0]].shape == (200, 10)


def parquet(table: pa.Table, **how: Any) -> bytes:
    content = io.BytesIO()
    ours = {"compression": "zstd", "use_dictionary": False, "store_schema": False, "write_statistics": False}
    pq.write_table(table, content, **{**ours, **how})
    return content.getvalue()


def described(table: pa.Table) -> bytes:
    """A file with metadata of its own."""
    content = io.BytesIO()
    ours = {"compression": "zstd", "use_dictionary": False, "store_schema": False, "write_statistics": False}
    with pq.ParquetWriter(content, table.schema, **ours) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({"pandas": "{}"})
    return content.getvalue()


def predicted(keys: list[Any], shapes: list[Any], values: list[Any]) -> bytes:
    schema = tables._prediction_schema()
    columns = [pa.array(one, kind) for one, kind in zip((keys, shapes, values), schema.types, strict=True)]
    return parquet(pa.Table.from_arrays(columns, schema=schema))


TRIALS = pa.Table.from_pandas(
    one_row(tuple(TRIAL_COLUMNS)), schema=tables._schema(TRIAL_COLUMNS), preserve_index=False
).replace_schema_metadata(None)
BOMB = pa.concat_tables([TRIALS] * 3).take(pa.array(np.zeros(100_000, np.int64)))
HOSTILE: dict[str, tuple[Callable[[bytes], Any], bytes, str]] = {
    "pickle": (read_trials, pickle.dumps({"a": 1}) * 9, "not a Parquet"),
    "empty": (read_trials, b"", "not a Parquet"),
    "footer too long": (read_trials, b"PAR1" + b"\xff" * 40 + b"PAR1", "footer of"),
    "encrypted": (read_trials, b"PARE" + bytes(40) + b"PARE", "not a Parquet"),
    "dictionaries": (read_trials, parquet(BOMB, use_dictionary=True), "not where or what"),
    "another compression": (read_trials, parquet(TRIALS, compression="snappy"), "not where or what"),
    "second data page": (read_trials, parquet(TRIALS, data_page_version="2.0"), "page"),
    "arrow's schema": (read_trials, parquet(TRIALS, store_schema=True), "metadata"),
    "metadata": (read_trials, described(TRIALS), "metadata"),
    "a column too few": (read_trials, parquet(TRIALS.drop_columns(["role"])), "'role'"),
    "a column too many": (read_trials, parquet(TRIALS.append_column("x\n", TRIALS["role"])), "more or fewer"),
    "a column twice": (read_trials, parquet(TRIALS.append_column("role", TRIALS["role"])), "more or fewer"),
    "another order": (read_trials, parquet(TRIALS.select(TRIALS.column_names[::-1])), "expected the column"),
    "another type": (
        read_trials,
        parquet(TRIALS.set_column(8, "repeat", pa.array([1.0]))),
        "'repeat'",
    ),
    "metric": (
        read_records,
        parquet(pa.table({name: ["x"] for name in (*RECORDS, "metric_=cmd|' /C calc'!A0")})),
        "no column of records",
    ),
    "no text": (
        read_predictions,
        parquet(
            pa.table({"key": pa.array([b"\xff"]).view(pa.string()), "shape": [[1]], "values": [[1.0]]}).cast(
                tables._prediction_schema()
            )
        ),
        "UTF8",
    ),
    "shape": (read_predictions, predicted(["a"], [[2, 2]], [[1.0]]), "values for the shape"),
    "negative": (read_predictions, predicted(["a"], [[-1, -1]], [[1.0]]), "values for the shape"),
    "axes": (read_predictions, predicted(["a"], [[1] * 60], [[1.0]]), "values for the shape"),
    "infinite": (read_predictions, predicted(["a", "b"], [[1], [1]], [[1.0], [np.inf]]), "'b': a value"),
    "no number": (read_predictions, predicted(["a"], [[1]], [[np.nan]]), "not finite"),
    "twice": (read_predictions, predicted(["a", "a"], [[1], [1]], [[1.0], [1.0]]), "twice"),
    "order of rows": (read_predictions, predicted(["b", "a"], [[1], [1]], [[1.0], [1.0]]), "order"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_table(case: str) -> None:
    read, content, said = HOSTILE[case]
    with pytest.raises(RequestError, match=".parquet: ") as error:
        read(content)
    line = str(error.value)
    assert said in line and line.isprintable(), line


def test_what_is_too_large_is_refused_before_it_is_decoded() -> None:
    zeros = pa.array(np.zeros(2 * 10**8, np.float32))
    one = pa.ListArray.from_arrays(pa.array([0, len(zeros)] * 2, pa.int32())[:2], zeros)
    whole = pa.table({"key": ["a"], "shape": [[len(zeros)]], "values": one}).cast(tables._prediction_schema())
    content = parquet(pa.concat_tables([whole] * 3))
    del zeros, one, whole
    before = pa.default_memory_pool().max_memory()
    with pytest.raises(RequestError, match="GiB when unpacked"):
        read_predictions(content)
    assert pa.default_memory_pool().max_memory() == before


def same(found: Any, expected: Any) -> bool:
    if isinstance(expected, pd.DataFrame):
        return bool(found.equals(expected))
    return list(found) == list(expected) and all(
        (one is None and other is None) or np.array_equal(one, other)
        for key in expected
        for one, other in zip(_parts(found[key]), _parts(expected[key]), strict=True)
    )


def _parts(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


FILES: dict[str, tuple[bytes, Callable[[bytes], Any]]] = {
    "records": (write_records(one_row(RECORDS, 20)), read_records),
    "trials": (write_trials(one_row(tuple(TRIAL_COLUMNS), 20)), read_trials),
    "plan": (write_plan(one_row(PLAN, 20)), read_plan),
    "predictions": (
        write_predictions([(f"{n:064x}", np.full((5, 3), n, np.float32)) for n in range(9)]),
        read_predictions,
    ),
    "labels": (
        write_labels({("t", 0, n): (np.arange(9) * n, np.ones(9) if n % 2 else None) for n in range(9)}),
        read_labels,
    ),
}


@pytest.mark.parametrize("damages", [80, pytest.param(3000, marks=pytest.mark.all)])
@pytest.mark.parametrize("name", FILES)
def test_damage_is_one_line_or_changes_nothing(name: str, damages: int) -> None:
    content, read = FILES[name]
    expected, draw = read(content), random.Random(damages)
    for _ in range(damages):
        damaged = bytearray(content)
        for _ in range(draw.choice((1, 1, 1, 4))):
            damaged[draw.randrange(len(damaged))] ^= draw.randrange(1, 256)
        if draw.random() < 0.1:
            start = draw.randrange(len(damaged))
            del damaged[start : start + draw.randrange(1, 50)]
        try:
            found = read(bytes(damaged))
        except RequestError as error:
            assert str(error).startswith(f"{name}.parquet") and len(str(error).splitlines()) == 1
        else:
            assert same(found, expected)
