"""Elements of SLURM job arrays, which take jobs from a spool that every node sees; the driver keeps rows.

Elements outlive a driver that dies (``kill -9``, a closed terminal). The next driver of the same store takes
over what it left: it collects what was finished, waits for what is still being computed, and hands none of it
out a second time. A driver that ends in order, or by Ctrl-C, cancels its elements.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from benchmark.errors import RequestError
from benchmark.execute.cell import Done, Outcome, unfinished
from benchmark.execute.clusters.slurm.desk import SPOOL, Desk, left_behind, open_desk
from benchmark.execute.clusters.slurm.element import Element, terms
from benchmark.execute.clusters.slurm.scheduler import Elements, require_slurm
from benchmark.execute.engine import Context
from benchmark.parse import read
from benchmark.plan.grid import Job

__all__ = ["Slurm"]

_LOOKS_PER_QUESTION = 10
"""Looks into the spool for one question to the scheduler."""
_FALSE_STARTS = 10
"""Elements, beside those that may be there at once, that may end without any outcome until the run stops."""


class Slurm(AbstractContextManager["Slurm"]):
    """Array elements of a SLURM cluster; ``context.options`` are the keys of ``conf/executor/slurm.yaml``.

    Raises :class:`~benchmark.errors.RequestError` for a wrong option, and with what ``sbatch`` said where it
    refuses; and whatever an element met that no component is to blame for.
    """

    def __init__(self, context: Context) -> None:
        self._wanted = read(Elements, context.options, "executor")
        require_slurm()
        self._terms = terms(replace(context, workers=self._wanted.cpus))
        self._locks = context.folder.absolute() / SPOOL
        self._spools = Path(self._wanted.spool).expanduser().absolute() if self._wanted.spool else self._locks
        self._desks: list[Desk] = []
        self._waiting = 0
        self._look_at = 0.0

    def __exit__(self, *_: object) -> None:
        """Cancel what still works for this driver, and tidy up."""
        for desk in self._desks:
            if desk.jobs:
                self._stop(desk)
            desk.leave()

    def run(self, jobs: Iterator[tuple[Job, Done]]) -> Iterator[Sequence[Outcome]]:
        """As :class:`~benchmark.execute.engine.Executor` says; only what dead drivers left, if they did."""
        try:
            self._take_over()
            found = False
            for outcomes in self._collected():
                yield outcomes
                found = True
            if not found:  # else some of ``jobs`` are shorter now
                yield from self._work_off(jobs)
        except KeyboardInterrupt:
            for desk in self._desks:
                self._stop(desk)
            yield from self._collected()
            raise

    def _work_off(self, jobs: Iterator[tuple[Job, Done]]) -> Iterator[Sequence[Outcome]]:
        main, aside, more = self._main(), list[tuple[Job, Done]](), True
        while True:
            yield from self._collected()
            self._look()
            aside = [item for item in aside if not self._place(*item)]
            more = more and self._fill(jobs, aside)
            if not (more or aside or main.jobs):
                return
            self._staff()
            yield ()
            time.sleep(self._wanted.poll)

    def _take_over(self) -> None:
        """Look after what dead drivers left."""
        self._locks.mkdir(parents=True, exist_ok=True)
        self._desks += left_behind(self._locks, self._wanted)

    def _main(self) -> Desk:
        """The desk at which jobs are handed out: one taken over, if its elements were told the same."""
        same = (desk for desk in self._desks if desk.spool.terms == self._terms)
        if (main := next(same, None)) is None:
            main = open_desk(self._locks, self._spools, self._wanted, self._terms)
        else:
            self._desks.remove(main)
            main.spool.reopen()
        self._desks.insert(0, main)
        return main

    def _collected(self) -> Iterator[Sequence[Outcome]]:
        """What has come since the last time."""
        for desk in self._desks:
            yield from desk.collect()
            for complaint in desk.spool.complaints():
                said = f"{complaint.node}: {complaint.text}"
                raise RequestError(said) if complaint.is_request else RuntimeError(said)

    def _look(self) -> None:
        """See what became of the elements, every so often."""
        if time.monotonic() >= self._look_at:
            for desk in self._desks:
                desk.look()
            self._look_at = time.monotonic() + _LOOKS_PER_QUESTION * self._wanted.poll

    def _fill(self, jobs: Iterator[tuple[Job, Done]], aside: list[tuple[Job, Done]]) -> bool:
        """Hand out jobs until one waits for every worker to come; whether there may be more.

        And as many again as were taken since the last time: elements must not wait for the driver.
        """
        waiting = len(self._desks[0].spool.waiting())
        wanted = self._wanted.at_once * self._wanted.cpus + 2 * max(0, self._waiting - waiting)
        self._take_over()
        while waiting < wanted:
            if (item := next(jobs, None)) is None:
                break
            if self._place(*item):
                waiting += 1
            else:
                aside.append(item)
        self._waiting = waiting
        return waiting >= wanted

    def _place(self, job: Job, done: Done) -> bool:
        """Hand a job out, if it has anything left; False while a dead driver's element is at a part of it."""
        known = dict(done)
        for desk in self._desks:
            known |= {key: desk.known[key] for key in unfinished(job, known) if key in desk.known}
        left = set(unfinished(job, known))
        if any(left & desk.at_work_elsewhere() for desk in self._desks):
            return False
        if left:
            self._desks[0].hand_out(job, known)
        return True

    def _staff(self) -> None:
        """Submit elements while there is more to do than those that are there can take."""
        main, wanted = self._desks[0], self._wanted
        if not main.spool.waiting():
            return
        if len(main.ended) > wanted.at_once + _FALSE_STARTS:
            words = main.scheduler.last_words(main.ended[-1])
            raise RuntimeError(
                f"executor=slurm: elements end before they have done anything; the last said: {words}"
            )
        count = min(wanted.at_once, math.ceil(main.jobs / wanted.cpus)) - len(main.elements)
        if count > 0:
            new = main.scheduler.submit(Element(str(main.spool.folder)), count)
            main.elements |= dict.fromkeys(new, "PENDING")
            _say(f"submitted {count} elements as {main.scheduler.name}; logs: {main.scheduler.logs}")

    def _stop(self, desk: Desk) -> None:
        if desk.is_stopped:
            return
        _say(f"cancelling the elements of {desk.scheduler.name}; what they finished is kept")
        try:
            desk.stop()
        except RequestError as error:
            _say(f"{error}; cancel them by: scancel --name={desk.scheduler.name}")


def _say(text: str) -> None:
    tqdm.write(f"slurm: {text}", file=sys.stderr)
