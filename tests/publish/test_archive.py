"""Archives: the same files are the same bytes, and what a hostile one asks for does not happen."""

from __future__ import annotations

import io
import os
import pickle
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.errors import RequestError
from benchmark.publish.archive import check_place, opened, write
from benchmark.publish.layout import FILES, MAX_FILES, README, STUDY

BUNDLE = {
    **{name: f"content of {name}\n".encode() * 3 for name in FILES},
    "sources/components/optimizer/mine.py": b"x = 1\n",
}


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            path.read_bytes() if stat.S_ISREG(path.lstat().st_mode) else b"",
        )
        for path in folder.rglob("*")
    }


def zipped(entries: list[tuple[str | zipfile.ZipInfo, bytes]], **how: int) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", **how) as archive:  # type: ignore[call-overload]
        for name, data in entries:
            archive.writestr(name, data)
    return content.getvalue()


def refused(place: Path, *said: str) -> None:
    """Refused in one line that says why, and nothing is changed on the disk."""
    before = tree(place.parent)
    with pytest.raises(RequestError) as error:
        opened(place)
    line = str(error.value)
    assert len(line.splitlines()) == 1 and line.isprintable()
    assert all(word in line for word in said), line
    assert tree(place.parent) == before


@pytest.mark.parametrize("name", ["b", "b.zip"])
def test_round_trip_and_replacement(tmp_path: Path, name: str) -> None:
    place = tmp_path / "deep" / name
    write(BUNDLE, place)
    assert opened(place) == BUNDLE
    other = {**BUNDLE, README: b"other"}
    write(other, place)
    assert opened(place) == other
    assert [path.name for path in place.parent.iterdir()] == [name]


