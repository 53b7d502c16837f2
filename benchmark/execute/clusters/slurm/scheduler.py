"""SLURM's own commands: what it allows, what it runs of ours, submitting and cancelling."""

from __future__ import annotations

import importlib.util
import io
import math
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.errors import RequestError

__all__ = ["Elements", "Scheduler", "missing_command", "require_slurm"]

_ANSWER_SECONDS = 60.0
_NOT_OF_A_JOB = ("SLURM_CONF", "SLURM_CLUSTERS")
_NOTICE_SECONDS = 90
"""How long before its time is up an element puts itself into the queue again."""


@dataclass(frozen=True)
class Elements:
    """What one element of an array is given, and how many there may be: ``conf/executor/slurm.yaml``."""

    workers: int | None = None
    elements: int = 8
    cpus: int = 1
    gpus: int = 0
    memory_mb: int | None = None
    time: int = 240
    partition: str | None = None
    array: int | None = None
    poll: float = 1.0
    spool: str | None = None
    setup: tuple[str, ...] = ()
    sbatch: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in ("workers", "elements", "cpus", "memory_mb", "time", "array", "poll"):
            if (value := getattr(self, key)) is not None and value <= 0:
                raise RequestError(f"executor.{key}={value}: expected a number above 0")
        if self.gpus < 0:
            raise RequestError(f"executor.gpus={self.gpus}: expected a number of cards")

    @property
    def at_once(self) -> int:
        """How many may be there at a time."""
        return self.elements if self.workers is None else math.ceil(self.workers / self.cpus)


@dataclass(frozen=True)
class Scheduler:
    """The cluster that this machine submits to, seen by one driver.

    Every array carries the driver's name, so what is out there can be found again whoever asks.
    """

    name: str
    wanted: Elements
    logs: Path

    def submit(self, element: Callable[[], None], count: int) -> list[str]:
        """Ids of ``count`` new elements, in arrays that the scheduler accepts.

        Raises
        ------
        RequestError
            With what ``sbatch`` said.
        """
        import submitit

        ids: list[str] = []
        limit = self.wanted.array or _array_limit()
        executor = submitit.SlurmExecutor(self.logs, max_num_timeout=10**6)  # the spool counts lost turns
        executor.update_parameters(**_parameters(self.name, self.wanted))
        while len(ids) < count:
            some = min(limit, count - len(ids))
            try:
                with _outside_of_jobs(), redirect_stderr(io.StringIO()):
                    ids += [job.job_id for job in executor.submit_array([element] * some)]
            except (submitit.core.utils.FailedJobError, subprocess.CalledProcessError, OSError) as error:
                raise RequestError(f"executor=slurm: sbatch refused: {_one_line(str(error))}") from error
        return ids

    def elements(self) -> dict[str, str]:
        """State of every element that waits or runs, by its id.

        Raises
        ------
        RequestError
            When the scheduler does not answer.
        """
        said = _said("squeue", "--array", "--noheader", f"--name={self.name}", "--format=%i %T")
        return dict(line.split(maxsplit=1) for line in said.splitlines())

    def interrupt(self) -> None:
        """Ask every element that runs to end in order."""
        _said("scancel", f"--name={self.name}", "--state=RUNNING", "--signal=INT")

    def cancel(self, *which: str) -> None:
        """End every element, or those in a state given as ``--state=PENDING``."""
        _said("scancel", f"--name={self.name}", *which)

    def last_words(self, element: str) -> str:
        """The end of an element's log; empty where there is none."""
        files = [self.logs / f"{element}_0_log.{kind}" for kind in ("err", "out")]
        texts = (file.read_text(encoding="utf-8", errors="replace") for file in files if file.is_file())
        return "\n".join(line for text in texts for line in text.splitlines()[-10:])


def require_slurm() -> None:
    """Check that this machine can submit.

    Raises
    ------
    RequestError
        Naming what is missing.
    """
    if importlib.util.find_spec("submitit") is None:
        raise RequestError("executor=slurm: submitit is not installed; pip install 'swapbench[slurm]'")
    if command := missing_command():
        raise RequestError(f"executor=slurm: there is no command {command} here; start it on a login node")


def missing_command() -> str:
    """The first of SLURM's commands that is not here; empty where all are."""
    commands = ("sbatch", "srun", "squeue", "scancel", "scontrol")
    return next((command for command in commands if shutil.which(command) is None), "")


def _array_limit() -> int:
    """How many elements one array may have."""
    said = _said("scontrol", "show", "config")
    limits = [int(n) for n in re.findall(r"^(?:MaxArraySize|MaxJobCount)\s*=\s*(\d+)", said, re.MULTILINE)]
    return max(1, min(limits))


@contextmanager
def _outside_of_jobs() -> Iterator[None]:
    """Hide what the environment says of a job that the driver itself may be: elements are no part of it."""
    inside = "SLURM_JOB_ID" in os.environ
    hidden = {
        name: os.environ.pop(name)
        for name in list(os.environ)
        if inside and name.startswith(("SLURM_", "SRUN_")) and name not in _NOT_OF_A_JOB
    }
    try:
        yield
    finally:
        os.environ.update(hidden)


def _parameters(name: str, wanted: Elements) -> dict[str, Any]:
    further = {"requeue": True} | dict(wanted.sbatch)
    if wanted.memory_mb is not None:
        further["mem"] = f"{wanted.memory_mb}M"
    return {
        "job_name": name,
        "time": wanted.time,
        "signal_delay_s": min(_NOTICE_SECONDS, wanted.time * 15),
        "partition": wanted.partition,
        "nodes": 1,
        "ntasks_per_node": 1,
        "cpus_per_task": wanted.cpus,
        "gpus_per_node": wanted.gpus or None,
        "setup": list(wanted.setup) or None,
        "array_parallelism": wanted.at_once,
        "additional_parameters": further,
        "srun_args": [f"--cpus-per-task={wanted.cpus}"],  # since 22.05 srun does not ask sbatch for it
    }


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise RequestError(f"executor=slurm: {command[0]} did not answer") from error
    if done.returncode:
        raise RequestError(f"executor=slurm: {command[0]} said: {_one_line(done.stderr)}")
    return done.stdout


def _one_line(text: str) -> str:
    return " ".join(text.split())[-500:]
