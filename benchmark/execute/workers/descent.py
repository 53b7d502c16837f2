"""Everything that descends from a process: who it is, what it uses, and its end."""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

__all__ = ["anonymous_memory", "descendants", "kill_descendants", "oom_kills", "own_memory", "reaped"]

_LINUX = sys.platform == "linux"
_SWEEP_SECONDS = 10.0
"""How long killing may take: a process that waits for a dead file server does not even die."""


def reaped() -> Iterator[tuple[int, int]]:
    """Children that died, stopped or went on since the last look, with what ``waitpid`` says of them."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def kill_descendants() -> None:
    """Kill every descendant of this process until none is left, those that are born meanwhile too."""
    until, killed = time.monotonic() + _SWEEP_SECONDS, set[int]()
    while (alive := set(descendants(os.getpid()))) and time.monotonic() < until:
        for pid in alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if alive <= killed:
            time.sleep(0.002)
        killed |= alive
        for _ in reaped():
            pass


def descendants(pid: int) -> list[int]:
    """Process ids of the children of a process, and of theirs, as far as they can be seen now."""
    if not Path(f"/proc/self/task/{os.getpid()}/children").exists():  # not Linux, or one built without it
        with contextlib.suppress(psutil.NoSuchProcess):
            return [child.pid for child in psutil.Process(pid).children(recursive=True)]
        return []
    found: list[int] = []
    waiting = [pid]
    while waiting:
        children = _children(waiting.pop())
        found += children
        waiting += children
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):  # it has just died
        for task in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text(encoding="ascii").split())
    return found


def anonymous_memory(pid: int) -> int:
    """Bytes of resident memory of a process that no file stands behind; 0 when it is gone."""
    with contextlib.suppress(OSError, psutil.NoSuchProcess):
        if not _LINUX:
            return int(psutil.Process(pid).memory_info().rss)
        resident, shared = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1:3]
        return (int(resident) - int(shared)) * mmap.PAGESIZE
    return 0


def own_memory(pid: int) -> int:
    """Bytes of memory that a process shares with none; of its parent's, a fork owns little."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Private_Dirty:"):
                return int(line.split()[1]) * 1024
    return anonymous_memory(pid)


def oom_kills() -> int:
    """How often the kernel has killed a process for lack of memory; 0 where it does not say."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
