"""The two folders in which a task's files are found: Swapbench's own, and the user's, which is only read."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from benchmark.data import cache
from benchmark.data.cache.places import partial
from benchmark.data.openml.address import Address, server_folder

__all__ = ["NAMES", "Facts", "complete", "copies", "facts", "keep", "own", "sound", "text", "users", "write"]

NAMES = ("task.xml", "datasplits.arff", "description.xml", "features.xml", "dataset.arff")
"""The files that a task needs, and all that is ever downloaded."""

_NAMESPACE = {"oml": "http://openml.org/openml"}


class Facts(NamedTuple):
    """What a task's own file says."""

    kind: int
    """OpenML's number of the task type."""
    kind_name: str
    data_set: int
    """Number of the data set."""


def own() -> Path:
    """Swapbench's cache of OpenML's files."""
    return cache.folder() / "openml"


def users() -> Path:
    """The cache of the user's own client: where its environment says, else its default."""
    # The client's rule, written again: importing the client takes two seconds and makes folders.
    if named := os.environ.get("OPENML_CACHE_DIR"):
        return Path(named).expanduser()
    if platform.system() != "Linux":
        return Path.home() / ".openml"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "openml"


def copies(address: Address) -> dict[str, list[Path]]:
    """Every copy of a task's files, the own cache's first, by their name inside a server's folder.

    Such a name is ``tasks/31/task.xml``. What no cache has is left out.
    """
    task = f"tasks/{address.number}"
    files = _in_caches(address, [f"{task}/task.xml"])
    said_by = sorted(files.get(f"{task}/task.xml", ()), key=lambda path: not _is_whole(path, None))
    said = next((said for path in said_by if (said := facts(path))), None)
    if said is None:
        return files
    data_set = f"datasets/{said.data_set}"
    files |= _in_caches(address, [f"{task}/datasplits.arff", *(f"{data_set}/{name}" for name in NAMES[2:])])
    described = files.get(f"{data_set}/description.xml", ())
    # OpenML's checksum is that of the ARFF file: Parquet is read only where it is all there is.
    if f"{data_set}/dataset.arff" not in files and any(text(path, "oml:parquet_url") for path in described):
        files |= _in_caches(address, [f"{data_set}/dataset_{said.data_set}.pq"])
    return files


def complete(files: Iterable[str]) -> bool:
    """Whether these are all files that a task needs."""
    names = {"dataset.arff" if name.endswith(".pq") else Path(name).name for name in files}
    return names == set(NAMES)


def sound(files: Mapping[str, Sequence[Path]]) -> dict[str, Path]:
    """Of each file the first copy that is whole; where none is, the file is left out.

    A whole copy has OpenML's checksum, and ours of the download; an XML file can be parsed.
    """
    chosen: dict[str, Path] = {}
    for name, paths in files.items():  # a description comes before its data
        described = chosen.get(str(Path(name).with_name("description.xml")))
        path = next((path for path in paths if _is_whole(path, described)), None)
        if path is not None:
            chosen[name] = path
    return chosen


def facts(task: Path) -> Facts | None:
    """What a ``task.xml`` says; None where it is not one."""
    kind, data_set = text(task, "oml:task_type_id"), text(task, ".//oml:data_set_id")
    if not (kind.isdecimal() and data_set.isdecimal()):
        return None
    return Facts(int(kind), text(task, "oml:task_type"), int(data_set))


def text(file: Path, element: str) -> str:
    """What an element of an XML file holds, without the space around it; empty where there is none."""
    root = _root(file)
    return "" if root is None else root.findtext(element, "", _NAMESPACE).strip()


def keep(address: Address, name: str, source: Path) -> Path:
    """The copy of a downloaded file in the own cache, whole or not at all, with its SHA-256 beside it.

    Raises
    ------
    OSError
        When the cache cannot be written to.
    """
    target = own() / server_folder(address.server) / name
    # As sha256sum writes it, so that anyone can check a cache; first, so that no file is there without.
    write(_note(target), f"{_digest(source, 'sha256')}  {target.name}\n".encode())
    with partial() as part:
        shutil.copyfile(source, part)
        os.replace(part, target)
    return target


def write(target: Path, content: bytes) -> None:
    """Write a small file, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with partial() as part:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            # Else a machine that loses power may keep the name and not what was written.
            os.fsync(file.fileno())
        os.replace(part, target)


def _in_caches(address: Address, names: Iterable[str]) -> dict[str, list[Path]]:
    """The files of these names that there are."""
    folders = [folder / server_folder(address.server) for folder in (own(), users())]
    found = {name: [folder / name for folder in folders if (folder / name).is_file()] for name in names}
    return {name: paths for name, paths in found.items() if paths}


def _is_whole(path: Path, described: Path | None) -> bool:
    try:
        return _as_downloaded(path) and _as_stated(path, described) and _as_named(path)
    except OSError:  # not for us to read: another copy may be, or else it is downloaded
        return False


def _as_downloaded(path: Path) -> bool:
    note = _note(path)
    return not note.is_file() or note.read_bytes().split()[:1] == [_digest(path, "sha256").encode()]


def _as_stated(path: Path, described: Path | None) -> bool:
    if described is None or path.name != "dataset.arff":
        return True
    stated = text(described, "oml:md5_checksum").lower()
    return not stated or stated == _digest(path, "md5")


def _as_named(path: Path) -> bool:
    return path.suffix != ".xml" or _root(path) is not None


def _root(file: Path) -> ElementTree.Element | None:
    try:
        return ElementTree.parse(file).getroot()
    except (ElementTree.ParseError, OSError):
        return None


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, algorithm).hexdigest()
