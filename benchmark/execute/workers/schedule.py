"""Who runs what next: jobs in order, their groups by what they rest on, and how often they were tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmark.execute.cell import Done, Group, Outcome, failed, ready, unfinished
from benchmark.execute.workers.watch import Death
from benchmark.plan.grid import Job

__all__ = ["OpenJob", "Schedule"]


@dataclass(eq=False)
class OpenJob:
    """A job that was pulled and is not finished."""

    job: Job
    done: dict[str, Any]
    left: set[str]
    """Keys of its units without an outcome."""
    running: set[Group] = field(default_factory=set)
    begun: bool = False
    """A worker was given some of it."""
    seconds: float | None = None
    """What a group took when one of its was heard of last."""
    tries: Counter[Group] = field(default_factory=Counter)
    """How often a group's worker died."""
    apart: set[Group] = field(default_factory=set)
    """Stacks that cost their worker: their members run one by one."""

    def free(self, before: Sequence[Group] = ()) -> list[Group]:
        """The groups that could start now, or when those ``before`` are done."""
        done = {**self.done, **dict.fromkeys(key for group in before for key in group)}
        found = [part for group in ready(self.job, done) for part in self._parts(group)]
        return [group for group in found if group not in self.running and group not in before]

    def chain(self, count: int) -> tuple[Group, ...]:
        """So many groups at most, each of which could start once those before it are done."""
        found: list[Group] = []
        while len(found) < count and (further := self.free(found)):
            found += further
        return tuple(found[:count])

    def _parts(self, group: Group) -> list[Group]:
        return [(key,) for key in group if key in self.left] if group in self.apart else [group]


class Schedule:
    """Jobs in order, each pulled when there is no group left to start of those before that were begun.

    A worker gets groups of the job that it is at, whose data it has; then of a new job; and where no new job
    is to be had, of whichever is open, so that nobody waits for the last one.

    Parameters
    ----------
    jobs
        Each with what is done of it.
    slice_seconds
        Groups that are expected to take less together are given out together.
    """

    def __init__(self, jobs: Iterator[tuple[Job, Done]], slice_seconds: float) -> None:
        self._jobs = jobs
        self._slice = slice_seconds
        self._seconds: float | None = None
        self._open: dict[str, OpenJob] = {}

    def take(self, at: str = "") -> tuple[OpenJob, tuple[Group, ...]] | None:
        """Groups to be run one after the other, of one job; None when there are none to start now.

        Some may rest on others before them: a short job is one message, and its worker has its data at hand.

        Parameters
        ----------
        at
            Key of the job whose groups are preferred.
        """
        for found in self._offers(at):
            if taken := found.chain(self._at_once(found)):
                found.running.update(taken)
                found.begun = True
                return found, taken
        return None

    def enter(
        self, found: OpenJob, groups: Sequence[Group], outcomes: Sequence[Outcome], seconds: float
    ) -> None:
        """Note what became of groups that were taken; ``seconds`` is what one of them took."""
        self._seconds = found.seconds = seconds
        self._note(found, groups, outcomes)

    def give_back(self, found: OpenJob, groups: Sequence[Group]) -> None:
        """Groups that were taken and not run: others may have them."""
        found.running.difference_update(groups)

    def bury(self, found: OpenJob, group: Group, death: Death) -> tuple[Outcome, ...]:
        """What is recorded of a group whose worker died; nothing where it is tried again.

        It has been given back before. A stack is not tried again: its members are, each by itself, so that
        only the one that is to blame is lost.
        """
        if len(group) > 1:
            found.apart.add(group)
            return ()
        found.tries[group] += 1
        tries, reason = found.tries[group], death.reason
        if not death.final and tries <= found.job.protocol.limits.retries:
            return ()
        if tries > 1:
            reason = f"{reason}, the last of {tries} tries"
        keys = [key for key in group if key in found.left]
        outcomes = tuple(failed(found.job, key, found.done, death.status, reason, death.said) for key in keys)
        self._note(found, [group], outcomes)
        return outcomes

    def has_free(self, count: int) -> bool:
        """Whether so many groups could start now."""
        free = sum(len(found.free()) for found in self._open.values())
        while free < count and (pulled := self._pull()) is not None:
            free += len(pulled.free())
        return free >= count

    def is_finished(self) -> bool:
        """Whether every job was pulled, and every unit has its outcome; asked while nothing is running.

        Raises
        ------
        RuntimeError
            When a job has units left that can never start.
        """
        for found in self._open.values():
            if not found.free():
                raise RuntimeError(f"units of job {found.job.key} can never start: {sorted(found.left)}")
        return not self._open and self._pull() is None

    def _note(self, found: OpenJob, groups: Sequence[Group], outcomes: Sequence[Outcome]) -> None:
        found.running.difference_update(groups)
        for outcome in outcomes:
            found.done[outcome.row.key] = outcome.row
            found.left.discard(outcome.row.key)
        if not found.left:
            self._open.pop(found.job.key, None)

    def _offers(self, at: str) -> Iterator[OpenJob]:
        if at in self._open:
            yield self._open[at]
        yield from [found for found in self._open.values() if not found.begun]
        while (pulled := self._pull()) is not None:
            yield pulled
        yield from list(self._open.values())

    def _pull(self) -> OpenJob | None:
        """The next job that has anything left."""
        for job, done in self._jobs:
            if job.key not in self._open and (left := set(unfinished(job, done))):
                self._open[job.key] = OpenJob(job, dict(done), left)
                return self._open[job.key]
        return None

    def _at_once(self, found: OpenJob) -> int:
        expected = found.seconds if found.seconds is not None else self._seconds
        return 1 if expected is None else max(1, int(self._slice / max(expected, 1e-6)))
