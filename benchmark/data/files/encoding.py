"""In which encoding a text file is written, found out by decoding all of it."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

__all__ = ["Survey", "open_bytes", "survey"]

CHUNK = 1 << 20
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""What a file may begin with; the longer mark of two that begin alike comes first."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What one look at every byte of a text file tells."""

    encoding: str
    most_lines: int
    """No fewer than its lines."""
    quotes: int
    """Quotation marks; an odd number hints at one that is never closed."""
    notes: tuple[str, ...] = ()


@contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked where its name ends in ``.gz``."""
    with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as stream:
        yield stream  # type: ignore[misc]  # a GzipFile does all that is asked of a BinaryIO


def survey(path: Path) -> Survey:
    """The encoding of a text file: UTF-8; UTF-16 or UTF-32 where a mark says so; else Windows-1252, noted.

    Raises
    ------
    ValueError
        When it is empty, holds bytes that are no text, or is in no encoding of these.
    """
    with open_bytes(path) as stream:
        start = stream.read(4)
    if not start:
        raise ValueError("the file is empty")
    marked = next((name for mark, name in _MARKS.items() if start.startswith(mark)), None)
    try:
        return _decoded(path, marked or "utf-8")
    except UnicodeDecodeError as error:
        fault = _place(path, error)
        if marked:
            raise ValueError(f"it begins like {marked.upper()}, but is not: {fault}") from error
    try:
        found = _decoded(path, "cp1252")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"neither UTF-8 nor Windows-1252: {_place(path, error)}; save it as UTF-8"
        ) from error
    note = f"'{path.name}' is not UTF-8 ({fault}); read as Windows-1252 (western European)"
    return Survey(found.encoding, found.most_lines, found.quotes, (note,))


def _decoded(path: Path, encoding: str) -> Survey:
    """The survey in an encoding; an error's ``start`` counts from the beginning of the file."""
    decoder = codecs.getincrementaldecoder(encoding)()
    feeds = returns = quotes = position = 0
    wide = encoding in ("utf-16", "utf-32")
    with open_bytes(path) as stream:
        while True:
            chunk = stream.read(CHUNK)
            if not wide and b"\0" in chunk:
                zero = f"byte {position + chunk.index(0)} is zero"
                raise ValueError(f"{zero}: this is no text, or UTF-16 without its mark; save it as UTF-8")
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                error.start += position - pending
                raise
            if not chunk:
                return Survey(encoding, max(feeds, returns) + 1, quotes)
            feeds, returns = feeds + chunk.count(b"\n"), returns + chunk.count(b"\r")
            quotes, position = quotes + chunk.count(b'"'), position + len(chunk)


def _place(path: Path, error: UnicodeDecodeError) -> str:
    """The byte that could not be decoded, and its line."""
    with open_bytes(path) as stream:
        before = stream.read(error.start)
        line = max(before.count(b"\n"), before.count(b"\r")) + 1
        return f"byte 0x{stream.read(1).hex()} in line {line}"
