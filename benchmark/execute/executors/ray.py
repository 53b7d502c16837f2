"""Workers on a Ray cluster, of this machine or of many; a node that is lost costs the cells that ran on it.

Every worker goes on with the job it has when the driver dies. The next driver of the same store collects what
it finished, and hands the job it is at to nobody else.
"""

from __future__ import annotations

import dataclasses
import math
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Self

from tqdm import tqdm

from benchmark.errors import RequestError
from benchmark.execute.cell import Done, Outcome, failed, ready, unfinished
from benchmark.execute.clusters.outpost import Report, installation
from benchmark.execute.clusters.ray_cluster import Cluster, Options, last_line
from benchmark.execute.engine import Context
from benchmark.parse import read
from benchmark.plan.grid import Job

__all__ = ["Ray"]

_LOOK_AT_NODES_SECONDS = 1.0
_PATIENCE_SECONDS = 60.0
_FALSE_STARTS = 5
"""Workers that may be lost before they began, one after the other, until the run stops."""


@dataclass(eq=False)
class _Worker:
    """An actor, the answer that it owes, and the job that it was given."""

    actor: Any
    answer: Any
    node: str = ""
    """Empty until it has begun."""
    job: Job | None = None
    done: dict[str, Any] = field(default_factory=dict)
    inherited: str = ""
    """Key of the job that a dead driver gave it, where one did; it gets no other."""


