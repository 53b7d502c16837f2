"""Every check of a component within a given time, whatever the component does to its process."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import torch

from benchmark.catalog import Catalog
from benchmark.checks.check import Check
from benchmark.checks.source import line_of
from benchmark.checks.suite import checks_of
from benchmark.execute.limits import FitTimeout, time_limit
from benchmark.findings import Finding, nested, worst_first
from benchmark.spec import Component

__all__ = ["CHECK_SECONDS", "ENDED", "HUNG", "Examination", "examine"]

ENDED, HUNG = "ends_the_process", "does_not_return"
"""The findings that no rule makes itself."""
CHECK_SECONDS = 30.0
"""What a check that is not slow may take; longer is no return."""
ENOUGH_SECONDS = 3.0
"""What a check that is not slow needs at most: one that had as much and did not end does not return."""
_GRACE_SECONDS = 2.0
"""How long past its limit a check may stay in code that does not return to Python."""


@dataclass(frozen=True)
class Examination:
    """What the checks of a component found."""

    component: Component
    findings: tuple[Finding, ...]
    """The worst first, each with what it explains below it."""
    checks: int
    """Those that were run to their end."""
    skipped: tuple[str, ...]
    """Those for which the time did not suffice."""
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Plain values; what is empty is left out of the findings."""
        part = self.component
        return {
            "slot": part.slot,
            "component": part.name,
            "source": part.file,
            "checks": self.checks,
            "skipped": list(self.skipped),
            "seconds": round(self.seconds, 1),
            "findings": [finding.to_json() for finding in self.findings],
        }


def examine(
    component: Component,
    catalog: Catalog | None = None,
    *,
    seconds: float = 60.0,
    processes: int = 2,
    only: Collection[str] = (),
) -> Examination:
    """Run every check of a component, the slow ones last, and leave out what the time does not suffice for.

    Checks run in processes that are forked for it, so that one which ends its process or never comes back
    is a finding like any other.

    Parameters
    ----------
    component
        As :func:`benchmark.load.typed.asked_component` gives it.
    catalog
        Where it is found, with the pipelines to try it in; Swapbench's own if not given.
    seconds
        For all checks together.
    processes
        Checks that run at the same time.
    only
        Names of the checks to run; all where it is empty.
    """
    start = time.monotonic()
    every = [check for check in checks_of(component, catalog) if not only or check.name in only]
    checks = sorted(every, key=lambda check: check.slow)
    _import_the_rest()
    ward = _Ward(checks, start + seconds)
    ward.run(min(processes, len(checks)))
    found = [ward.found[number] for number in sorted(ward.found)]
    return Examination(
        component,
        worst_first(nested(found, _causes(checks, found))),
        len(checks) - len(ward.skipped),
        tuple(checks[number].name for number in sorted(ward.skipped)),
        time.monotonic() - start,
    )


def _import_the_rest() -> None:
    """Import before the fork what torch imports late: a limit that expires meanwhile leaves that in pieces.

    Nothing is differentiated: where there is a GPU, a forked process cannot after its parent has.
    """
    weight = torch.nn.Parameter(torch.ones(1))
    weight.grad = torch.ones(1)
    torch.optim.AdamW([weight]).step()


def _causes(checks: Sequence[Check], found: Sequence[Finding]) -> Mapping[str, Collection[str]]:
    """By rule those that explain it: as it says; not to be built; the same words about the same line before.

    No rule explains another that explains it.
    """
    causes = {check.name: {"builds", *check.rule.causes} - {check.name} for check in checks}
    first: dict[tuple[str, str], str] = {}
    for finding in found:
        alike = first.setdefault((finding.seen, finding.look), finding.name)
        if alike != finding.name:
            causes[alike] = {one for one in causes.get(alike, ()) if not _explains(finding.name, one, causes)}
            causes.setdefault(finding.name, set()).add(alike)
    return causes


def _explains(cause: str, name: str, causes: Mapping[str, Collection[str]]) -> bool:
    """Whether one is or explains the other, by others or by itself."""
    return cause == name or any(_explains(cause, one, causes) for one in causes.get(name, ()))


