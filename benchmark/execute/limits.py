"""What a worker may use: one thread, a time limit per fit; and what it did use."""

from __future__ import annotations

import os
import resource
import signal
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import threadpoolctl
import torch

__all__ = [
    "FitTimeout",
    "charge",
    "peak_memory_mb",
    "pin_threads",
    "reset_peak_memory",
    "time_limit",
    "warm_up",
]


class FitTimeout(Exception):
    """A fit took longer than ``protocol.limits.seconds``."""


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


def warm_up() -> None:
    """Take one training step of a tiny network, so that no fit pays for what torch does only once."""
    network = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(network.parameters())
    torch.nn.functional.cross_entropy(network(torch.ones(2, 2)), torch.tensor([0, 1])).backward()  # type: ignore[no-untyped-call]
    optimizer.step()


@dataclass(frozen=True)
class _Expiry:
    """What a limit's alarm does."""

    seconds: float

    def __call__(self, _signal: int, _frame: types.FrameType | None) -> None:
        raise FitTimeout(f"took longer than protocol.limits.seconds={self.seconds:g}")


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise :class:`FitTimeout` inside the block once it has run for ``seconds``.

    Works in the main thread, between two bytecodes; code that never returns to Python is ended from
    outside, by the executor.
    """
    if seconds is None:
        yield
        return

    before = signal.signal(signal.SIGALRM, _Expiry(seconds))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def charge(seconds: float) -> None:
    """Take seconds off the limit that runs, if one does: an earlier fit spent them for this one too."""
    if not isinstance(signal.getsignal(signal.SIGALRM), _Expiry):
        return
    left, _ = signal.getitimer(signal.ITIMER_REAL)
    if left:  # else it has just expired, and 0 would switch it off
        signal.setitimer(signal.ITIMER_REAL, max(left - seconds, 1e-6))


def reset_peak_memory() -> None:
    """Start measuring the peak of resident memory anew (Linux; elsewhere it is the process's whole life)."""
    if sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_memory_mb() -> float:
    """Highest resident memory since :func:`reset_peak_memory`, in MiB."""
    if sys.platform == "linux":
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
