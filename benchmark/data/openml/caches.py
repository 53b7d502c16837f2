"""The two folders in which a task's files are found: Swapbench's own, and the user's, which is only read."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from benchmark.data import cache
from benchmark.data.cache.places import partial
from benchmark.data.openml.address import Address, server_folder

__all__ = ["NAMES", "Facts", "complete", "damaged", "facts", "found", "keep", "own", "text", "users", "write"]

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


def found(address: Address) -> dict[str, Path]:
    """A task's files that are in a cache, by their name inside a server's folder (``tasks/31/task.xml``)."""
    task = f"tasks/{address.number}"
    files = _in_caches(address, f"{task}/task.xml")
    said = facts(files[f"{task}/task.xml"]) if files else None
    if said is None:
        return {}
    data_set = f"datasets/{said.data_set}"
    files |= _in_caches(address, f"{task}/datasplits.arff")
    for name in NAMES[2:]:
        files |= _in_caches(address, f"{data_set}/{name}")
    described = files.get(f"{data_set}/description.xml")
    # OpenML's checksum is that of the ARFF file: Parquet is read only where it is all there is.
    if described and f"{data_set}/dataset.arff" not in files and text(described, "oml:parquet_url"):
        files |= _in_caches(address, f"{data_set}/dataset_{said.data_set}.pq")
    return files


def complete(files: Mapping[str, Path]) -> bool:
    """Whether these are all files that a task needs."""
    names = {"dataset.arff" if name.endswith(".pq") else Path(name).name for name in files}
    return names == set(NAMES)


def damaged(files: Mapping[str, Path]) -> list[str]:
    """The names of those files that do not have OpenML's checksum, or ours of the download, or are no XML."""
    return [
        name
        for name, path in files.items()
        if not (_as_downloaded(path) and _as_stated(name, files) and _as_named(path))
    ]


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


def keep(address: Address, name: str, source: Path) -> None:
    """Copy a downloaded file to the own cache, whole or not at all, with its SHA-256 beside it.

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


def write(target: Path, content: bytes) -> None:
    """Write a small file, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with partial() as part:
        part.write_bytes(content)
        os.replace(part, target)


def _in_caches(address: Address, name: str) -> dict[str, Path]:
    """The first cache's file of that name, or nothing."""
    paths = (folder / server_folder(address.server) / name for folder in (own(), users()))
    path = next((path for path in paths if path.is_file()), None)
    return {} if path is None else {name: path}


def _as_downloaded(path: Path) -> bool:
    note = _note(path)
    return not note.is_file() or note.read_text(encoding="ascii").split()[0] == _digest(path, "sha256")


def _as_stated(name: str, files: Mapping[str, Path]) -> bool:
    described = files.get(str(Path(name).with_name("description.xml")))
    if described is None or not name.endswith("dataset.arff"):
        return True
    stated = text(described, "oml:md5_checksum").lower()
    return not stated or stated == _digest(files[name], "md5")


def _as_named(path: Path) -> bool:
    return path.suffix != ".xml" or _root(path) is not None


def _root(file: Path) -> ElementTree.Element | None:
    try:
        return ElementTree.parse(file).getroot()
    except ElementTree.ParseError:
        return None


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, algorithm).hexdigest()
