"""The life of a worker: it runs groups of units that a driver assigns, and reports what they left."""

from __future__ import annotations

import faulthandler
import os
import pickle
import socket
import time
import traceback
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.execute import limits
from benchmark.execute.cell import Done, Group, Outcome, run_group
from benchmark.execute.devices import is_usable
from benchmark.execute.engine import Context
from benchmark.execute.profile import phase
from benchmark.execute.workers.channel import get, put
from benchmark.execute.workers.surroundings import Surroundings, redirect
from benchmark.execute.workers.watch import Board
from benchmark.plan.grid import Job

__all__ = ["SLICE_SECONDS", "Assignment", "Ready", "Report", "work"]

SLICE_SECONDS = 0.1
"""After how long a worker reports, whatever else it was assigned: what is short travels together."""

_STOPPED = ("timeout", "out_of_memory")


@dataclass(frozen=True)
class Ready:
    """A worker's first message: it can be assigned something."""

    pid: int


@dataclass(frozen=True)
class Assignment:
    """Groups that a worker should run, of one job."""

    job_key: str
    job: Job | None
    """None where the worker remembers it."""
    rows: Done
    """What the groups rest on, as far as the worker has not seen it."""
    groups: tuple[Group, ...]
    forgotten: tuple[str, ...] = ()
    """Keys of jobs that the worker need not remember any longer."""


@dataclass(frozen=True)
class Report:
    """What became of an assignment."""

    outcomes: tuple[Outcome, ...] = ()
    groups: int = 0
    """How many of its groups were run: those that a slice of time was enough for."""
    seconds: float = 0.0
    worn: bool = False
    """The worker is done for: its groups left behind what only its end removes."""
    error: Exception | None = None
    """What no component is to blame for."""


def work(channel: socket.socket, board: Board, said: int, context: Context) -> None:
    """Work off assignments until the driver is gone, or this worker is worn."""
    try:
        surroundings = _begin(board, said, context)
    except Exception as error:
        put(channel, Report(error=_noted(error)))
        return
    put(channel, Ready(os.getpid()))
    jobs: dict[str, tuple[Job, dict[str, Any]]] = {}
    while True:
        try:
            with phase("wait"):
                assignment: Assignment = get(channel)
        except EOFError:
            return
        for key in assignment.forgotten:
            del jobs[key]
        if assignment.job is not None:
            jobs[assignment.job_key] = assignment.job, {}
        job, done = jobs[assignment.job_key]
        done.update(assignment.rows)
        report = _run(job, done, assignment.groups, board, said, surroundings)
        with phase("send"):
            put(channel, report)
        if report.worn or report.error:
            return


def _begin(board: Board, said: int, context: Context) -> Surroundings:
    redirect(said)
    faulthandler.enable(said, all_threads=False)
    context.prepare()
    limits.watched(board)
    return Surroundings(said)


def _run(
    job: Job,
    done: dict[str, Any],
    groups: tuple[Group, ...],
    board: Board,
    said: int,
    surroundings: Surroundings,
) -> Report:
    """Run groups, one at least, until the slice of time is over."""
    outcomes: list[Outcome] = []
    started, count, worn = time.monotonic(), 0, False
    for group in groups:
        board.group = group[0].encode()[:255]
        os.ftruncate(said, 0)
        try:
            with warnings.catch_warnings(), np.errstate():
                given = run_group(job, group, done)
        except Exception as error:
            return Report(tuple(outcomes), count, 0.0, True, _noted(error))
        done.update({outcome.row.key: outcome.row for outcome in given})
        outcomes += given
        count += 1
        # What a limit stopped may have held a lock, or run on in a thread.
        stopped = any(outcome.row.status in _STOPPED for outcome in given)
        worn = surroundings.restore() or stopped or not is_usable(job.device)
        if worn or time.monotonic() - started > SLICE_SECONDS:
            break
    return Report(tuple(outcomes), count, time.monotonic() - started, worn)


def _noted(error: Exception) -> Exception:
    """The error with where it was raised; another that says the same where it cannot be sent."""
    said = "".join(traceback.format_exception(error))
    error.add_note(f"In a worker process:\n{said}")
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever its class does there
        return RuntimeError(said)
    return error
