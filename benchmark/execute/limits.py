"""What a worker may use: one thread, so much time and memory per fit; and what it did use.

Limits are polite first: an exception inside the fit, which leaves a record like any other. A guard, where
there is one, ends the worker when that does not help.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import threadpoolctl
import torch

from benchmark.execute.workers.descent import anonymous_memory
from benchmark.execute.workers.watch import Board
from benchmark.spec import Limits

__all__ = [
    "FitTimeout",
    "charge",
    "limited",
    "memory_limit",
    "peak_memory_mb",
    "pin_threads",
    "reset_peak_memory",
    "time_limit",
    "warm_up",
    "watched",
]

_GRACE_SECONDS = 2.0
"""How long past its limit a fit may ignore it before its process is ended."""
_MIB = 2**20

_boards: list[Board] = []
"""At most one: where this process tells its guard what it may use."""


class FitTimeout(BaseException):
    """A fit took longer than ``protocol.limits.seconds``.

    Not an :class:`Exception`, so that no ``except Exception`` of a component takes it for its own affair.
    """


def watched(board: Board) -> None:
    """Let the guard that reads ``board`` know the limits of every fit from now on, and of nothing else."""
    board.deadline = 0.0
    _boards[:] = [board]


def pin_threads() -> None:
    """Give BLAS, OpenMP and torch one thread each in this process, and cuBLAS a workspace of fixed size.

    Results must not depend on how many cores are busy, and two threads on two busy cores made a small
    network many times slower than one. CuBLAS repeats its bits only with a
    workspace that was fixed before it starts; without one torch refuses deterministic algorithms.
    """
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(1)
    threadpoolctl.threadpool_limits(1)


def warm_up(device: str = "cpu") -> None:
    """Take one training step of a tiny network, so that no fit pays for what torch does only once."""
    network = torch.nn.Linear(2, 2, device=device)
    optimizer = torch.optim.AdamW(network.parameters())
    inputs, target = torch.ones(2, 2, device=device), torch.tensor([0, 1], device=device)
    torch.nn.functional.cross_entropy(network(inputs), target).backward()  # type: ignore[no-untyped-call]
    optimizer.step()


@dataclass(frozen=True)
class _Expiry:
    """What a limit's alarm does."""

    limit: str

    def __call__(self, _signal: int, _frame: types.FrameType | None) -> None:
        raise FitTimeout(f"took longer than {self.limit}")


@contextmanager
def limited(limits: Limits, device: str = "cpu") -> Iterator[None]:
    """Keep a fit on ``device`` to its limits: :func:`time_limit` and :func:`memory_limit`."""
    with memory_limit(limits.memory_mb, device), time_limit(limits.seconds):
        yield


@contextmanager
def time_limit(seconds: float | None, limit: str = "protocol.limits.seconds={:g}") -> Iterator[None]:
    """Raise :class:`FitTimeout` inside the block once it has run for ``seconds``.

    Works in the main thread, between two bytecodes; code that does not return to Python is ended a
    little later, by the guard.

    Parameters
    ----------
    limit
        What to call it where it is exceeded, with a place for the seconds.
    """
    if seconds is None:
        yield
        return

    limit = limit.format(seconds)
    before = signal.signal(signal.SIGALRM, _Expiry(limit))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    for board in _boards:
        board.limit, board.deadline = limit.encode(), time.monotonic() + seconds + _GRACE_SECONDS
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        for board in _boards:
            board.deadline = 0.0


@contextmanager
def memory_limit(megabytes: float | None, device: str = "cpu") -> Iterator[None]:
    """Have allocations fail inside the block that take this process ``megabytes`` (MiB) beyond what it has.

    Linux counts what is asked for, used or not, in the private writable memory of this process alone. A guard
    counts what is used, descendants included; neither counts files that are mapped, nor shared memory. On
    ``cuda`` the guard is alone: a driver reserves many times what it uses.
    """
    if megabytes is None:
        yield
        return

    size = int(megabytes * _MIB)
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if sys.platform == "linux" and device == "cpu":
        data = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5]) * resource.getpagesize()
        already = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_DATA, (min([data + size, *already]), hard))
    for board in _boards:
        board.memory_mb, board.ceiling = megabytes, anonymous_memory(os.getpid()) + size
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
        for board in _boards:
            board.ceiling = board.memory_mb = 0.0


def charge(seconds: float) -> None:
    """Take seconds off the limit that runs, if one does: an earlier fit spent them for this one too."""
    if not isinstance(signal.getsignal(signal.SIGALRM), _Expiry):
        return
    left, _ = signal.getitimer(signal.ITIMER_REAL)
    if left:  # else it has just expired, and 0 would switch it off
        signal.setitimer(signal.ITIMER_REAL, max(left - seconds, 1e-6))
        for board in _boards:
            board.deadline -= seconds


def reset_peak_memory() -> None:
    """Start measuring the peak of resident memory anew (Linux; elsewhere it is the process's whole life)."""
    if sys.platform == "linux":
        file = os.open("/proc/self/clear_refs", os.O_WRONLY)  # each time: a fit may have closed what is open
        try:
            os.write(file, b"5")
        finally:
            os.close(file)


def peak_memory_mb() -> float:
    """Highest resident memory since :func:`reset_peak_memory`, in MiB."""
    if sys.platform == "linux":
        file = os.open("/proc/self/status", os.O_RDONLY)
        try:
            status = os.read(file, 1 << 14)
        finally:
            os.close(file)
        if b"VmHWM:" in status:
            return int(status.partition(b"VmHWM:")[2].split(None, 1)[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
