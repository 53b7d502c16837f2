"""A bundle on the disk, as a folder or a zip: the same files are the same bytes.

It is read as if its author meant harm, and never unpacked to the disk. A zip must be, byte for byte, the
one that :func:`write` makes of its files: no compression, so that nothing is larger than the file; no
comments, no gaps, no second directory.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from benchmark.errors import RequestError
from benchmark.publish.layout import FILES, MAX_BYTES, MAX_FILES, SIGNATURE, SOURCES, is_source
from benchmark.report.words import label

__all__ = ["Files", "check_place", "opened", "put", "write"]

Files = Mapping[str, bytes]
"""Content by name, ``/`` between the parts of a name."""

_DATE = (1980, 1, 1, 0, 0, 0)
_END = struct.Struct("<4s4H2LH")
"""The last record of a zip without a comment."""
_LONGEST_ENTRY = 1000
"""Bytes of an entry of a zip's directory; the longest name that a bundle takes has 714."""
_OPEN = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")
)


def check_place(place: Path) -> None:
    """That a bundle may be written to a place: nothing is there, or an empty folder, or a bundle.

    Raises
    ------
    RequestError
        When something else is there.
    """
    try:
        if not os.path.lexists(place) or (place.is_dir() and not any(place.iterdir())):
            return
        opened(place)
    except OSError as error:
        raise _unusable(place, error) from error
    except RequestError as error:
        raise RequestError(f"out={place}: is there already, and is no bundle: {error}") from error
    if place.is_dir() is (place.suffix == ".zip"):
        raise RequestError(f"out={place}: a folder and a file cannot take each other's place")


def write(files: Files, place: Path) -> None:
    """Write a bundle, whole or not at all: a zip where the place ends in ``.zip``, else a folder.

    Raises
    ------
    RequestError
        When something else than a bundle is there, or it cannot be written.
    """
    _check_names(files, str(place))
    check_place(place)
    put(files, place)


def put(files: Files, place: Path) -> None:
    """Write files, all or none, in place of what is there: a zip or a folder, as :func:`write` says.

    Raises
    ------
    RequestError
        When they cannot be written.
    """
    place = Path(os.path.realpath(place))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".swapbench-") as beside:
            made = Path(beside) / "new"
            if place.suffix == ".zip":
                made.write_bytes(_zipped(files))
                made.chmod(0o644)
            else:
                _write_folder(files, made)
                if place.exists():
                    place.rename(Path(beside) / "old")
            made.replace(place)
    except OSError as error:
        raise _unusable(place, error) from error


def opened(place: Path) -> Files:
    """The files of a bundle, by name and in the order of the names.

    Raises
    ------
    RequestError
        In one line that names the file: no bundle, or something in it that no bundle has.
    """
    try:
        if place.is_dir():
            files = _read_folder(place)
        elif place.is_file():
            files = _read_zip(place)
        else:
            raise RequestError(f"{place}: there is no bundle here: no folder and no file")
    except OSError as error:
        raise _unusable(place, error) from error
    _check_names(files, str(place))
    return dict(sorted(files.items()))


def _unusable(place: Path, error: OSError) -> RequestError:
    return RequestError(f"{place}: cannot be used: {error.strerror or error}")


def _check_names(names: Iterable[str], place: str) -> None:
    """That they are those of one bundle: all that must be there, and nothing else."""
    folded: dict[str, str] = {}
    for name in names:
        _check_name(name, place)
        if other := folded.get(name.casefold()):
            raise RequestError(f"{place}: {other} and {name} are one name where case does not count")
        folded[name.casefold()] = name
    if len(folded) > MAX_FILES:
        raise RequestError(f"{place}: more than {MAX_FILES} files")
    if missing := next((name for name in FILES if name not in folded.values()), None):
        raise RequestError(f"{place}: not a bundle: there is no {missing}")


def _check_name(name: str, place: str) -> None:
    if name not in FILES and name != SIGNATURE and not is_source(name):
        raise RequestError(f"{place}: {label(name, 120)}: no file of a bundle has this name")


