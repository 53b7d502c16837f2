"""Parquet as bundles have it: the same table is the same bytes, and nothing is decoded before it is weighed.

Arrow believes a file: it makes room for whatever size a page declares, and expands runs and dictionaries as far
as the row count says (20 million rows of one value are 80 kB, of one text of 1 MB 45 kB, as a file). The sizes
that the footer states bind it to nothing. Every file here therefore has plain values, no dictionaries; its
pages fill it without a gap; and the sizes that the pages themselves declare are added up before any is decoded:
what comes out cannot be larger than that sum and the room for missing values.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.errors import RequestError
from benchmark.report.words import label

__all__ = ["decoded", "encoded", "flat", "schema_of"]

MAX_BYTES = 2 * 2**30
"""Of one table, uncompressed."""
MAX_CELLS = 200 * 10**6
"""Rows times columns."""
_MAX_FOOTER = 16 * 2**20
_MAX_PAGES = 200_000
_MAGIC = b"PAR1"
_ERRORS = (pa.ArrowException, OSError, ValueError, UnicodeError, MemoryError, OverflowError)
_WORDS = {"thrift_string_size_limit": _MAX_FOOTER, "thrift_container_size_limit": 1_000_000}


def encoded(table: pa.Table, name: str, *, group: int) -> bytes:
    """The table as a Parquet file with ``group`` rows a row group.

    Raises
    ------
    RequestError
        When it is too large for a bundle.
    """
    if table.nbytes > MAX_BYTES or table.num_rows * table.num_columns > MAX_CELLS:
        raise RequestError(f"{name}: too large for a bundle: {table.num_rows} rows, {table.nbytes} bytes")
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        row_group_size=group,
        compression="zstd",
        use_dictionary=False,
        write_statistics=False,
        store_schema=False,
        write_page_checksum=True,
        version="2.6",
        data_page_version="1.0",
    )
    return bytes(sink.getvalue())


def schema_of(content: bytes, name: str) -> pa.Schema:
    """The columns that a file says it has.

    Raises
    ------
    RequestError
        When it is no Parquet file, or one of more than a bundle may have.
    """
    try:
        return _footer(content, name).schema.to_arrow_schema()
    except RequestError:
        raise
    except _ERRORS as error:
        raise _unreadable(name, error) from error


def decoded(content: bytes, name: str, schema: pa.Schema) -> pa.Table:
    """The table of a file that has exactly the columns of ``schema``.

    Raises
    ------
    RequestError
        In one line that begins with ``name``: other columns, too large, damaged, or a value that may not be.
    """
    try:
        footer = _footer(content, name)
        _check_schema(footer.schema.to_arrow_schema(), schema, name)
        _check_sizes(content, footer, name)
        file = pq.ParquetFile(
            pa.BufferReader(content), page_checksum_verification=True, pre_buffer=False, **_WORDS
        )
        table = file.read(use_threads=False)
        table.validate(full=True)
    except RequestError:
        raise
    except _ERRORS as error:
        raise _unreadable(name, error) from error
    if table.num_rows != footer.num_rows:
        raise RequestError(f"{name}: has {table.num_rows} rows, and says {footer.num_rows}")
    for field in schema:
        column = table.column(field.name)
        if not field.nullable and column.null_count:
            raise RequestError(f"{name}: column '{field.name}': a value is missing")
    return table


def _unreadable(name: str, error: BaseException) -> RequestError:
    said = label(" ".join(str(error).split()), 160)
    return RequestError(f"{name}: not readable as Parquet: {said or type(error).__name__}")


def _footer(content: bytes, name: str) -> Any:
    if len(content) < 12 or content[:4] != _MAGIC or content[-4:] != _MAGIC:
        raise RequestError(f"{name}: not a Parquet file, or cut off")
    (length,) = struct.unpack("<I", content[-8:-4])
    if length > min(_MAX_FOOTER, len(content) - 12):
        raise RequestError(f"{name}: has a footer of {length} bytes")
    footer = pq.ParquetFile(pa.BufferReader(content), pre_buffer=False, **_WORDS).metadata
    if not 0 <= footer.num_rows * footer.num_columns <= MAX_CELLS:
        raise RequestError(f"{name}: says it has {footer.num_rows} rows of {footer.num_columns} columns")
    if footer.metadata:
        raise RequestError(f"{name}: has metadata, which no table of a bundle has")
    return footer


def _check_schema(found: pa.Schema, expected: pa.Schema, name: str) -> None:
    for field in expected:
        if found.names.count(field.name) != 1:
            raise RequestError(f"{name}: there is no one column '{field.name}'")
        if not found.field(field.name).equals(field):
            said = f"expected {_words(field)}, found {_words(found.field(field.name))}"
            raise RequestError(f"{name}: column '{field.name}': {said}")
    if found.names != expected.names:
        other = next((one for one in found.names if one not in expected.names), "columns in another order")
        raise RequestError(f"{name}: has {label(other, 80)}, which this table has not")


def _words(field: pa.Field) -> str:
    return label(f"{field.type}{'' if field.nullable else ' without missing values'}", 80)


def _check_sizes(content: bytes, footer: Any, name: str) -> None:
    """That the pages fill the file, hold plain values, and are together no larger than a table may be."""
    place, rows, total, pages = 4, 0, 0, 0
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        rows += group.num_rows
        for position in range(group.num_columns):
            column = group.column(position)
            if group.num_rows == column.num_values == column.total_compressed_size == 0:
                continue
            nested = "." in column.path_in_schema
            end = place + column.total_compressed_size
            whole = column.data_page_offset == place and place < end <= len(content)
            right = column.num_values >= group.num_rows if nested else column.num_values == group.num_rows
            if not (whole and right and group.num_rows >= 0 and column.compression == "ZSTD"):
                raise RequestError(f"{name}: its parts are not where or what its footer says")
            values = 0
            while place < end:
                page = _page(content, place, name)
                place, total, pages = page.end, total + page.bytes, pages + 1
                values += page.values
                if total > MAX_BYTES or pages > _MAX_PAGES or values > MAX_BYTES:
                    raise RequestError(f"{name}: more than {MAX_BYTES >> 30} GiB when unpacked")
            if place != end or values != column.num_values:
                raise RequestError(f"{name}: its pages are not what its footer says")
    (length,) = struct.unpack("<I", content[-8:-4])
    if place != len(content) - 8 - length or rows != footer.num_rows:
        raise RequestError(f"{name}: its rows or bytes are not what its footer says")


class _Page:
    """Where a page ends, how many values it has, and how large it is when unpacked."""

    def __init__(self, header: dict[int, Any], end: int) -> None:
        data = header[5]
        self.values, self.bytes, self.end = data[1], header[2], end + header[3]
        self.plain = header[1] == 0 and data[2] == 0 and data[3] == data[4] == 3
        self.plain &= min(self.values, self.bytes, header[3]) >= 0 and 7 not in header and 8 not in header


def _page(content: bytes, place: int, name: str) -> _Page:
    """The page that begins at a place, by its own header."""
    try:
        header, end = _struct(content, place)
        page = _Page(header, end)
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise RequestError(f"{name}: a page has no header that can be read") from error
    if not page.plain:
        raise RequestError(f"{name}: a page is not of plain values")
    return page


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = content[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise ValueError("a number without end")


def _struct(content: bytes, place: int, depth: int = 0) -> tuple[dict[int, Any], int]:
    """The whole numbers and structures of one of Thrift's, in its compact form, by their field's number."""
    if depth > 2:
        raise ValueError("nested too deep")
    fields: dict[int, Any] = {}
    number = 0
    while head := content[place]:
        place += 1
        kind, step = head & 15, head >> 4
        if not step:
            step, place = _varint(content, place)
            number, step = 0, (step >> 1) ^ -(step & 1)
        number += step
        if number in fields:
            raise ValueError("a field stands twice")
        if kind in (1, 2):
            fields[number] = kind == 1
        elif kind in (4, 5, 6):
            value, place = _varint(content, place)
            fields[number] = (value >> 1) ^ -(value & 1)
        elif kind == 12:
            fields[number], place = _struct(content, place, depth + 1)
        else:
            raise ValueError("a field of another kind")
    return fields, place + 1


def flat(column: pa.ChunkedArray) -> Iterator[Any]:
    """Every chunk of a column of lists as (offsets from its first value, values): arrays of NumPy."""
    for chunk in column.chunks:
        offsets = chunk.offsets.to_numpy()
        values = chunk.values.slice(offsets[0], offsets[-1] - offsets[0])
        yield offsets - offsets[0], values.to_numpy(zero_copy_only=True)
