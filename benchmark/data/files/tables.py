"""Tables that carry the types of their columns: Parquet and ARFF."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import arff
import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from benchmark.data.files.encoding import open_bytes, survey
from benchmark.data.raw import Raw

__all__ = ["read_arff", "read_parquet"]

BLOCK = 50_000
"""Rows of an ARFF file that are Python objects at once."""


def read_parquet(path: Path) -> Raw:
    """The table of a Parquet file; lists stay lists, decimals become float64. An index of pandas is left out.

    Raises
    ------
    ValueError
        When it is no Parquet file, or two columns have one name.
    """
    with parquet.ParquetFile(path) as file:
        names = file.schema_arrow.names
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise ValueError(f"the column '{twice[0]}' is there twice")
        # pandas writes an index without a name by this one.
        kept = [name for name in names if not re.fullmatch(r"__index_level_\d+__", name)]
        # One at a time: the table of Arrow and that of pandas are never both in memory.
        return Raw(pd.DataFrame({name: _column(file, name) for name in kept}, copy=False))


def _column(file: parquet.ParquetFile, name: str) -> pd.Series:
    column = file.read(columns=[name])[name]
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    elif pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("ms"))
    series: pd.Series = column.to_pandas()
    return series


def read_arff(path: Path) -> Raw:
    """The table of an ARFF file, dense or sparse, with the types it declares.

    Raises
    ------
    ValueError
        When it is no ARFF file, with the line or the row.
    """
    encoding = survey(path)
    with open_bytes(path) as stream, io.TextIOWrapper(stream, encoding=encoding.encoding) as text:
        try:
            document = arff.load(map(_with_spaces, text), return_type=arff.DENSE_GEN)
        except (arff.ArffException, ValueError) as error:
            raise ValueError(f"its header is no ARFF header: {error}") from error
        kinds = dict(document["attributes"])
        blocks = [
            [
                _typed(values, kind)
                for values, kind in zip(zip(*rows, strict=True), kinds.values(), strict=True)
            ]
            for rows in _blocks(document["data"])
        ]
    if not blocks:
        raise ValueError("there are no rows")
    columns = zip(kinds, zip(*blocks, strict=True), strict=True)
    frame = pd.DataFrame({name: pd.concat(parts, ignore_index=True) for name, parts in columns}, copy=False)
    return Raw(frame, declared=True, notes=encoding.notes)


def _with_spaces(line: str) -> str:
    """A line as liac-arff takes it: it knows no tab behind ``@attribute``."""
    return line.replace("\t", " ") if line.lstrip().startswith("@") else line


def _blocks(rows: Iterator[list[Any]]) -> Iterator[list[list[Any]]]:
    """The rows, many at a time; an error says which, since the library counts no lines of data."""
    count = 0

    def counted() -> Iterator[list[Any]]:
        nonlocal count
        for row in rows:
            count += 1
            yield row

    counting = counted()
    try:
        while block := list(islice(counting, BLOCK)):
            yield block
    except arff.ArffException as error:
        reason = re.sub(r",? (at|in) line -1", "", str(error))
        raise ValueError(f"row {count + 1}: {reason}") from error


def _typed(values: tuple[Any, ...], kind: str | list[str]) -> pd.Series:
    """A part of a column, by the type that the file declares: its levels, or a word."""
    if isinstance(kind, list):
        code = {None: -1} | {level: position for position, level in enumerate(kind)}
        return pd.Series(pd.Categorical.from_codes([code[value] for value in values], categories=kind))
    return pd.Series(values, dtype=object if kind == "STRING" else np.float64)