def _work(checks: Sequence[Check], pipe: Connection) -> None:
    """Run the checks whose numbers come through the pipe, each with the seconds that it may take.

    What a component prints is nobody's output.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is asked too, and ends this one
    sys.stdout = sys.stderr = nowhere = open(os.devnull, "w", encoding="utf-8")
    os.dup2(nowhere.fileno(), 1)
    os.dup2(nowhere.fileno(), 2)
    parent = multiprocessing.parent_process()
    assert parent is not None
    while pipe in multiprocessing.connection.wait([pipe, parent.sentinel]):
        number, seconds = pipe.recv()
        try:
            with time_limit(seconds, "{:g} s"):
                found = checks[number].finding()
        except FitTimeout:
            pipe.send((number, None, True))
        else:
            pipe.send((number, found, False))


@dataclass
class _Bed:
    """A process, and the check that it is running."""

    process: BaseProcess
    pipe: Connection
    running: int = -1
    seconds: float = 0.0
    """What that check may take."""
    until: float = 0.0

    def end(self) -> None:
        self.pipe.close()
        self.process.kill()
        self.process.join()


@dataclass
class _Ward:
    """Checks on their way through some processes."""

    checks: Sequence[Check]
    deadline: float
    found: dict[int, Finding] = field(default_factory=dict)
    skipped: set[int] = field(default_factory=set)

    def run(self, processes: int) -> None:
        """Until every check has run or was skipped."""
        waiting = list(range(len(self.checks)))
        beds: list[_Bed] = []
        try:
            while waiting or any(bed.running >= 0 for bed in beds):
                beds = [bed for bed in beds if bed.process.is_alive() or bed.running >= 0]
                while waiting and len(beds) < processes:
                    beds.append(self._open())
                for bed in beds:
                    if bed.running < 0 and waiting:
                        self._give(bed, waiting.pop(0))
                busy = {bed.pipe: bed for bed in beds if bed.running >= 0}
                if not busy:
                    continue
                left = min(bed.until for bed in busy.values()) + _GRACE_SECONDS - time.monotonic()
                for ready in multiprocessing.connection.wait([*busy], max(0.0, left)):
                    self._hear(busy[ready])  # type: ignore[index]
                for bed in busy.values():
                    if bed.running >= 0 and time.monotonic() > bed.until + _GRACE_SECONDS:
                        self._too_long(bed.running, bed.seconds)
                        bed.running = -1
                        bed.end()
        finally:
            for bed in beds:
                bed.end()

    def _open(self) -> _Bed:
        ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("fork")  # it has the component and its imports already
        process = context.Process(target=_work, args=(self.checks, theirs), daemon=True)
        process.start()
        theirs.close()
        return _Bed(process, ours)

    def _give(self, bed: _Bed, number: int) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            self.skipped.add(number)
            return
        bed.seconds = left if self.checks[number].slow else min(left, CHECK_SECONDS)
        bed.running, bed.until = number, time.monotonic() + bed.seconds
        bed.pipe.send((number, bed.seconds))

    def _hear(self, bed: _Bed) -> None:
        number = bed.running
        try:
            _, found, late = bed.pipe.recv()
        except (EOFError, ConnectionError):
            bed.process.join()
            self.found[number] = self._said(number, ENDED, _ending(bed.process.exitcode))
            bed.pipe.close()
            bed.running = -1
            return
        bed.running = -1
        if late:
            self._too_long(number, bed.seconds)
            bed.end()  # who knows in the midst of what it was interrupted
        elif found is not None:
            self.found[number] = found

    def _too_long(self, number: int, seconds: float) -> None:
        """A slow check that the time did not suffice for is skipped; another did not come back."""
        if self.checks[number].slow or seconds < min(ENOUGH_SECONDS, CHECK_SECONDS):
            self.skipped.add(number)
        else:
            self.found[number] = self._said(number, HUNG, f"no end within {seconds:.3g} s")

    def _said(self, number: int, name: str, seen: str) -> Finding:
        check = self.checks[number]
        who = f"{check.component.slot} {check.component.name}"
        why = "In a study every such fit is lost, with all that its worker had done of it."
        look = line_of(check.component, check.rule.look)
        return Finding(name, "error", who, f"{seen} in {check.name}", why, look)


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"exit code {code}"
