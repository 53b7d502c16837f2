"""OpenML's own client, kept from the user's cache, key and terminal, and given time limits.

What it does by itself, and what is done about it: it removes folders when a call fails and writes pickles
beside the data, so it works in a folder of its own that goes when it is done; it waits without end, so it is
given sessions that do not; it tries five times, here once; it sends the user's key to every address that a
description names, here none.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import shutil
import sys
import tempfile
import threading
import types
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmark.data.cache.places import partial
from benchmark.data.openml import caches
from benchmark.data.openml.address import server_url
from benchmark.data.openml.refusals import Refused, refusal
from benchmark.errors import RequestError

__all__ = ["PATIENCE", "Client", "client"]

PATIENCE = 30.0
"""Seconds of silence after which an answer is given up."""

_CONNECTING = 5.0
"""Seconds that a connection may take."""

_ONE_AT_A_TIME = threading.Lock()
"""The client's settings are those of the whole process."""


class Client(NamedTuple):
    """The client at work."""

    openml: Any
    """The package ``openml``."""
    folder: Path
    """The folder where it keeps the files of the server."""


@contextlib.contextmanager
def client(server: str, files: Mapping[str, Path], patience: float = PATIENCE) -> Iterator[Client]:
    """The client of a server, in a new folder that holds copies of ``files``.

    Parameters
    ----------
    server
        A name of :data:`benchmark.data.openml.address.SERVERS`.
    files
        What is there already, by its name inside the server's folder.
    patience
        Seconds of silence after which an answer is given up.

    Raises
    ------
    Refused
        For everything that the client raises inside.
    """
    url = server_url(server)
    only_parquet = any(name.endswith(".pq") for name in files)
    with _ONE_AT_A_TIME, _refusing(url, patience), _silent(), _workplace() as work:
        openml = _imported(work)
        settings = {"server": url, "apikey": "", "show_progress": False, "connection_n_retries": 1}
        libraries = {"requests": _patient(patience), "logging": logging.getLogger("openml")}
        with (
            _given(openml.config, _root_cache_directory=work, **settings),
            _given(openml._api_calls, **libraries),
            _environment("OPENML_SKIP_PARQUET", str(not only_parquet)),
        ):
            folder = Path(openml.config.get_cache_directory())
            for name, path in files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, folder / name)
            yield Client(openml, folder)


def _imported(work: Path) -> Any:
    """The package ``openml``."""
    if "openml" not in sys.modules:
        # Its first import makes the folder of the user's cache, or fails where that is not possible.
        with _environment("OPENML_CACHE_DIR", str(work)):
            import openml
        openml.config.set_root_cache_directory(caches.users())
    return sys.modules["openml"]


def _patient(patience: float) -> types.SimpleNamespace:
    """The library ``requests``, its sessions giving up after ``patience`` seconds of silence."""
    import requests

    def session() -> Any:
        made = requests.Session()
        limits = (min(_CONNECTING, patience), patience)
        made.get = functools.partial(made.get, timeout=limits)  # type: ignore[method-assign]
        return made

    return types.SimpleNamespace(**{**vars(requests), "Session": session})


@contextlib.contextmanager
def _workplace() -> Iterator[Path]:
    """A new folder that nobody else may enter: in the cache, or where the system has its temporary files."""
    with contextlib.ExitStack() as stack:
        try:
            work = stack.enter_context(partial())
            work.mkdir(mode=0o700)
        except OSError:
            work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="swapbench-")))
        yield work


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Nothing of what the client logs or warns of reaches the terminal."""
    logger = logging.getLogger("openml")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logger.setLevel(level)


@contextlib.contextmanager
def _refusing(url: str, patience: float) -> Iterator[None]:
    """Whatever the client raises becomes :class:`Refused`."""
    try:
        yield
    except (RequestError, Refused, MemoryError):
        raise
    except Exception as error:  # the client raises what its libraries raise, and bare exceptions of its own
        raise refusal(error, url, patience) from error


@contextlib.contextmanager
def _given(target: Any, **values: Any) -> Iterator[None]:
    """Attributes that have other values inside."""
    before = {name: getattr(target, name) for name in values}
    try:
        for name, value in values.items():
            setattr(target, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(target, name, value)


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """An environment variable that has another value inside."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
