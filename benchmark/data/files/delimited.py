"""Tables as text, a row a line: numbers where a whole column is numbers, else text as it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from benchmark.data.files.encoding import open_bytes
from benchmark.data.files.layout import Layout, layout_of, refuse_ragged
from benchmark.data.raw import Raw

__all__ = ["read_delimited"]

_MISSING = ("?", "NA", "NaN", "nan", "null", "NULL")
"""What stands for a missing value, besides nothing at all, unless it is quoted. ``None`` does not."""
_MISSING_AMONG_NUMBERS = ("", *_MISSING, "None", "N/A", "n/a", "#N/A", "-", ".", "\\N")
"""What stands for a missing value where all else is numbers, quoted or not."""
BLOCKS = (1 << 20, 1 << 26)
"""Bytes that are parsed at once; the second where a row does not fit into the first."""

Numbers = npt.NDArray[Any]


def read_delimited(path: Path, separator: str = "") -> Raw:
    """The table of a text file, its separator found by its first rows where none is given.

    Columns are int64 or float64 where every value is a number, else text. Numbers with leading zeros are
    text: as numbers, postal codes would lose a digit.

    Raises
    ------
    ValueError
        When the file is no such table: the reason, with the line.
    """
    layout = layout_of(path, separator)
    if layout.survey.quotes % 2:
        # Arrow would close a last quotation mark at the end of the file.
        refuse_ragged(path, layout)
    try:
        columns = _read(path, layout, BLOCKS[0])
    except pa.ArrowInvalid:
        refuse_ragged(path, layout)
        columns = _read(path, layout, BLOCKS[1])
    named = dict(zip(layout.names, columns, strict=True))
    frame = pd.DataFrame({name: column.series() for name, column in named.items()}, copy=False)
    return Raw(frame, notes=(*layout.notes, *_missing_notes(named, path.name)))


def _missing_notes(columns: dict[str, _Column], file: str) -> Iterator[str]:
    """Says where a category of the name NA may have been meant; among numbers it never is."""
    counts = {name: column.n_said_missing for name, column in columns.items() if column.numbers is None}
    found = [f"{count} in '{name}'" for name, count in counts.items() if count]
    if found:
        shown, tokens = ", ".join(found[:8]), ", ".join(_MISSING)
        more = f" and {len(found) - 8} more columns" if len(found) > 8 else ""
        yield f"'{file}': taken as missing ({tokens}; quoted, they are kept): {shown}{more}"


class _Column:
    """The values of one column so far: numbers as long as every block is numbers."""

    def __init__(self, most_rows: int, decimal: str, is_text: bool) -> None:
        # Memory that nothing is written to costs nothing, so the bound on rows may be generous.
        self.numbers: Numbers | None = None if is_text else np.empty(most_rows, np.int64)
        self.texts: list[pa.Array] = []
        self.decimal = decimal
        self.n_rows = 0
        self.n_said_missing = 0
        self.lost = False
        """Text came after what was taken for numbers, the text of which is gone."""
        self.said_missing_among_numbers = False

    def add(self, block: pa.StringArray) -> None:
        """Append a block; null is what was missing in words, the empty text what was left out."""
        self.n_said_missing += block.null_count
        values = None if self.numbers is None else self._parsed(block)
        if values is None:
            self._add_texts(block)
        else:
            self._add_numbers(values)
        self.n_rows += len(block)

    def finish(self) -> None:
        """Take words for missing values as words after all where there was no number among them."""
        if self.numbers is not None and self.said_missing_among_numbers:
            self.lost = bool(np.isnan(self.numbers[: self.n_rows]).all())

    def series(self) -> pd.Series:
        """All values."""
        if self.numbers is not None:
            return pd.Series(self.numbers[: self.n_rows], copy=False)
        texts: pd.Series = pa.chunked_array(self.texts, pa.string()).to_pandas()
        return texts

    def _add_numbers(self, values: Numbers) -> None:
        assert self.numbers is not None
        if values.dtype == np.float64 and self.numbers.dtype == np.int64:
            numbers = np.empty(len(self.numbers), np.float64)
            numbers[: self.n_rows] = self.numbers[: self.n_rows]
            self.numbers = numbers
        self.numbers[self.n_rows : self.n_rows + len(values)] = values

    def _add_texts(self, block: pa.StringArray) -> None:
        if self.numbers is not None and self.n_rows:
            has_numbers = not np.isnan(self.numbers[: self.n_rows]).all()
            self.lost = has_numbers or self.said_missing_among_numbers
            self.texts.append(pa.nulls(self.n_rows, pa.string()))
        self.numbers = None
        self.texts.append(_without(block, [""]))

    def _parsed(self, block: pa.StringArray) -> Numbers | None:
        """The block as numbers, or None when it holds anything else."""
        if self.decimal == ",":
            block = pc.replace_substring(block, ",", ".")
        if _holds_codes(block):
            return None
        values = None
        if self.numbers is not None and self.numbers.dtype == np.int64:
            values = _cast(block, pa.int64())
        if values is None:
            values = _cast(block, pa.float64())
        if values is None:
            values = _cast(_without(pc.utf8_trim_whitespace(block), _MISSING_AMONG_NUMBERS), pa.float64())
            self.said_missing_among_numbers |= values is not None
        return values


def _holds_codes(block: pa.StringArray) -> bool:
    """Whether some value begins with a zero that a number would lose, or is hexadecimal."""
    fraction = pc.starts_with(block, "0.")
    for exponent in ("0e", "0E"):
        fraction = pc.or_(fraction, pc.starts_with(block, exponent))
    longer = pc.and_(pc.starts_with(block, "0"), pc.greater(pc.binary_length(block), 1))
    return bool(pc.any(pc.and_not(longer, fraction)).as_py())


def _cast(block: pa.StringArray, kind: pa.DataType) -> Numbers | None:
    """Numbers, float64 if some are missing; None when not all values are of the kind."""
    try:
        numbers: Numbers = block.cast(kind).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    return numbers


def _without(block: pa.StringArray, texts: Sequence[str]) -> pa.StringArray:
    """A block in which some texts are missing values."""
    return pc.if_else(pc.is_in(block, pa.array(texts)), pa.scalar(None, pa.string()), block)


def _read(path: Path, layout: Layout, block_size: int) -> list[_Column]:
    """Every column; those that turn out to be text after rows of numbers are read a second time."""
    columns = _pass(path, layout, block_size, range(len(layout.names)), is_text=False)
    lost = [position for position, column in enumerate(columns) if column.lost]
    for position, column in zip(lost, _pass(path, layout, block_size, lost, is_text=True), strict=True):
        columns[position] = column
    return columns


def _pass(
    path: Path, layout: Layout, block_size: int, positions: Sequence[int], *, is_text: bool
) -> list[_Column]:
    """Some columns, parsed block by block: the text is never in memory as a whole."""
    columns = [_Column(layout.survey.most_lines, layout.decimal, is_text) for _ in positions]
    if not columns:
        return columns
    names = [str(position) for position in range(len(layout.names))]
    # Arrow skips the mark of UTF-8 by itself.
    encoding = layout.survey.encoding.removesuffix("-sig")
    reading = pyarrow.csv.ReadOptions(
        block_size=block_size, column_names=names, skip_rows_after_names=1, encoding=encoding
    )
    parsing = pyarrow.csv.ParseOptions(
        delimiter=layout.separator, newlines_in_values=layout.survey.quotes > 0
    )
    converting = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        include_columns=[names[position] for position in positions],
        null_values=[space + text for text in _MISSING for space in ("", " ")],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        check_utf8=False,
    )
    with (
        open_bytes(path) as stream,
        pyarrow.csv.open_csv(stream, reading, parsing, converting) as batches,
    ):
        for batch in batches:
            for column, block in zip(columns, batch.columns, strict=True):
                column.add(block)
    for column in columns:
        column.finish()
    return columns
