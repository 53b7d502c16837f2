"""Finding and keeping parsed tasks.

A task's arrays lie under an address, which is a digest of all that the task holds; a request, which is a
digest of all that decides what parsing gives, names an address. So nothing that is found was ever parsed
from other data or by other code, and two requests with one answer share it.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import multiprocessing
import os
import re
from pathlib import Path

from benchmark.data.cache.layout import Damaged, address_of, freeze, read, write
from benchmark.data.cache.places import discard, folder, limit, partial, requests, tasks
from benchmark.data.cache.upkeep import prune
from benchmark.data.taskdata import TaskData

__all__ = ["find", "keep"]

_ADDRESS = re.compile("[0-9a-f]{64}")


def find(request: str) -> TaskData | None:
    """What was kept for a request, its large arrays memory-mapped and all of them read-only."""
    try:
        address = (requests() / request).read_text(encoding="ascii", errors="replace")
    except OSError:  # never asked before, or no folder that could be read: the same to who asks
        return None
    return _open(address) if _ADDRESS.fullmatch(address) else None


def keep(request: str, data: TaskData, name: str) -> TaskData:
    """The task as the next :func:`find` will give it, kept for this request.

    Writes to a folder of its own that is then renamed, so any number of processes may keep the same task;
    least recently used tasks beyond :func:`limit` are removed. Where nothing can be written, ``data`` itself
    comes back, its arrays made read-only, and one line on the log says why.

    Parameters
    ----------
    request
        Digest of all that decides what parsing gives.
    data
        The parsed task, its fingerprint and row digests filled in.
    name
        What people call it.
    """
    address, bound = address_of(data), limit()
    freeze(data)
    try:
        twin = _open(address)
        if twin is None:
            _write(address, data, name)
            twin = _open(address)
        with partial() as note:
            note.write_text(address, encoding="ascii")
            requests().mkdir(parents=True, exist_ok=True)
            os.replace(note, requests() / request)
        prune(bound, spare=address)
    except OSError as error:
        _say(folder(), error.strerror or str(error))
        return data
    return data if twin is None else twin


def _open(address: str) -> TaskData | None:
    """What is at an address, if it is there and sound; damaged things are removed."""
    place = tasks() / address
    try:
        if not place.is_dir():
            return None
        data = read(place)
    except Damaged:
        discard(place)
        return None
    except OSError:  # somebody else's, and not for us to read
        return None
    with contextlib.suppress(OSError):  # a cache that may only be read does not know its last use
        os.utime(place / "task.json")
    return data


def _write(address: str, data: TaskData, name: str) -> None:
    with partial() as whole:
        write(whole, data, name)
        tasks().mkdir(parents=True, exist_ok=True)
        try:
            os.rename(whole, tasks() / address)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # else another process was faster
                raise


@functools.cache
def _say(root: Path, reason: str) -> None:
    if multiprocessing.parent_process() is None:  # one line, not one from every worker
        text = "%s cannot be written (%s): what is parsed is not kept, and each process parses for itself"
        logging.getLogger("swapbench").warning(text, root, reason)