def _write_folder(files: Files, folder: Path) -> None:
    for name, content in sorted(files.items()):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o644)
    for made in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        made.chmod(0o755)


def _zipped(files: Files) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system = 3  # Unix, also where it is written on another
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, files[name])
    return content.getvalue()


def _read_folder(folder: Path) -> Files:
    files: dict[str, bytes] = {}
    left = MAX_BYTES
    for name in _walk(folder):
        files[name] = _read_file(folder / name, f"{folder}: {name}", left)
        left -= len(files[name])
    return files


def _walk(folder: Path) -> Iterator[str]:
    """The name of every file, each checked before anything of it is opened."""
    waiting, seen = [""], 0
    while waiting:
        above = waiting.pop()
        with os.scandir(folder / above) as entries:
            for entry in entries:
                name = f"{above}{entry.name}"
                if (seen := seen + 1) > MAX_FILES:
                    raise RequestError(f"{folder}: more than {MAX_FILES} files and folders")
                if entry.is_dir(follow_symlinks=False):
                    if name != SOURCES:
                        _check_name(f"{name}/file.py", str(folder))
                    waiting.append(f"{name}/")
                    continue
                _check_name(name, str(folder))
                if not entry.is_file(follow_symlinks=False):
                    raise RequestError(f"{folder}: {name}: a link or a device, and no file")
                yield name


def _read_file(file: Path, shown: str, limit: int) -> bytes:
    """A regular file's content, looked at again once it is open: it may have been exchanged."""
    with open(os.open(file, _OPEN), "rb") as handle:
        found = os.fstat(handle.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise RequestError(f"{shown}: a link or a device, and no file")
        if found.st_size > limit:
            raise _too_large(shown)
        content = handle.read(limit + 1)
    if len(content) > limit:
        raise _too_large(shown)
    return content


def _too_large(shown: str) -> RequestError:
    return RequestError(f"{shown}: a bundle has at most {MAX_BYTES >> 30} GiB")


def _read_zip(place: Path) -> Files:
    content = _read_file(Path(os.path.realpath(place)), str(place), MAX_BYTES)
    _check_directory(content, place)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            for entry in entries:
                _check_entry(entry, place)
            if len({entry.filename for entry in entries}) < len(entries):
                raise RequestError(f"{place}: has two files of one name")
            files = {entry.filename: archive.read(entry) for entry in entries}
    except RequestError:
        raise
    except (zipfile.BadZipFile, ValueError, RuntimeError, EOFError, struct.error, OverflowError) as error:
        said = label(" ".join(str(error).split()), 160)
        raise RequestError(f"{place}: not readable as a zip: {said}") from error
    if _zipped(files) != content:
        raise RequestError(
            f"{place}: not a zip as `swapbench bundle` writes it: unpack it, and name the folder"
        )
    return files


def _check_directory(content: bytes, place: Path) -> None:
    """That the directory of a zip is as short as a bundle's, before anything reads it."""
    if len(content) < _END.size or not content.startswith(b"PK"):
        raise RequestError(f"{place}: neither a folder nor a zip")
    sign, disk, first, here, entries, size, offset, comment = _END.unpack(content[-_END.size :])
    whole = sign == b"PK\5\6" and disk == first == comment == 0 and here == entries
    whole = whole and not content.startswith(b"PK\6\7", max(0, len(content) - _END.size - 20))  # of a zip64
    if not whole or offset + size + _END.size != len(content):
        raise RequestError(f"{place}: a zip that is cut off, or goes on after its end")
    if entries > MAX_FILES or size > _LONGEST_ENTRY * entries:
        raise RequestError(f"{place}: a zip with too large a directory for a bundle's")


def _check_entry(entry: zipfile.ZipInfo, place: Path) -> None:
    _check_name(entry.orig_filename, str(place))
    shown = f"{place}: {entry.filename}"
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        raise RequestError(f"{shown}: a link or a device, and no file")
    if entry.flag_bits & 1:
        raise RequestError(f"{shown}: encrypted")
    if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
        raise RequestError(
            f"{shown}: compressed, which no file of a bundle's zip is; unpack it, and name the folder"
        )
