"""Parquet as bundles have it: the same table is the same bytes, and nothing is decoded before it is weighed.

Arrow makes room for whatever size a page declares, and expands runs and dictionaries as far as the row
count says; the sizes in the footer bind it to nothing. Every file here therefore has plain values and no
dictionaries, its pages fill it without a gap, and the sizes that the pages themselves declare are added
up before any is decoded.

Some damaged footers abort the whole process inside Arrow. So the footer is read here first, and Arrow
gets only one that has this table's schema and nothing that :func:`encoded` does not write.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.errors import RequestError
from benchmark.report.words import label

__all__ = ["columns_of", "decoded", "encoded", "flat"]

MAX_BYTES = 2 * 2**30
"""Of one table, uncompressed."""
MAX_CELLS = 200 * 10**6
"""Rows times columns."""
_MAX_FOOTER = 16 * 2**20
_MAX_PAGES = 200_000
_MAGIC = b"PAR1"
_ERRORS = (pa.ArrowException, OSError, ValueError, UnicodeError, MemoryError, OverflowError)
_DAMAGED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_ZSTD = 6
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


def columns_of(content: bytes, name: str) -> list[str]:
    """The names of the columns that a file of a flat table says it has.

    Raises
    ------
    RequestError
        When it is no Parquet file.
    """
    try:
        return [element[4].decode("utf-8") for element in _footer(content, name)[2][1:]]
    except _DAMAGED as error:
        raise RequestError(f"{name}: has a footer that cannot be read") from error


def decoded(content: bytes, name: str, schema: pa.Schema) -> pa.Table:
    """The table of a file that has exactly the columns of ``schema``.

    Raises
    ------
    RequestError
        In one line that begins with ``name``: other columns, too large, damaged, or a value that may not be.
    """
    try:
        footer = _footer(content, name)
        _check_schema(footer, schema, name)
        _check_sizes(content, footer, name)
    except RequestError:
        raise
    except _DAMAGED as error:
        raise RequestError(f"{name}: has a footer that cannot be read") from error
    try:
        file = pq.ParquetFile(
            pa.BufferReader(content), page_checksum_verification=True, pre_buffer=False, **_WORDS
        )
        table = file.read(use_threads=False)
        table.validate(full=True)
    except _ERRORS as error:
        raise _unreadable(name, error) from error
    if table.num_rows != footer[3] or not table.schema.equals(schema):
        raise RequestError(f"{name}: has {table.num_rows} rows, and says {footer[3]}, or has other columns")
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
    footer, end = _struct(content, len(content) - 8 - length)
    if end != len(content) - 8 or not footer.keys() <= {1, 2, 3, 4, 5, 6, 7}:
        raise RequestError(f"{name}: has a footer that cannot be read")
    if 5 in footer:
        raise RequestError(f"{name}: has metadata, which no table of a bundle has")
    return footer


def _check_schema(footer: dict[int, Any], schema: pa.Schema, name: str) -> None:
    """That the footer's schema is, part for part, the one that Arrow writes for these columns."""
    expected = _footer(encoded(schema.empty_table(), name, group=1), name)
    for found, right in zip(footer[2][1:], expected[2][1:], strict=False):
        if found != right:
            raise RequestError(
                f"{name}: expected the column '{right[4].decode()}', found another or another type"
            )
    if footer[2] != expected[2] or any(footer.get(n) != expected.get(n) for n in (1, 7)):
        raise RequestError(f"{name}: has more or fewer columns, or they are in another form")
    if not 0 <= footer[3] * len(footer[2]) <= MAX_CELLS:
        raise RequestError(f"{name}: says it has {footer[3]} rows")


def _leaves(elements: list[dict[int, Any]]) -> list[tuple[int, list[bytes]]]:
    """Type and path of every column that has values; lists are three deep."""
    leaves, path = [], list[bytes]()
    for element in elements[1:]:
        path.append(element[4])
        if not element.get(5):
            leaves.append((element[1], path))
            path = []
    return leaves


def _check_sizes(content: bytes, footer: dict[int, Any], name: str) -> None:
    """That the pages fill the file, hold plain values, and are together no larger than a table may be."""
    place, rows, total, pages = 4, 0, 0, 0
    leaves = _leaves(footer[2])
    for group in footer[4]:
        rows += group[3]
        if len(group[1]) != len(leaves) or group[3] < 0 or not group.keys() <= {1, 2, 3, 5, 6, 7}:
            raise RequestError(f"{name}: its parts are not where or what its footer says")
        for chunk, (kind, path) in zip(group[1], leaves, strict=True):
            column = chunk[3]
            if group[3] == column[5] == column[7] == 0:
                continue
            end = place + column[7]
            whole = column[9] == place and place < end <= len(content) and column[6] >= 0
            whole &= column.keys() <= {1, 2, 3, 4, 5, 6, 7, 9, 13, 16} and chunk.keys() <= {2, 3}
            right = column[5] >= group[3] if len(path) > 1 else column[5] == group[3]
            right &= column[1] == kind and column[3] == path and column[4] == _ZSTD
            if not (whole and right and set(column[2]) <= {0, 3}):
                raise RequestError(f"{name}: its parts are not where or what its footer says")
            values = 0
            while place < end:
                page = _page(content, place, name)
                place, total, pages = page.end, total + page.bytes, pages + 1
                values += page.values
                if total > MAX_BYTES or pages > _MAX_PAGES or values > MAX_BYTES:
                    raise RequestError(f"{name}: more than {MAX_BYTES >> 30} GiB when unpacked")
            if place != end or values != column[5]:
                raise RequestError(f"{name}: its pages are not what its footer says")
    (length,) = struct.unpack("<I", content[-8:-4])
    if place != len(content) - 8 - length or rows != footer[3]:
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
    if depth > 8:
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
        else:
            fields[number], place = _value(content, place, kind, depth)
    return fields, place + 1


def _value(content: bytes, place: int, kind: int, depth: int) -> tuple[Any, int]:
    """A whole number, a text, a list or a structure."""
    if kind in (3, 4, 5, 6):
        value, place = (content[place], place + 1) if kind == 3 else _varint(content, place)
        return (value >> 1) ^ -(value & 1), place
    if kind == 8:
        size, place = _varint(content, place)
        if place + size > len(content):
            raise ValueError("a text beyond the end")
        return content[place : place + size], place + size
    if kind == 12:
        return _struct(content, place, depth + 1)
    if kind != 9:
        raise ValueError("a field of another kind")
    head = content[place]
    size, place = (head >> 4, place + 1) if head >> 4 < 15 else _varint(content, place + 1)
    values = []
    for _ in range(size):
        value, place = _value(content, place, head & 15, depth + 1)
        values.append(value)
    return values, place


def flat(column: pa.ChunkedArray) -> Iterator[Any]:
    """Every chunk of a column of lists as (offsets from its first value, values): arrays of NumPy."""
    for chunk in column.chunks:
        offsets = chunk.offsets.to_numpy()
        values = chunk.values.slice(offsets[0], offsets[-1] - offsets[0])
        yield offsets - offsets[0], values.to_numpy(zero_copy_only=True)
