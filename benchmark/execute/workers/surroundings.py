"""What a component may change around it in its worker, and how the next cell finds it as it was.

The global random states are not here: a fit seeds them. Neither is what a component patches in a library, nor
the threads of BLAS.
"""

from __future__ import annotations

import gc
import locale
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import torch

__all__ = ["Surroundings", "redirect"]


def _working_folder() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:  # it was deleted
        return ""


def _switch_collection(on: bool) -> None:
    (gc.enable if on else gc.disable)()


_STATES: tuple[tuple[Callable[[], Any], Callable[[Any], object]], ...] = (
    (_working_folder, os.chdir),
    (gc.isenabled, _switch_collection),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (sys.gettrace, sys.settrace),
    (sys.getprofile, sys.setprofile),
    (partial(locale.setlocale, locale.LC_ALL), partial(locale.setlocale, locale.LC_ALL)),
    (
        partial(signal.pthread_sigmask, signal.SIG_BLOCK, ()),
        partial(signal.pthread_sigmask, signal.SIG_SETMASK),
    ),
    *(
        (partial(signal.getsignal, number), partial(signal.signal, number))
        for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)
    ),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    # Even the default would be looked up in every call from then on, once it is set.
    (torch.get_default_device, lambda _: torch.set_default_device(None)),
)
"""How to read and to set what takes about a microsecond to look at."""


class Surroundings:
    """What a worker's first cell found around it.

    Parameters
    ----------
    said
        Descriptor of the file that standard output and standard error go to.
    """

    def __init__(self, said: int) -> None:
        self._said = said
        self._states = [(read, write, read()) for read, write in _STATES]
        self._environment, self._variables = dict(os.environ), dict(_variables())
        self._children = _Children()

    def restore(self) -> bool:
        """Put everything back; whether something is left that only the worker's end removes.

        That is a process which the cell started, or a thread that holds its process.
        """
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)  # drops an alarm that was kept from going off
        for read, write, value in self._states:
            if read() != value:
                write(value)
        if _variables() != self._variables:
            os.environ.clear()
            os.environ.update(self._environment)
        redirect(self._said)
        return self._children.exist() or _threads_are_left()


_streams: dict[str, Any] = {}
"""What ``sys.stdout`` and ``sys.stderr`` should be."""


def redirect(said: int) -> None:
    """Lead standard output and standard error, and what Python takes them for, to a file."""
    file = os.fstat(said)
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        if not _is(descriptor, file):
            os.dup2(said, descriptor)
        if getattr(sys, name) is not _streams.get(name) or _streams[name].closed:
            _streams[name] = open(  # noqa: SIM115
                descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
            )
            setattr(sys, name, _streams[name])


def _is(descriptor: int, file: os.stat_result) -> bool:
    try:
        found = os.fstat(descriptor)
    except OSError:  # it was closed
        return False
    return (found.st_dev, found.st_ino) == (file.st_dev, file.st_ino)


def _variables() -> dict[bytes, bytes]:
    """The environment as it is kept: to decode it takes a hundred times as long as to compare it."""
    kept: dict[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]
    return kept


def _threads_are_left() -> bool:
    if threading.active_count() == 1:
        return False
    return any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread())


class _Children:
    """Looks for children of this process, and for those that its guard has inherited from them."""

    def __init__(self) -> None:
        own, guard = os.getpid(), os.getppid()
        files = [Path(f"/proc/{pid}/task/{pid}/children") for pid in (own, guard)]
        self._open = [os.open(file, os.O_RDONLY) for file in files] if files[0].exists() else []

    def exist(self) -> bool:
        """Whether there are any."""
        if not self._open:
            return bool(psutil.Process().children())
        # Of the guard's children, this process is one.
        return any(os.pread(file, 64, 0).count(b" ") > of_us for of_us, file in enumerate(self._open))
