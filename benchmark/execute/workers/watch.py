"""What a guard knows of its worker, and when it has seen enough."""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import time
from dataclasses import dataclass

from benchmark.execute.workers.descent import anonymous_memory, descendants, oom_kills, own_memory, reaped

__all__ = ["Board", "Death", "Watch"]

_STOPPED_SECONDS = 2.0
"""How long a worker may be stopped (SIGSTOP) before it is given up."""
_SAID_BYTES, _SAID_AT_MOST = 1 << 14, 1 << 20
"""How much of what a worker wrote is read when it died, and how much is kept until then."""
_SAID_CHARACTERS = 2000
_LACK = "std::bad_alloc"
"""What C++ says when it dies of the polite form of a memory limit."""


@dataclass(frozen=True)
class Death:
    """How a worker ended."""

    status: str
    """``timeout``, ``out_of_memory`` or ``crashed``."""
    reason: str
    final: bool
    """A limit ended it: another try would end alike."""
    group: str
    """First key of the group that it was at; empty when it was at none."""
    said: str
    """The last of what the group wrote to standard output and standard error."""


class Board(ctypes.Structure):
    """A page of memory that a worker writes and its guard reads."""

    _fields_ = (
        ("deadline", ctypes.c_double),
        ("ceiling", ctypes.c_double),
        ("memory_mb", ctypes.c_double),
        ("group", ctypes.c_char * 256),
        ("limit", ctypes.c_char * 256),
    )
    deadline: float
    """``time.monotonic()`` at which the worker is killed; 0: never."""
    limit: bytes
    """What the deadline comes from, in words."""
    ceiling: float
    """Bytes of the worker and its descendants above which it is killed; 0: none."""
    memory_mb: float
    """The limit that the ceiling comes from."""
    group: bytes
    """First key of the group that the worker is at."""

    @classmethod
    def shared(cls) -> Board:
        """An empty board that forked processes have in common."""
        return cls.from_buffer(mmap.mmap(-1, mmap.PAGESIZE))


@dataclass(eq=False)
class Watch:
    """What a guard knows of its worker."""

    pid: int
    board: Board
    said: int
    oom_kills: int
    """How often the kernel had killed for lack of memory when the worker began."""
    status: int = 0
    """As ``waitpid`` gives it, once the worker is dead."""
    stopped_since: float | None = None
    verdict: tuple[str, str] | None = None
    """Status and reason where the guard ended the worker."""
    last_look_took: float = 0.0
    _earlier: tuple[bytes, bytes] = (b"", b"")
    """A group, and the last of what it said before that was cut off."""

    def look(self) -> bool:
        """Whether the worker is dead, or was just killed."""
        started = time.monotonic()
        dead = self._is_dead()
        if not dead:
            self.verdict = self._overstepped(started)
            self._keep_short()
        self.last_look_took = time.monotonic() - started
        return dead or self.verdict is not None

    def obituary(self) -> Death:
        """How the worker ended; asked after everything that descends from it is dead."""
        board, said = self.board, self._said()
        group = board.group.decode(errors="replace")
        if self.verdict is not None:
            status, reason = self.verdict
            return Death(status, reason, status != "crashed", group, said)
        reason = f"the worker process {_ended(self.status)}"
        if board.memory_mb and _LACK in said:
            return Death("out_of_memory", f"{reason} at its memory limit", True, group, said)
        if self.status == signal.SIGKILL and oom_kills() > self.oom_kills:
            return Death("out_of_memory", f"{reason}: the machine ran out of memory", False, group, said)
        return Death("crashed", reason, False, group, said)

    def _is_dead(self) -> bool:
        for pid, status in reaped():
            if pid != self.pid:
                continue
            if os.WIFSTOPPED(status):
                self.stopped_since = time.monotonic()
            elif os.WIFCONTINUED(status):
                self.stopped_since = None
            else:
                self.status = status
                return True
        return False

    def _overstepped(self, now: float) -> tuple[str, str] | None:
        board = self.board
        if 0 < board.deadline < now:
            return "timeout", f"took longer than {board.limit.decode()} and did not stop"
        if self.stopped_since is not None and now - self.stopped_since > _STOPPED_SECONDS:
            return "crashed", "the worker process was stopped by a signal and did not go on"
        if board.ceiling:
            others = [pid for pid in descendants(os.getpid()) if pid != self.pid]
            used = anonymous_memory(self.pid) + sum(own_memory(pid) for pid in others)
            if 0 < board.ceiling < used:
                return "out_of_memory", f"used more than protocol.limits.memory_mb={board.memory_mb:g}"
        return None

    def _keep_short(self) -> None:
        """Cut off what the group said when it is too much; a guard is all that stops it."""
        size = os.fstat(self.said).st_size
        if size > _SAID_AT_MOST:
            self._earlier = self.board.group, os.pread(self.said, _SAID_BYTES, size - _SAID_BYTES)
            os.ftruncate(self.said, 0)

    def _said(self) -> str:
        group, earlier = self._earlier
        size = os.fstat(self.said).st_size
        last = os.pread(self.said, _SAID_BYTES, max(0, size - _SAID_BYTES))
        text = ((earlier if group == self.board.group else b"") + last).decode(errors="replace")
        # faulthandler ends with a list of everything that is loaded.
        lines = [line for line in text.splitlines() if not line.startswith("Extension modules:")]
        return "\n".join(lines).strip()[-_SAID_CHARACTERS:]


def _ended(status: int) -> str:
    """How a process ended, from what ``waitpid`` gives."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = next((one.name for one in signal.Signals if one == number), f"signal {number}")
        return f"was ended by {name} ({signal.strsignal(number)})"
    return f"ended with exit code {os.WEXITSTATUS(status)}"
