"""Worker processes on this machine, each with one thread; a worker that dies costs one unit of work.

Data that cannot be read and a broken harness are no component's doing: they stop the run, as in serial.
"""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import ModuleType
from typing import Any

from benchmark.execute.cell import Done, Outcome, failed, run_job, unfinished
from benchmark.execute.engine import Context
from benchmark.plan.grid import Job

__all__ = ["execute"]

_GRACE_SECONDS = 5.0
"""How long past its limit a fit may ignore it before its process is ended."""


@dataclass
class _Worker:
    """A process with the job it is at, and what that job has left so far."""

    process: Any
    pipe: Connection
    job: Job | None = None
    done: dict[str, Any] | None = None
    since: float = 0.0


def execute(batches: Iterable[Sequence[tuple[Job, Done]]], context: Context) -> Iterator[Outcome]:
    """Outcomes of all jobs, of each batch in the order in which they come.

    Workers live as long as there are batches; at the end of one they wait for its last job.

    Raises whatever a worker met that no component is to blame for.
    """
    fork = multiprocessing.get_context("forkserver")
    fork.set_forkserver_preload(["benchmark.execute.executors.processes"])
    workers: list[_Worker] = []
    try:
        for jobs in batches:
            wanted = min(context.workers, len(jobs)) - len(workers)
            workers += [_start(fork, context) for _ in range(wanted)]
            yield from _work_off(deque(jobs), workers, fork, context)
    finally:
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join()


def _work_off(
    waiting: deque[tuple[Job, Done]], workers: list[_Worker], fork: Any, context: Context
) -> Iterator[Outcome]:
    while waiting or any(worker.job for worker in workers):
        for place, worker in enumerate(workers):
            if worker.job is None and waiting:
                workers[place] = _alive(worker, fork, context)
                _assign(workers[place], *waiting.popleft())
        ready = wait([worker.pipe for worker in workers if worker.job], timeout=_until_overdue(workers))
        for worker in [worker for worker in workers if worker.pipe in ready]:
            yield from _receive(worker, workers, waiting, fork, context)
        for worker in [worker for worker in workers if _is_overdue(worker)]:
            worker.process.kill()
            yield from _bury(worker, "timeout", _overdue_reason(worker), workers, waiting, fork, context)


def _work(pipe: Connection, context: Context) -> None:
    """The life of a worker: receive a job, send its outcomes, then None.

    An exception that is not a component's is the last thing it sends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to handle
    try:
        context.prepare()
        for job, done in _jobs(pipe):
            for outcome in run_job(job, done):
                pipe.send(outcome)
            pipe.send(None)
    except Exception as error:  # broken data or a broken harness: the driver raises it
        _send_error(pipe, error)


def _jobs(pipe: Connection) -> Iterator[tuple[Job, Done]]:
    """What the driver sends, until it is gone."""
    while True:
        try:
            received: tuple[Job, Done] = pipe.recv()
        except EOFError:
            return
        yield received


def _send_error(pipe: Connection, error: Exception) -> None:
    said = "".join(traceback.format_exception(error))
    error.add_note(f"In a worker process:\n{said}")
    try:
        pipe.send(error)
    except (AttributeError, TypeError, pickle.PicklingError):  # it holds what cannot be sent
        pipe.send(RuntimeError(said))


def _start(fork: Any, context: Context) -> _Worker:
    ours, theirs = fork.Pipe()
    process = fork.Process(target=_work, args=(theirs, context), daemon=True)
    with _no_main_module():
        process.start()
    theirs.close()
    return _Worker(process, ours)


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Hide the caller's script: a worker would import it, and run a script without a guard once more."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _alive(worker: _Worker, fork: Any, context: Context) -> _Worker:
    """The worker that waits for a job, or another where it has died since its last one."""
    if not worker.pipe.poll():
        return worker
    try:
        error = worker.pipe.recv()
    except (EOFError, ConnectionResetError):
        return _start(fork, context)
    raise error  # all that one without a job has to say


def _assign(worker: _Worker, job: Job, done: Done) -> None:
    worker.job, worker.done, worker.since = job, dict(done), time.monotonic()
    worker.pipe.send((job, done))


def _receive(
    worker: _Worker, workers: list[_Worker], waiting: deque[tuple[Job, Done]], fork: Any, context: Context
) -> Iterator[Outcome]:
    try:
        outcome = worker.pipe.recv()
    except (EOFError, ConnectionResetError):
        worker.process.join()
        reason = f"the worker process ended with exit code {worker.process.exitcode}"
        yield from _bury(worker, "crashed", reason, workers, waiting, fork, context)
        return
    if isinstance(outcome, Exception):
        raise outcome
    if outcome is None:
        worker.job = None
        return
    assert worker.done is not None
    worker.done[outcome.row.key] = outcome.row
    worker.since = time.monotonic()
    yield outcome


def _bury(
    worker: _Worker,
    status: str,
    reason: str,
    workers: list[_Worker],
    waiting: deque[tuple[Job, Done]],
    fork: Any,
    context: Context,
) -> Iterator[Outcome]:
    """Record the unit a dead worker was at, give the rest of its job back, and start another worker."""
    job, done = worker.job, worker.done
    workers[workers.index(worker)] = _start(fork, context)
    worker.process.join()
    if job is None or done is None:
        return
    left = unfinished(job, done)
    if left:
        outcome = failed(job, left[0], done, status, reason)
        done[left[0]] = outcome.row
        waiting.appendleft((job, done))
        yield outcome


def _deadline(worker: _Worker) -> float | None:
    limit = worker.job.protocol.limits.seconds if worker.job else None
    return None if limit is None else worker.since + limit + _GRACE_SECONDS


def _until_overdue(workers: Sequence[_Worker]) -> float | None:
    deadlines = [deadline for worker in workers if (deadline := _deadline(worker)) is not None]
    return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None


def _is_overdue(worker: _Worker) -> bool:
    deadline = _deadline(worker)
    return deadline is not None and time.monotonic() >= deadline


def _overdue_reason(worker: _Worker) -> str:
    assert worker.job is not None
    return f"took longer than protocol.limits.seconds={worker.job.protocol.limits.seconds:g} and did not stop"
