"""A guard beside every worker: keeps it to its limits, and leaves nothing of it behind.

A guard forks its worker and watches it. When the worker oversteps a limit, dies of anything, or the driver
is gone, the guard kills the worker and everything that descends from it, and tells the driver what happened.
On Linux that includes daemons that left the worker's session and lost their parents: orphans are given to
the guard. Elsewhere (macOS) descendants are found as long as their parents live, a worker may outlive a
guard that was killed by the length of one fit, and memory is resident memory.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import multiprocessing
import multiprocessing.forkserver
import os
import select
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from benchmark.execute.workers.channel import Channel, put
from benchmark.execute.workers.descent import kill_descendants, oom_kills
from benchmark.execute.workers.watch import Board, Death, Watch

__all__ = ["PRELOADED", "Guarded", "bring_up", "start"]

PRELOADED = "benchmark.execute.workers.preloaded"
"""What the process that forks guards imports once, for all workers."""

_LOOKS_EVERY = 0.1
"""Seconds between two looks at a worker, and half of that where its memory is limited."""
_LAST_SECONDS = 11.0
"""How long a driver waits for a guard to have killed everything."""
_STARTS = 3
"""How often the start of a guard is tried."""
_BEGIN_SECONDS = 300.0
"""How long a worker may take to begin. It takes one or two seconds; a hundred nodes that read torch off the
same file server take minutes, and none of them hangs."""
_TERMINAL = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
"""What a terminal sends; the driver handles it."""
_LONGEST_FOLDER = 70
"""How long the name of the temporary folder may be: the server's socket is below it, and has 107 bytes."""
_LINUX = sys.platform == "linux"
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


@dataclass(frozen=True, eq=False)
class Guarded:
    """The driver's hold on a worker and its guard."""

    channel: Channel
    """To the worker."""
    line: Channel
    """To the guard: its only message is a :class:`Death`; it ends everything once the line is ended here."""
    process: BaseProcess

    def end(self) -> None:
        """Have the worker killed, and everything that descends from it; :meth:`wait` for that."""
        self.channel.close()
        self.line.end()

    def is_gone(self) -> bool:
        """Whether nothing is left, after :meth:`end`."""
        self.line.receive()
        if self.line.closed:
            self.wait()
        return self.line.closed

    def wait(self) -> None:
        """Wait until nothing is left."""
        if not self.line.closed:
            self.line.wait_until_closed(_LAST_SECONDS)
        self.line.close()
        self.process.join(1)


def bring_up(preload: str = PRELOADED) -> None:
    """Start the process that forks guards, if there is none; it imports ``preload`` while others work."""
    multiprocessing.get_context("forkserver").set_forkserver_preload([preload])
    folder = tempfile.gettempdir()
    if len(folder) > _LONGEST_FOLDER:
        tempfile.tempdir = "/tmp"
    try:
        multiprocessing.forkserver.ensure_running()
    finally:
        tempfile.tempdir = folder


def start(
    work: Callable[..., object],
    *arguments: Any,
    preload: str = PRELOADED,
    begin_seconds: float = _BEGIN_SECONDS,
) -> Guarded:
    """A new worker process with its guard, which calls ``work(channel, board, said, *arguments)``.

    Parameters
    ----------
    work
        Its socket leads to the driver; ``said`` is the descriptor that standard output and standard error go
        to. What it returns is nobody's interest; an exception is a death.
    preload
        A module that the server which forks guards imports once, for all workers.
    begin_seconds
        After how long the worker is killed, unless ``work`` has taken ``board.deadline`` away by then.
    """
    for _ in range(_STARTS - 1):
        with contextlib.suppress(EOFError, OSError):  # the server was killed; the next brings up another
            return _started(work, arguments, preload, begin_seconds)
    return _started(work, arguments, preload, begin_seconds)


def _started(
    work: Callable[..., object], arguments: tuple[Any, ...], preload: str, begin_seconds: float
) -> Guarded:
    """What :func:`start` gives, at the first try.

    Nobody else holds the sockets: of a try that failed a guard may live, which then has lost its driver.
    """
    ours, theirs = socket.socketpair()
    near, far = socket.socketpair()
    told = (theirs, far, dict(os.environ), work, arguments, begin_seconds)
    process = multiprocessing.get_context("forkserver").Process(target=_guard, args=told, daemon=True)
    with theirs, far:
        try:
            bring_up(preload)
            with _no_main_module():
                process.start()
        except BaseException:
            ours.close()
            near.close()
            raise
    return Guarded(Channel(ours), Channel(near), process)


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Hide the caller's script: a worker would import it, and run a script without a guard once more."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _guard(
    channel: socket.socket,
    line: socket.socket,
    environment: dict[str, str],
    work: Callable[..., object],
    arguments: tuple[Any, ...],
    begin_seconds: float,
) -> None:
    """The life of a guard."""
    os.environ.clear()  # the server's is that of when it was brought up
    os.environ.update(environment)
    for number in _TERMINAL:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    os.setsid()
    _control(_PR_SET_CHILD_SUBREAPER, 1)
    board, said = Board.shared(), _sink()
    kills = oom_kills()
    board.limit, board.deadline = f"{begin_seconds:g} s to begin".encode(), time.monotonic() + begin_seconds
    pid = os.fork()
    if pid == 0:
        line.close()
        _live(work, channel, board, said, *arguments)
    channel.close()
    try:
        death = _watch(Watch(pid, board, said, kills), line)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        kill_descendants()
    if death is not None:
        with contextlib.suppress(OSError):  # the driver may go at any time
            put(line, death())


def _live(
    work: Callable[..., object], channel: socket.socket, board: Board, said: int, *arguments: Any
) -> NoReturn:
    """The life of a worker."""
    code = 1
    try:
        guard = os.getppid()
        for number in (*_TERMINAL, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        _control(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:
            os._exit(code)
        if _LINUX:  # where memory runs out the kernel takes a worker, not the driver
            Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
        multiprocessing.current_process().daemon = False  # a component may have processes of its own
        work(channel, board, said, *arguments)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _watch(watch: Watch, line: socket.socket) -> Callable[[], Death] | None:
    """Look until the worker is dead; then what tells how. None when the driver is gone."""
    poll = select.poll()
    poll.register(line, select.POLLIN)
    if hasattr(os, "pidfd_open"):  # elsewhere the next look tells
        poll.register(os.pidfd_open(watch.pid), select.POLLIN)
    while True:
        pause = _LOOKS_EVERY / 2 if watch.board.ceiling else _LOOKS_EVERY
        woken_by = {descriptor for descriptor, _ in poll.poll(1000 * max(pause, watch.last_look_took * 5))}
        if line.fileno() in woken_by:
            return None
        if watch.look():
            return watch.obituary


def _sink() -> int:
    """A file without a name, in memory where possible: a full disk fails no component that prints."""
    if hasattr(os, "memfd_create"):
        sink = os.memfd_create("said", 0)
    else:
        with tempfile.TemporaryFile() as file:
            sink = os.dup(file.fileno())
    fcntl.fcntl(sink, fcntl.F_SETFL, os.O_APPEND)  # it is cut off while it is written to
    return sink


def _control(what: int, value: int) -> None:
    """Linux's ``prctl``; nothing elsewhere.

    Raises
    ------
    OSError
        When the kernel refuses.
    """
    if _LINUX and ctypes.CDLL(None, use_errno=True).prctl(what, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({what}, {value})")
