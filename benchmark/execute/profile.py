"""Where the time of a run went: every second of a process belongs to exactly one phase.

A phase costs two readings of a clock, so that nothing is gained by leaving it out where nobody asks. The
parts of a training step are the exception: there are many of them, and a GPU has to be waited for.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmark.execute.peak import Peak

__all__ = [
    "DRIVER_PHASES",
    "STEP_PHASES",
    "Profile",
    "Training",
    "begin",
    "book_steps",
    "carried",
    "part",
    "phase",
    "reporting",
    "steps_booked",
    "take",
    "tally",
]

DRIVER_PHASES = ("plan", "store", "judge", "report")
"""What the driver does while no worker can do it; every other phase is a worker's."""

STEP_PHASES = ("data", "forward", "backward", "step")
"""What a step of training consists of: its batch, the loss, the gradients, and what the optimizer does."""

_WORK = ("propose", "import", "preprocess", "fit", "count", *STEP_PHASES, "evaluate", "predict", "score")
"""What is done for one fit alone."""
_REST = "rest"
"""The phase of everything that has no phase of its own."""
_SLOWEST = 5


@dataclass
class _Clock:
    """Books the time of this process on phases, of which one runs at any time."""

    running: str = _REST
    now: Callable[[], float] = time.perf_counter
    since: float = field(default_factory=time.perf_counter)
    spent: dict[str, float] = field(default_factory=dict)
    reporting: bool = False
    peak: Peak | None = None
    """Of the device that trains; where it is known, the parts of training steps are booked."""
    wait: Callable[[], object] | None = None
    """Until that device is done."""
    counts: dict[str, float] = field(default_factory=dict)

    def turn(self, to: str) -> str:
        """Book the time since the last turn and let ``to`` run; what ran before comes back."""
        before, now = self.running, self.now()
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


class _Part(phase):
    """A phase that begins and ends when the device is done with what it was asked for before."""

    __slots__ = ()

    def __enter__(self) -> None:
        if _clock.wait:
            _clock.wait()
        super().__enter__()

    def __exit__(self, *_: object) -> None:
        if _clock.wait:
            _clock.wait()
        super().__exit__()


_NOTHING = nullcontext()


def part(name: str) -> AbstractContextManager[None]:
    """A phase of :data:`STEP_PHASES` for a ``with`` block; where nobody asks, nothing at all."""
    return _NOTHING if _clock.peak is None or _clock.running == "count" else _Part(name)


def begin(asked_at: float, *, reporting: bool) -> None:
    """Count what this worker spends from when it was asked for (seconds since the epoch) on.

    ``reporting``: its outcomes will say.
    """
    own = {name: seconds for name, seconds in take().items() if name in DRIVER_PHASES}
    _clock.spent = {**own, "start": max(0.0, time.time() - asked_at)}
    _clock.reporting, _clock.peak, _clock.wait = reporting, None, None


def book_steps(peak: Peak, wait: Callable[[], object] | None = None) -> None:
    """From now on book the parts of training steps too.

    Parameters
    ----------
    peak
        What the device that trains can do.
    wait
        Waits until that device is done with everything; None where nothing runs on after a call.
    """
    _clock.peak, _clock.wait = peak, wait


def steps_booked() -> bool:
    """Whether somebody wants to know what training steps consist of."""
    return _clock.peak is not None


def take() -> dict[str, float]:
    """Seconds of this process by phase, since the last call or its first import of this.

    Where networks trained and somebody asks, also what :class:`Training` counts.
    """
    _clock.turn(_clock.running)
    spent, _clock.spent = _clock.spent, {}
    counts, _clock.counts = _clock.counts, {}
    if counts and (peak := _clock.peak):
        counts["possible"] = peak.flops * sum(spent.get(name, 0.0) for name in STEP_PHASES)
        counts["calling"] = peak.call_seconds * counts["calls"]
    return spent | counts


def tally(*, rows: int, flop: float, calls: int) -> None:
    """Count a step of training whose parts are booked."""
    for name, count in (("steps", 1), ("rows", rows), ("flop", flop), ("calls", calls)):
        _clock.counts[name] = _clock.counts.get(name, 0) + count


@contextmanager
def reporting(peak: Peak) -> Iterator[dict[str, float]]:
    """What :func:`take` gives of a ``with`` block, once that is over.

    On a CPU, in seconds of this thread: what else runs on the machine is not in them.
    """
    global _clock
    before, _clock = _clock, _Clock(now=time.thread_time, since=time.thread_time(), reporting=True, peak=peak)
    spent: dict[str, float] = {}
    try:
        yield spent
    finally:
        spent |= take()
        _clock = before


@dataclass(frozen=True)
class Training:
    """What the training steps of some networks took, those alone whose parts were booked."""

    steps: float = 0.0
    rows: float = 0.0
    """Over all steps."""
    flop: float = 0.0
    """Of forward and backward passes: see :class:`~benchmark.execute.counting.Counter`."""
    calls: float = 0.0
    """Operators that were called."""
    possible: float = 0.0
    """``flop`` if the device had worked at its measured peak all the time."""
    calling: float = 0.0
    """Seconds that so many calls of operators take if there is nothing to compute."""
    data: float = 0.0
    forward: float = 0.0
    backward: float = 0.0
    step: float = 0.0
    """Seconds of each part."""

    @classmethod
    def of(cls, spent: Mapping[str, float]) -> Training:
        """What :func:`take` says of it."""
        return cls(**{one.name: spent.get(one.name, 0.0) for one in fields(cls)})

    def __add__(self, other: Training) -> Training:
        return Training(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    @property
    def seconds(self) -> float:
        """Of all parts."""
        return self.data + self.forward + self.backward + self.step


_COUNTS = {one.name for one in fields(Training)} - {*STEP_PHASES}


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
    trained: dict[str, Training] = field(default_factory=dict)
    """By key of the fit, or of the first of those that trained together."""

    def add(self, spent: Mapping[str, float]) -> None:
        """Count what a process spent; where the driver works itself, some of it is the driver's."""
        for name, seconds in spent.items():
            if name in _COUNTS:
                continue
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
            if spent.get("steps"):
                self.trained[key] = Training.of(spent)
