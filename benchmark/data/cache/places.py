"""Where the cache is, how large it may grow, and how something enters or leaves it at one stroke."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from benchmark.errors import RequestError

__all__ = ["code_digest", "discard", "folder", "limit", "partial", "requests", "sweep", "tasks"]

_PARSERS = ("liac-arff", "numpy", "openml", "pandas", "pillow", "pyarrow", "scikit-learn")
"""Libraries that turn files into arrays: another version may turn them into other arrays."""

_ABANDONED = 3600.0
"""Seconds after which nobody is writing any more what nobody has finished."""


def folder() -> Path:
    """The cache's root; made when something is first written into it.

    ``$SWAPBENCH_CACHE``, else ``$XDG_CACHE_HOME/swapbench``, else ``~/.cache/swapbench``.
    """
    if said := os.environ.get("SWAPBENCH_CACHE"):
        return Path(said).expanduser().absolute()
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification says that a relative path is to be ignored.
    return (base if base.is_absolute() else Path.home() / ".cache") / "swapbench"


def limit() -> int:
    """Bytes that parsed tasks may take: ``$SWAPBENCH_CACHE_GB`` times 10^9, else 20 GB.

    Raises
    ------
    RequestError
        When the variable holds no number.
    """
    said = os.environ.get("SWAPBENCH_CACHE_GB", "20")
    try:
        size = int(float(said) * 1e9)
    except (ValueError, OverflowError):  # int() of NaN and of infinity
        size = -1
    if size < 0:
        raise RequestError(f"SWAPBENCH_CACHE_GB={said}: that is no number of gigabytes; write 20 or 0.5")
    return size


@functools.cache
def code_digest() -> str:
    """Digest of the code that parses, and of the libraries it parses with."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for file in sorted(here.parent.rglob("*.py")):
        if here not in file.parents:  # how arrays are kept does not change them
            digest.update(f"{file.relative_to(here.parent)} {file.stat().st_size}\n".encode())
            digest.update(file.read_bytes())
    for library in _PARSERS:
        digest.update(f"{library} {importlib.metadata.version(library)}\n".encode())
    return digest.hexdigest()


def tasks() -> Path:
    """Parsed tasks, each in a folder called by its address."""
    return folder() / "tasks"


def requests() -> Path:
    """Files called by a request, each holding the address of what answers it."""
    return folder() / "requests"


@contextlib.contextmanager
def partial() -> Iterator[Path]:
    """A new path on the cache's file system, for what is renamed into place once it is whole.

    Whatever is still there at the end is removed. Unlike a temporary folder of the standard library's, it is
    open to all whom the umask lets in: a cache may be shared.
    """
    path = folder() / "partial" / uuid.uuid4().hex
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield path
    finally:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def discard(path: Path) -> bool:
    """Take a folder out of the cache; whether that was possible.

    It is renamed first, so that nobody opens half of it. Who has mapped its files keeps them.
    """
    with contextlib.suppress(OSError), partial() as away:
        os.rename(path, away)
        return True
    return False


def sweep() -> None:
    """Remove what writers that were killed have left behind."""
    with contextlib.suppress(FileNotFoundError):
        for path in (folder() / "partial").iterdir():
            with contextlib.suppress(OSError):  # its writer may be finishing just now
                # OpenML's client works several folders deep.
                newest = max(file.lstat().st_mtime for file in (path, *path.rglob("*")))
                if newest < time.time() - _ABANDONED:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
