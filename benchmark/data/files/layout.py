"""How the text of a table is laid out: its separator, decimal mark and header, and faults in its rows."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.data.files.encoding import Survey, open_bytes, survey

__all__ = ["Layout", "layout_of", "refuse_ragged"]

_SEPARATORS = (",", ";", "\t", "|")
"""What may separate the values of a ``.csv`` file; the first that fits its beginning is taken."""
SAMPLE = 1 << 16
"""Characters that are looked at to find the separator."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a table's text."""

    survey: Survey
    separator: str
    decimal: str
    names: tuple[str, ...]
    """Of the columns; ``Unnamed: 0`` and so on, by position, where the header says nothing."""
    notes: tuple[str, ...]


def layout_of(path: Path, separator: str = "") -> Layout:
    """The layout of a file; where ``separator`` is not given it is found, and noted if it is no comma.

    A file separated by semicolons has decimal commas where its beginning has such numbers, and none with
    decimal points.

    Raises
    ------
    ValueError
        When the file is no text, has no rows, or two columns of one name.
    """
    found = survey(path)
    with _text(path, found) as text:
        sample = text.read(SAMPLE)
    separator, noted = separator or _separator(sample), not separator
    with _text(path, found) as text:
        rows = filter(None, csv.reader(text, delimiter=separator))
        header = next(rows, [])
        if not header:
            raise ValueError("there is no line with the names of columns")
        if next(rows, None) is None:
            raise ValueError("there are names of columns and no rows")
    names = tuple(name.strip() or f"Unnamed: {position}" for position, name in enumerate(header))
    # Readers would rename the second of two equal columns without a word.
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"the column '{twice[0]}' is there twice")
    decimal = _decimal(_rows(sample, separator)[1:]) if separator == ";" else "."
    notes = found.notes
    if noted and separator != ",":
        comma = " and decimal commas" if decimal == "," else ""
        notes = (*notes, f"'{path.name}' is read with {separator!r} between values{comma}")
    return Layout(found, separator, decimal, names, notes)


def refuse_ragged(path: Path, layout: Layout) -> None:
    """Refuse a file with a row of more or fewer values than there are columns, or a quote never closed.

    Raises
    ------
    ValueError
        Says in which line.
    """
    n_columns, line = len(layout.names), 1
    with _text(path, layout.survey) as text:
        reader = csv.reader(text, delimiter=layout.separator, strict=True)
        try:
            for row in reader:
                if row and len(row) != n_columns:
                    raise ValueError(f"line {line} has {len(row)} values, but there are {n_columns} columns")
                line = reader.line_num + 1
        except csv.Error as error:
            raise ValueError(
                f"a quotation mark in line {line} is never closed, or not where it should be"
            ) from error


@contextmanager
def _text(path: Path, found: Survey) -> Iterator[Any]:
    """The characters of a file for :mod:`csv`, which meanwhile takes values of any length."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        with (
            open_bytes(path) as stream,
            io.TextIOWrapper(stream, encoding=found.encoding, newline="") as text,
        ):
            yield text
    finally:
        csv.field_size_limit(before)


def _separator(sample: str) -> str:
    """What splits every row of a sample alike."""
    tried = {separator: _rows(sample, separator) for separator in _SEPARATORS}
    wide = {separator: rows for separator, rows in tried.items() if rows and len(rows[0]) > 1}
    even = [separator for separator, rows in wide.items() if len({len(row) for row in rows}) == 1]
    return next(iter([*even, *wide]), ",")


def _rows(sample: str, separator: str) -> list[list[str]]:
    """The rows of a sample that are surely whole; of one long row, its beginning."""
    rows = [row for row in csv.reader(io.StringIO(sample, newline=""), delimiter=separator) if row]
    return rows[:-1] or rows if len(sample) == SAMPLE else rows


def _decimal(rows: list[list[str]]) -> str:
    values = [value.strip() for row in rows for value in row]
    commas = any(re.fullmatch(r"[+-]?\d*,\d+", value) for value in values)
    points = any(re.fullmatch(r"[+-]?\d*\.\d+", value) for value in values)
    return "," if commas and not points else "."