def test_the_same_files_are_the_same_bytes(tmp_path: Path) -> None:
    write(BUNDLE, tmp_path / "a.zip")
    os.umask(os.umask(0o077))
    write(dict(reversed(BUNDLE.items())), tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    write(BUNDLE, tmp_path / "a")
    assert {mode for mode, _ in tree(tmp_path / "a").values()} == {0o100644, 0o040755}


@pytest.mark.parametrize("kind", ["file", "folder", "part", "zip"])
def test_what_is_no_bundle_is_not_replaced(tmp_path: Path, kind: str) -> None:
    place = tmp_path / ("thesis.zip" if kind == "zip" else "thesis")
    if kind in ("file", "zip"):
        place.write_text("years of work")
    else:
        place.mkdir()
        (place / (README if kind == "part" else "thesis.tex")).write_text("years of work")
    before = tree(tmp_path)
    with pytest.raises(RequestError, match="no bundle"):
        write(BUNDLE, place)
    with pytest.raises(RequestError, match="no bundle"):
        check_place(place)
    assert tree(tmp_path) == before


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    write(BUNDLE, tmp_path / "b")
    assert opened(tmp_path / "b") == BUNDLE


def _symlink(folder: Path) -> None:
    (folder / README).unlink()
    (folder / README).symlink_to("/etc/passwd")


def _folder_for_a_file(folder: Path) -> None:
    (folder / README).unlink()
    (folder / README).mkdir()


def _linked_folder(folder: Path) -> None:
    (folder / "sources" / "components" / "loss").symlink_to("/etc")


def _fifo(folder: Path) -> None:
    (folder / README).unlink()
    os.mkfifo(folder / README)


FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "symlink": (_symlink, README),
    "link to a folder": (_linked_folder, "loss"),
    "fifo": (_fifo, README),
    "other file": (lambda folder: (folder / "model.pkl").write_bytes(pickle.dumps(1)), "model.pkl"),
    "backslash": (lambda folder: (folder / "..\\x").write_text(""), "no file of a bundle"),
    "drive": (lambda folder: (folder / "C:\\x").write_text(""), "C:"),
    "escape": (lambda folder: (folder / "\x1b[2J\n").write_text(""), "no file of a bundle"),
    "no text": (lambda folder: (folder / os.fsdecode(b"\xff")).write_text(""), "no file of a bundle"),
    "other folder": (lambda folder: (folder / "data").mkdir(), "data"),
    "case": (lambda folder: (folder / "sources/components/optimizer/Mine.py").write_text(""), "case"),
    "missing": (lambda folder: (folder / STUDY).unlink(), STUDY),
    "file for a folder": (lambda folder: (folder / "sources.py").write_text(""), "sources.py"),
    "folder for a file": (_folder_for_a_file, README),
    "huge": (lambda folder: os.truncate(folder / README, 2**40), "GiB"),
    "many": (
        lambda folder: [(folder / f"sources/x{n}.py").write_text("") for n in range(MAX_FILES)],
        "more than",
    ),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_a_hostile_folder(tmp_path: Path, case: str) -> None:
    write(BUNDLE, tmp_path / "b")
    work, said = FOLDERS[case]
    work(tmp_path / "b")
    if case == "huge":  # a hole of a terabyte is not read here either
        with pytest.raises(RequestError, match="GiB"):
            opened(tmp_path / "b")
        return
    refused(tmp_path / "b", said)


def test_a_hard_link_is_a_file(tmp_path: Path) -> None:
    write(BUNDLE, tmp_path / "b")
    os.link(tmp_path / "b" / README, tmp_path / "other")
    assert opened(tmp_path / "b") == BUNDLE


ENTRIES: list[tuple[str | zipfile.ZipInfo, bytes]] = [*sorted(BUNDLE.items())]


def _linked(kind: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(README)
    entry.external_attr = (kind | 0o777) << 16
    return entry


def _patched(content: bytes, offset: int, value: bytes, entry: bytes = b"PK\1\2") -> bytes:
    """Some bytes of the first entry of the directory are others."""
    start = content.index(entry) + offset
    return content[:start] + value + content[start + len(value) :]


PLAIN = zipped(ENTRIES)
INNER = zipped([(README, b"inner")])
NAMES = (
    "../x",
    "/etc/x",
    "C:\\x",
    "sources/../../x.py",
    "a\\b",
    "sources/a\x1b[2J.py",
    "sources//a.py",
    "x.zip",
)
ZIPS: dict[str, tuple[bytes, str]] = {
    **{name: (zipped([*ENTRIES, (name, b"x")]), "no file of a bundle") for name in NAMES},
    "nul": (PLAIN.replace(b"README.md", b"README\0md"), "no file of a bundle"),
    "case": (zipped([*ENTRIES, ("sources/components/optimizer/MINE.py", b"")]), "case"),
    "symlink": (zipped([(_linked(stat.S_IFLNK), b"/etc/passwd"), *ENTRIES[1:]]), "link"),
    "fifo": (zipped([(_linked(stat.S_IFIFO), b""), *ENTRIES[1:]]), "link or a device"),
    "encrypted": (_patched(PLAIN, 8, b"\1"), "encrypted"),
    "bomb": (
        zipped([*ENTRIES[1:], (README, b"\0" * 10**9)], compression=zipfile.ZIP_DEFLATED, compresslevel=1),
        "compressed",
    ),
    "huge": (_patched(PLAIN, 24, struct.pack("<L", 2**32 - 2)), "compressed"),
    "zip64": (_patched(PLAIN, 24, b"\xff" * 4), ""),
    "zip64 end": (
        PLAIN[:-22] + b"PK\6\6" + bytes(52) + b"PK\6\7" + bytes(16) + PLAIN[-22:],
        "cut off",
    ),
    "crc": (PLAIN.replace(b"content of README", b"kontent of README"), "CRC"),
    "date": (_patched(PLAIN, 12, b"\1"), "swapbench bundle"),
    "local name": (PLAIN.replace(b"README.md", b"README.me", 1), "README"),
    "inner": (INNER, "no"),
    "trailing": (PLAIN + b"x", "cut off"),
    "before": (b"PK#!" + PLAIN, "cut off"),
    "truncated": (PLAIN[:-1], "cut off"),
    "half": (PLAIN[: len(PLAIN) // 2], "cut off"),
    "empty": (b"", "neither"),
    "pickle": (pickle.dumps({"a": 1}), "neither"),
    "many": (zipped([*ENTRIES, *((f"sources/x{n}.py", b"") for n in range(MAX_FILES))]), "too large"),
}


@pytest.mark.parametrize("case", ZIPS)
def test_a_hostile_zip(tmp_path: Path, case: str) -> None:
    content, said = ZIPS[case]
    (tmp_path / "b.zip").write_bytes(content)
    refused(tmp_path / "b.zip", said)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_name_twice(tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_bytes(zipped([*ENTRIES, (README, b"other")]))
    refused(tmp_path / "b.zip", "one name")


def test_nothing_is_there(tmp_path: Path) -> None:
    refused(tmp_path / "b", "no bundle")


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.all), 23])
def test_every_flipped_byte_of_a_zip_is_noticed(tmp_path: Path, step: int) -> None:
    write(BUNDLE, tmp_path / "b.zip")
    whole = (tmp_path / "b.zip").read_bytes()
    place = tmp_path / "c.zip"
    for at in range(0, len(whole), step):
        place.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])
        with pytest.raises(RequestError):
            opened(place)


def test_a_crc_that_fits_is_no_way_around_the_checksums(tmp_path: Path) -> None:
    assert zlib.crc32(BUNDLE[README]) != zlib.crc32(b"other")
    write({**BUNDLE, README: b"other"}, tmp_path / "b.zip")
    assert opened(tmp_path / "b.zip")[README] == b"other"
