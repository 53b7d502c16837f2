"""A table from a file: CSV and its kin, or Parquet; every cell of a text file stays text here."""

from __future__ import annotations

import csv
import gzip
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pandas as pd

from benchmark.errors import RequestError

__all__ = ["load"]

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
TEXT = (".csv", ".tsv", ".txt", ".tab")
PARQUET = (".parquet", ".pq")


def load(path: Path) -> tuple[pd.DataFrame, str]:
    """The file's table and how it is separated (``,``, ``;``, a tab; empty for Parquet).

    Read are ``.csv``, ``.tsv``, ``.txt`` and ``.tab`` (UTF-8, with a header, also ``.gz``) and ``.parquet``.
    Cells of text files come back as text, and empty ones as empty text.

    Raises
    ------
    RequestError
        When there is no such file, it is of another kind, or cannot be read as a table.
    """
    if not path.is_file():
        raise RequestError(f"{path}: there is no such file")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else "".join(suffixes[-1:])
    if kind in PARQUET and suffixes[-1] != ".gz":
        return _parquet(path), ""
    if kind not in TEXT:
        raise RequestError(
            f"{path}: a table is a file called .csv, .tsv, .txt (also .gz) or .parquet; nothing else is read"
        )
    with _told(path):
        return _text(path)


def _parquet(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(path)
    except (ValueError, TypeError, KeyError, NotImplementedError) as error:  # pyarrow's are ValueErrors
        raise RequestError(f"{path}: no Parquet table ({_one_line(error)})") from None
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    frame.columns = [str(name) for name in frame.columns]
    _check_header(path, list(frame.columns))
    return frame


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What keeps a text file from being read, in one line."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise RequestError(f"{path}: no UTF-8 text (byte {error.start}); save the table as UTF-8") from None
    except pd.errors.EmptyDataError:
        raise RequestError(f"{path}: the table has no rows") from None
    except pd.errors.ParserWarning:
        raise RequestError(f"{path}: the rows have more cells than the header has names") from None
    except (pd.errors.ParserError, csv.Error) as error:
        raise RequestError(f"{path}: no table of even rows ({_one_line(error)})") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise RequestError(f"{path}: cannot be unpacked ({_one_line(error)})") from None


def _text(path: Path) -> tuple[pd.DataFrame, str]:
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as lines:
        header, separator = _header(path, lines)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # it would cut long rows short
            frame = pd.read_csv(
                lines,
                sep=separator,
                header=None,
                names=range(len(header)),
                index_col=False,
                dtype="str",
                keep_default_na=False,
            )
    return frame.fillna("").set_axis(header, axis=1), separator


def _header(path: Path, lines: TextIO) -> tuple[list[str], str]:
    """The columns' names and the separator: the one that divides the header into most parts."""
    first = next((line for line in lines if line.strip()), "")
    found = Counter({mark: len(next(csv.reader([first], delimiter=mark), [])) - 1 for mark in SEPARATORS})
    (mark, most), (_, second) = found.most_common(2)
    if most < 1:
        raise RequestError(f"{path}: the first line holds no comma, semicolon or tab, so it is no header")
    if most == second:
        raise RequestError(f"{path}: commas, semicolons or tabs: the first line has as many of two of them")
    names = [name.strip() for name in next(csv.reader([first], delimiter=mark))]
    _check_header(path, names)
    return names, mark


def _check_header(path: Path, names: list[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise RequestError(f"{path}: two columns are called '{twice[0]}', each needs a name of its own")


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text[:160] or type(error).__name__