class Ray(AbstractContextManager["Ray"]):
    """Workers wherever the cluster has room, as many as it holds or as are asked for.

    Raises
    ------
    RequestError
        Without Ray, without a cluster at the address, for options that no cluster could serve, and for a node
        that has other code or libraries, or that cannot read its data.
    """

    def __init__(self, context: Context) -> None:
        self._options = read(Options, context.options, "executor")
        self._options.check()
        self._cluster = Cluster(self._options, dataclasses.replace(context, workers=1, options={}))
        self._ray = self._cluster.ray
        self._workers: list[_Worker] = []
        self._orphans: list[tuple[Any, Report]] = []
        self._waiting: deque[tuple[Job, dict[str, Any]]] = deque()
        self._found: dict[str, Any] = {}
        self._tries: Counter[str] = Counter()
        self._false_starts = 0
        self._places, self._looked = 0, -math.inf
        self._alone_since = math.inf

    def __enter__(self) -> Self:
        """Join the cluster, or start one, and take over the workers of drivers that died."""
        self._cluster.join()
        self._orphans = self._cluster.orphans()
        return self

    def __exit__(self, *_: object) -> None:
        """End every worker, and leave the cluster."""
        for actor in [*(worker.actor for worker in self._workers), *(actor for actor, _ in self._orphans)]:
            self._ray.kill(actor)
        self._cluster.leave()

    def run(self, jobs: Iterator[tuple[Job, Done]]) -> Iterator[Sequence[Outcome]]:
        """As :class:`~benchmark.execute.engine.Executor` says."""
        while self._orphans:  # first, since what they have may be a part of what comes
            actor, report = self._orphans.pop()
            heir = _Worker(actor, None, "of a run before", inherited=report.job or "none")
            self._workers.append(heir)
            yield from self._keep(heir, report)
        while True:
            self._look_at_nodes()
            self._pull(jobs)
            if not self._busy():
                return
            self._hand_out()
            yield from self._hear()
            yield ()

    def _pull(self, jobs: Iterator[tuple[Job, Done]]) -> None:
        """Take a job for every place that has none."""
        while self._busy() < self._places and (item := next(jobs, None)) is not None:
            job, done = item[0], dict(item[1])
            done |= {key: self._found[key] for key in unfinished(job, done) if key in self._found}
            heir = next((worker for worker in self._workers if worker.inherited == job.key), None)
            if not unfinished(job, done):
                continue
            if heir is None:
                self._waiting.append((job, done))
            else:
                heir.job, heir.done = job, done

    def _busy(self) -> int:
        return len(self._waiting) + sum(worker.job is not None for worker in self._workers)

    def _look_at_nodes(self) -> None:
        """Count the places there are now: nodes come and go."""
        if self._options.workers is not None:
            self._places = self._options.workers
        elif time.monotonic() > self._looked + _LOOK_AT_NODES_SECONDS:
            self._looked, room = time.monotonic(), self._cluster.room()
            if not room and not self._places:  # later, nodes that went may come again
                raise RequestError(
                    f"executor=ray: no node of the cluster has {self._cluster.wanted}; "
                    "ask for less, or say workers= to wait for one"
                )
            self._places = max(room, 1)

    def _hand_out(self) -> None:
        """Give what waits to workers without a job; start a worker for every job that then still waits."""
        if not self._waiting:
            return
        for worker in self._workers:
            if self._waiting and worker.node and worker.job is None and not worker.inherited:
                worker.job, worker.done = self._waiting.popleft()
                worker.actor.give.remote(worker.job, worker.done)
        self._complain_of_waiting()
        starting = sum(not worker.node for worker in self._workers)
        for _ in range(min(len(self._waiting) - starting, self._places - len(self._workers))):
            actor = self._cluster.start()
            self._workers.append(_Worker(actor, actor.installation.remote()))

    def _complain_of_waiting(self) -> None:
        """Say once in a while that there is work and nobody to do it."""
        now = time.monotonic()
        if any(worker.node for worker in self._workers):
            self._alone_since = math.inf
        elif now > self._alone_since + _PATIENCE_SECONDS:
            _say(f"waiting for a node with {self._cluster.wanted}")
            self._alone_since = now
        else:
            self._alone_since = min(self._alone_since, now)

    def _hear(self) -> Iterator[Sequence[Outcome]]:
        """Outcomes of all workers that answer now, or within the next second."""
        owed = {worker.answer: worker for worker in self._workers}
        if not owed:
            return
        self._ray.wait(list(owed), num_returns=1, timeout=_LOOK_AT_NODES_SECONDS)
        answers, _ = self._ray.wait(list(owed), num_returns=len(owed), timeout=0)
        for answer in answers:
            try:
                said = self._ray.get(answer)
            except self._ray.exceptions.RayTaskError as error:
                raise RequestError(f"executor=ray: a node cannot run a worker: {last_line(error)}") from error
            except self._ray.exceptions.RayError as error:
                yield from self._lose(owed[answer], error)
                continue
            if isinstance(said, Report):
                yield from self._keep(owed[answer], said)
            else:
                self._begin(owed[answer], *said)

    def _begin(self, worker: _Worker, node: str, installed: Mapping[str, str]) -> None:
        for name, version in installation().items():
            if installed[name] != version:
                raise RequestError(
                    f"executor=ray: {name} is {installed[name]} on node {node} and {version} here, so that "
                    "records could not be compared; install the same on every node"
                )
        worker.node, self._false_starts = node, 0
        worker.answer = worker.actor.take.remote(0)

    def _keep(self, worker: _Worker, report: Report) -> Iterator[Sequence[Outcome]]:
        """Outcomes of a report; the worker forgets them when they are in the store, and not before."""
        for outcomes in report.outcomes:
            rows = {outcome.row.key: outcome.row for outcome in outcomes}
            (self._found if worker.job is None else worker.done).update(rows)
            yield outcomes
        if report.error is not None and worker.job is not None:
            raise self._placed(worker.node, report.error)
        worker.answer = worker.actor.take.remote(report.count)
        if worker.job is not None and not unfinished(worker.job, worker.done):
            worker.job = None
        if worker.inherited and worker.job is None and (not report.job or report.error):
            self._drop(worker)

    def _lose(self, worker: _Worker, error: Exception) -> Iterator[Sequence[Outcome]]:
        """Give a lost worker's job back; what has lost too many workers is recorded as crashed."""
        self._drop(worker)
        self._looked = -math.inf
        _say(f"lost a worker on node {worker.node or '(not begun)'}: {last_line(error)}")
        if not worker.node:
            self._false_starts += 1
            if self._false_starts == _FALSE_STARTS:
                raise RequestError(f"executor=ray: no worker lives to begin: {last_line(error)}") from error
        job, done = worker.job, worker.done
        if job is None or not unfinished(job, done):
            return
        group = ready(job, done)[0]
        self._tries[group[0]] += 1
        if (lost := self._tries[group[0]]) > job.protocol.limits.retries:
            reason = f"lost with its worker {lost} times, the last on node {worker.node}: {last_line(error)}"
            outcomes = [failed(job, key, done, "crashed", reason) for key in group if key not in done]
            done |= {outcome.row.key: outcome.row for outcome in outcomes}
            yield outcomes
        if unfinished(job, done):
            self._waiting.appendleft((job, done))

    def _drop(self, worker: _Worker) -> None:
        self._ray.kill(worker.actor)
        self._workers.remove(worker)

    def _placed(self, node: str, error: Exception) -> Exception:
        """The error with the node that it is from, where there may be several."""
        if self._options.address is None:
            return error
        if isinstance(error, RequestError):
            return RequestError(f"node {node}: {error}")
        error.add_note(f"On node {node} of the Ray cluster.")
        return error


def _say(text: str) -> None:
    """Tell the person who waits, above the progress bar."""
    tqdm.write(f"executor=ray: {text}", file=sys.stderr)
