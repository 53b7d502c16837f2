"""Data of one's own: tables, arrays, folders of images and running text, by the ending of the file's name."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from benchmark.data.files.arrays import read_arrays, read_images, read_text
from benchmark.data.files.delimited import read_delimited
from benchmark.data.files.pairs import joined
from benchmark.data.files.tables import read_arff, read_parquet
from benchmark.data.raw import Raw
from benchmark.errors import RequestError, nearest
from benchmark.spec import Dataset

__all__ = ["read", "stamp"]

_READERS: Mapping[str, Callable[[Path], Raw]] = {
    ".arff": read_arff,
    ".csv": read_delimited,
    ".npz": read_arrays,
    ".parquet": read_parquet,
    ".tab": partial(read_delimited, separator="\t"),
    ".tsv": partial(read_delimited, separator="\t"),
    ".txt": read_text,
}
"""By the ending of the file's name; text may be packed, ``.gz`` behind it."""

_PACKED = (".arff", ".csv", ".tab", ".tsv", ".txt")
"""Endings that ``.gz`` may stand behind."""


_LARGEST_DIGESTED = 1 << 20
"""Bytes; larger files are stamped without reading them."""


def read(dataset: Dataset) -> Raw:
    """What is at the card's location, a path relative to the card's own folder, with its test rows behind it.

    Raises
    ------
    RequestError
        When there is no such file, it is not what the ending of its name says, or the card's ``test`` does
        not fit it.
    """
    data = _read(dataset, "location")
    if dataset.test is None:
        return data
    where = f"{dataset.file or dataset.name}: test"
    if dataset.split is not None:
        raise RequestError(f"{where}: the column of 'split' says which rows are for testing already")
    return joined(data, _read(dataset, "test"), dataset, where)


def stamp(dataset: Dataset) -> str:
    """Text that changes with the content of any file that the card names.

    It is the digest of a small file. Of a large one, and of the files of a folder, it is size, times and
    number on the disk, which nothing has to be read for: every write moves the time of the last change of
    status, and no program can set that back.

    Raises
    ------
    RequestError
        When there is no such file, or its state cannot be had.
    """
    lines: list[str] = []
    for key in ("location",) if dataset.test is None else ("location", "test"):
        where, path = _place(dataset, key)
        try:
            lines += _stamps(path)
        except OSError as error:
            raise RequestError(
                f"{where}: '{error.filename}' cannot be looked at: {error.strerror}"
            ) from error
    return "\n".join(lines)


def _stamps(path: Path) -> list[str]:
    if path.is_dir():
        return [f"{file.relative_to(path)} {_state(file)}" for file in sorted(path.rglob("*"))]
    # A small file can be written twice, and loaded in between, before the clock of the file system moves on.
    if not path.is_file() or path.stat().st_size > _LARGEST_DIGESTED or not os.access(path, os.R_OK):
        return [_state(path)]
    return [hashlib.sha256(path.read_bytes()).hexdigest()]


def _state(path: Path) -> str:
    found = path.stat()
    times = f"{found.st_mtime_ns} {found.st_ctime_ns}"
    return f"{found.st_size} {times} {found.st_ino} {found.st_dev}"


def _place(dataset: Dataset, key: str) -> tuple[str, Path]:
    """What an error begins with, and the path that a key names: something is there."""
    where = f"{dataset.file or dataset.name}: {key}"
    path = Path(dataset.file).parent / getattr(dataset, key)
    try:
        if path.exists():
            return where, path
        beside = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
    except OSError as error:  # a name that is too long, a folder that is closed
        raise RequestError(f"{where}: '{path}' cannot be looked up: {error.strerror}") from error
    raise RequestError(f"{where}: there is no file '{path}'; {nearest(path.name, beside)}")


def _read(dataset: Dataset, key: str) -> Raw:
    where, path = _place(dataset, key)
    reader, kind = _reader(path, where)
    try:
        return reader(path)
    # ValueError covers Arrow's invalid files; the others come from unpacking.
    except (ValueError, OSError, EOFError, zlib.error) as error:
        reason = " ".join(str(error).split())
        raise RequestError(f"{where}: '{path}' cannot be read as {kind}: {reason}") from error


def _reader(path: Path, where: str) -> tuple[Callable[[Path], Raw], str]:
    """What reads a path, and what it is taken for."""
    if path.is_dir():
        return read_images, "a folder of images"
    ending = path.suffix.lower()
    if ending == ".gz" and (inner := Path(path.stem).suffix.lower()) in _PACKED:
        ending = inner
    if ending not in _READERS:
        hint = nearest(ending, _READERS)
        raise RequestError(f"{where}: cannot tell the format of '{path}' by its ending; {hint}")
    return _READERS[ending], ending[1:]
