"""Where the time of a run went: every second of a process belongs to exactly one phase.

A phase costs two readings of a clock, so that nothing is gained by leaving it out where nobody asks.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["DRIVER_PHASES", "Profile", "begin", "carried", "phase", "take"]

DRIVER_PHASES = ("plan", "store", "judge", "report")
"""What the driver does while no worker can do it; every other phase is a worker's."""

_WORK = ("propose", "import", "preprocess", "fit", "evaluate", "predict", "score")
"""What is done for one fit alone."""
_REST = "rest"
"""The phase of everything that has no phase of its own."""
_SLOWEST = 5


@dataclass
class _Clock:
    """Books the time of this process on phases, of which one runs at any time."""

    running: str = _REST
    since: float = field(default_factory=time.perf_counter)
    spent: dict[str, float] = field(default_factory=dict)
    reporting: bool = False

    def turn(self, to: str) -> str:
        """Book the time since the last turn and let ``to`` run; what ran before comes back."""
        before, now = self.running, time.perf_counter()
        self.spent[before] = self.spent.get(before, 0.0) + now - self.since
        self.running, self.since = to, now
        return before


_clock = _Clock()


class phase:  # written as it is used, and a class since a generator takes several times as long
    """Books what a ``with`` block takes on a phase; a phase inside it interrupts it."""

    __slots__ = ("before", "name")

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        self.before = _clock.turn(self.name)

    def __exit__(self, *_: object) -> None:
        _clock.turn(self.before)


def begin(asked_at: float, *, reporting: bool) -> None:
    """Count what this worker spends from when it was asked for (seconds since the epoch) on.

    ``reporting``: its outcomes will say.
    """
    own = {name: seconds for name, seconds in take().items() if name in DRIVER_PHASES}
    _clock.spent = {**own, "start": max(0.0, time.time() - asked_at)}
    _clock.reporting = reporting


def take() -> dict[str, float]:
    """Seconds of this process by phase, since the last call or its first import of this."""
    _clock.turn(_clock.running)
    spent, _clock.spent = _clock.spent, {}
    return spent


def carried() -> dict[str, float]:
    """What an outcome tells the driver of its worker: :func:`take`, or nothing where nobody asked."""
    return take() if _clock.reporting else {}


@dataclass
class Profile:
    """Where the time of a run went.

    What of ``workers`` times ``seconds`` is in no phase, the workers spent waiting: for work, or to be
    started again after one of them was ended.
    """

    workers: int
    seconds: float = 0.0
    """Wall seconds for which there were workers."""
    spent: dict[str, float] = field(default_factory=dict)
    """Seconds of all workers together, by phase."""
    own: dict[str, float] = field(default_factory=dict)
    """Seconds of the driver, by phase."""
    slowest: list[tuple[float, str]] = field(default_factory=list)
    """Seconds and key of the few fits that took longest, those first."""

    def add(self, spent: Mapping[str, float]) -> None:
        """Count what a process spent; where the driver works itself, some of it is the driver's."""
        for name, seconds in spent.items():
            held = self.own if name in DRIVER_PHASES else self.spent
            held[name] = held.get(name, 0.0) + seconds

    def add_own(self, spent: Mapping[str, float]) -> None:
        """Count what the driver spent, beside waiting for its workers."""
        self.add({name: seconds for name, seconds in spent.items() if name in DRIVER_PHASES})

    def note(self, key: str, spent: Mapping[str, float]) -> None:
        """Count what an outcome says that its worker spent, and remember it if it is one of the slowest."""
        if spent:
            self.add(spent)
            seconds = sum(took for name, took in spent.items() if name in _WORK)
            self.slowest = heapq.nlargest(_SLOWEST, [*self.slowest, (seconds, key)])
