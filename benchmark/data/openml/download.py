"""Makes sure that a task's files are in a cache, whole and as OpenML made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmark.data.openml import caches
from benchmark.data.openml.address import Address
from benchmark.data.openml.client import PATIENCE, Client, client
from benchmark.data.openml.frames import frame_of
from benchmark.data.openml.refusals import Refused
from benchmark.data.openml.splits import own_splits
from benchmark.errors import RequestError
from benchmark.spec import Dataset

__all__ = ["fetch", "stamp", "whole"]

_SUPERVISED = (1, 2)
"""OpenML's numbers of the task types that can be benchmarked: classification and regression."""


def fetch(dataset: Dataset, *, patience: float = PATIENCE) -> str:
    """``cached`` where a task's files were in a cache, ``downloaded`` where some were not.

    Parameters and errors are those of :func:`whole`.
    """
    return whole(dataset, patience=patience)[1]


def whole(dataset: Dataset, *, patience: float = PATIENCE) -> tuple[dict[str, Path], str]:
    """A task's files, by their name inside a server's folder, and what :func:`fetch` says.

    What is there is checked against OpenML's checksum of the data, and against that of our own download; what
    is not there, or damaged, is downloaded file by file, so an interrupted download goes on where it was.

    Parameters
    ----------
    dataset
        A card whose location is a task of OpenML.
    patience
        Seconds of silence after which an answer is given up.

    Raises
    ------
    RequestError
        When the task cannot be had, or is of a type that cannot be benchmarked.
    """
    address = Address.of(dataset)
    copies = caches.copies(address)
    files = caches.sound(copies)
    _check_type(address, files.get(f"tasks/{address.number}/task.xml"))
    if caches.complete(files):
        return files, "cached"
    damaged = [paths[0] for name, paths in copies.items() if name not in files]
    try:
        with client(address.server, files, patience) as at_work:
            return files | _download(address, at_work, files), "downloaded"
    except Refused as error:
        raise RequestError(f"{address.where}: {_state(damaged, files)}; {_advice(address, error)}") from error


def stamp(dataset: Dataset) -> str:
    """Sizes and times of all copies of a task's files; empty until there is one of each in a cache."""
    copies = caches.copies(Address.of(dataset))
    if not caches.complete(copies):
        return ""
    facts = [(name, path.stat()) for name, paths in sorted(copies.items()) for path in paths]
    return " ".join(f"{name}:{fact.st_size}:{fact.st_mtime_ns}" for name, fact in facts)


def _download(address: Address, at_work: Client, files: Mapping[str, Path]) -> dict[str, Path]:
    """Download what is missing, and keep each file as soon as it is known to be whole; what was kept."""
    openml = at_work.openml
    kept: dict[str, Path] = {}

    def keep() -> None:
        for path in sorted(at_work.folder.rglob("*")):
            name = str(path.relative_to(at_work.folder))
            if path.name in caches.NAMES and name not in files and name not in kept:
                try:
                    kept[name] = caches.keep(address, name, path)
                except OSError as error:
                    where = f"{address.where}: cannot be kept in {caches.own()}"
                    raise RequestError(f"{where}: {error}; SWAPBENCH_CACHE names another folder") from error

    get_dataset = openml.datasets.get_dataset
    task = openml.tasks.get_task(address.number, download_data=False, download_qualities=False)
    keep()
    _check_type(address, at_work.folder / f"tasks/{address.number}/task.xml")
    get_dataset(task.dataset_id, download_features_meta_data=True)
    keep()
    own_splits(task)
    keep()
    data = get_dataset(task.dataset_id, download_features_meta_data=True, download_data=True)
    if not data.md5_checksum:
        own_splits(task, len(frame_of(data)))
    keep()
    return kept


def _check_type(address: Address, task: Path | None) -> None:
    said = None if task is None else caches.facts(task)
    if said is not None and said.kind not in _SUPERVISED:
        allowed = "only supervised classification and regression can be benchmarked"
        raise RequestError(f"{address.where}: OpenML's type of task is '{said.kind_name}'; {allowed}")


def _state(damaged: Sequence[Path], files: Mapping[str, Path]) -> str:
    if damaged:
        return f"'{damaged[0]}' is damaged"
    here = f"{caches.own()} and {caches.users()}"
    return f"its files are not all in {here}" if files else f"it is in no cache (neither of {here})"


def _advice(address: Address, error: Refused) -> str:
    if not error.offline:
        return f"downloading it failed: {error}"
    return f"{error}; `swapbench fetch 'tasks=[{address.name}]'` on a connected machine gets it"
