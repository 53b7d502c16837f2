"""A driver's view of one spool and of the elements that work off what lies in it."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from benchmark.errors import RequestError
from benchmark.execute.cell import Done, Outcome
from benchmark.execute.clusters.slurm.scheduler import Elements, Scheduler, missing_command
from benchmark.execute.clusters.slurm.spool import Spool, Ticket
from benchmark.plan.grid import Job
from benchmark.spec import Record, Trial

__all__ = ["SPOOL", "Desk", "finished_meanwhile", "left_behind", "open_desk"]

SPOOL = "spool"
"""The folder beside a store where locks lie."""

_QUEUED_AGAIN = {"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT"}
_END_SECONDS = 10.0
_PATIENCE_SECONDS = 600.0
"""How long the scheduler may be silent; elements go on meanwhile."""


class Desk:
    """One spool, which nobody else looks after while the desk has its lock.

    Parameters
    ----------
    spool, scheduler
        What it looks after.
    lock
        The file whose lock says so, and the open handle that holds it.
    """

    def __init__(self, spool: Spool, scheduler: Scheduler, lock: tuple[Path, int]) -> None:
        self.spool = spool
        self.scheduler = scheduler
        self.elements: dict[str, str] = {}
        """State of every element that waits or runs, as of the last look."""
        self.ended: list[str] = []
        """Elements that ended since the last outcome came."""
        self.known: dict[str, Trial | Record] = {}
        """Rows that came of a dead driver's jobs."""
        self.is_stopped = False
        self._lock = lock
        self._open = spool.units_to_come()
        self._inherited = frozenset(self._open)
        self._next = max(self._open, default=0) + 1
        self._missing: set[str] = set()
        self._answered = time.monotonic()
        for number in [number for number, left in self._open.items() if not left]:
            self._forget(number)

    @property
    def jobs(self) -> int:
        """How many jobs were handed out by this driver and are not complete."""
        return len(self._open.keys() - self._inherited)

    def at_work_elsewhere(self) -> set[str]:
        """Keys of the units that a dead driver's elements are still to give."""
        return set().union(*(self._open[number] for number in self._inherited & self._open.keys()))

    def hand_out(self, job: Job, done: Done) -> None:
        """Add a job to the queue."""
        self._open[self._next] = self.spool.add(self._next, job, done)
        self._next += 1

    def collect(self) -> Iterator[Sequence[Outcome]]:
        """What has come; whatever was given is taken as kept when the next is asked for."""
        for name, number, outcomes in self.spool.collect():
            yield outcomes
            self.spool.keep(name)
            self.ended.clear()
            rows = {outcome.row.key: outcome.row for outcome in outcomes}
            if number in self._inherited:
                self.known |= rows
            left = self._open.get(number, set())
            left.difference_update(rows)
            if not left:
                self._forget(number)

    def look(self) -> None:
        """Ask which elements there are; put back what those had taken that are gone or queued again.

        Raises
        ------
        RequestError
            When the scheduler has not answered for long.
        """
        taken = self.spool.taken()  # before it is asked: what is taken meanwhile is nobody's loss
        try:
            elements = self.scheduler.elements()
        except RequestError:
            if time.monotonic() - self._answered > _PATIENCE_SECONDS:
                raise
            return
        self._answered = time.monotonic()
        self.ended += self.elements.keys() - elements.keys()
        self.elements = elements
        for element, tickets in taken.items():
            self._put_back(element, tickets)
        self._missing = taken.keys() - elements.keys()

    def _put_back(self, element: str, tickets: Sequence[Ticket]) -> None:
        """Unless the element runs; its end is believed at the second look, since its files may come late."""
        state = self.elements.get(element)
        if state not in _QUEUED_AGAIN and (state is not None or element not in self._missing):
            return
        self.spool.put_back(element, tickets)
        numbers = {ticket.number for ticket in tickets} & self._inherited
        for ticket in self.spool.waiting():
            if ticket.number in numbers and self.spool.withdraw(ticket):
                self._forget(ticket.number)

    def stop(self) -> None:
        """End every element: those that wait at once, those that run in order, and then by force."""
        self.is_stopped = True
        self.withdraw()
        self.spool.close()
        self.scheduler.cancel("--state=PENDING")
        self.scheduler.interrupt()
        self._wait_for_end()
        self.scheduler.cancel()
        self._wait_for_end()

    def leave(self) -> None:
        """Dissolve the spool when it and its elements are done with; else leave it to the next driver."""
        file, handle = self._lock
        if self.is_stopped:
            self._forget_the_lost()
        if not self._open and not self.is_stopped:
            self.spool.close()
            self.scheduler.cancel("--state=PENDING")
            self._wait_for_end()
        if not self._open and not self.elements and self.spool.dissolve():
            file.unlink()
        os.close(handle)

    def hand_over(self) -> None:
        """Leave what is not complete to the next driver as it is, and likewise while no scheduler answers."""
        with suppress(RequestError):
            if not self._open and not missing_command():
                self.leave()
                return
        os.close(self._lock[1])

    def withdraw(self) -> None:
        """Empty the queue."""
        for ticket in self.spool.waiting():
            if self.spool.withdraw(ticket):
                self._forget(ticket.number)

    def _forget_the_lost(self) -> None:
        for element, tickets in self.spool.taken().items():
            if element not in self.elements:
                for ticket in tickets:
                    self._forget(ticket.number)

    def _wait_for_end(self) -> None:
        until = time.monotonic() + _END_SECONDS
        while (elements := self.scheduler.elements()) and time.monotonic() < until:
            time.sleep(0.2)
        self.elements = elements

    def _forget(self, number: int) -> None:
        self._open.pop(number, None)
        self.spool.forget(number)


def open_desk(folder: Path, spools: Path, wanted: Elements, terms: bytes) -> Desk:
    """A new desk.

    Parameters
    ----------
    folder
        Where locks lie: on a disk of this machine, beside the store.
    spools
        Where spools lie: on a file system that every node sees.
    """
    name = f"swapbench-{secrets.token_hex(6)}"
    spool = Spool.create(spools / name, terms)
    new = folder / f"{name}.new"
    handle = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    os.write(handle, os.fsencode(spool.folder))
    file = new.rename(folder / f"{name}.lock")  # whoever sees it by this name sees it locked
    return Desk(spool, Scheduler(name, wanted, spool.folder / "logs"), (file, handle))


def left_behind(folder: Path, wanted: Elements) -> Iterator[Desk]:
    """A desk for every spool whose driver has died, without the jobs that nobody had taken."""
    for file in sorted(folder.glob("*.lock")):
        try:
            handle = os.open(file, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        spool = Spool(Path(os.fsdecode(os.read(handle, 4096))))
        if not spool.folder.exists():
            file.unlink(missing_ok=True)
            os.close(handle)
            continue
        desk = Desk(spool, Scheduler(file.stem, wanted, spool.folder / "logs"), (file, handle))
        desk.withdraw()
        spool.complaints()
        yield desk


def finished_meanwhile(results: Path) -> Iterator[Sequence[Outcome]]:
    """What elements of dead drivers of the store in ``results`` have finished, whether SLURM is there or not.

    Whatever was given is taken as kept when the next is asked for. What those elements are still at stays
    theirs; nobody takes the jobs that wait.
    """
    for desk in left_behind(results / SPOOL, Elements()):
        try:
            yield from desk.collect()
        finally:
            desk.hand_over()
