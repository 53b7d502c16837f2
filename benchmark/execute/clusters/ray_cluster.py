"""A Ray cluster as an executor sees it: how much room it has, and workers that outlive their driver.

Actors are detached, in a namespace that stands for the store. Their names begin with that of their driver,
which lives as long as it holds the lock of that name in ``.ray/`` beside the store.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import math
import os
import platform
import re
import socket
import textwrap
import uuid
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from benchmark.errors import RequestError
from benchmark.execute.clusters.outpost import Outpost, Report
from benchmark.execute.engine import Context

__all__ = ["Cluster", "Options", "last_line"]

_OBJECT_STORE_BYTES = 200 * 2**20
"""Of a cluster of our own: jobs and predictions are small, and Ray would take a third of the memory."""
_QUIET = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else it says at every start that this will be the default
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",  # what it says of lost nodes goes where results go, to standard output
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # of a cluster of our own, which is as urgent as other processes of ours
}
_HOST_AND_PORT = re.compile(r"(?P<host>[^/:]+|\[[^/]+\]):(?P<port>\d+)")
_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 15.0
"""How long the workers of a dead driver may take to answer the next one."""


@dataclass(frozen=True)
class Options:
    """The keys of ``conf/executor/ray.yaml``, which says what they mean."""

    address: str | None = None
    workers: int | None = None
    cpus: float = 1.0
    gpus: float | None = None
    memory_mb: float | None = None
    linger: float = 3600.0

    def check(self) -> None:
        """Refuse what Ray would refuse later, or wait for without end."""
        for key in ("workers", "cpus", "memory_mb", "linger"):
            if (value := getattr(self, key)) is not None and value <= 0:
                raise RequestError(f"executor.{key}={value:g}: expected a number above 0")
        if self.gpus is not None and (self.gpus < 0 or (self.gpus > 1 and self.gpus % 1)):
            raise RequestError(
                f"executor.gpus={self.gpus:g}: expected part of a card, as 0.25, or whole cards"
            )
        if self.address not in (None, "auto") and not _HOST_AND_PORT.fullmatch(str(self.address)):
            raise RequestError(
                f"executor.address={self.address}: expected HOST:PORT or auto; "
                "a run starts on a node of the cluster, not through Ray's client"
            )

    def needs(self, device: str) -> dict[str, float]:
        """What a worker takes of a node, by Ray's names; what it does not take is left out."""
        gpus = self.gpus if self.gpus is not None else float(device == "cuda")
        needs = {"CPU": self.cpus, "GPU": gpus, "memory": (self.memory_mb or 0.0) * 2**20}
        return {name: amount for name, amount in needs.items() if amount}


class Cluster:
    """The cluster at the options' address, or one of our own on this machine.

    Raises
    ------
    RequestError
        Without Ray.
    """

    def __init__(self, options: Options, context: Context) -> None:
        self.ray = _library()
        self._options = options
        self._context = context
        self._needs = options.needs(context.device)
        self._driver = uuid.uuid4().hex
        self._made = 0
        self._joined = False
        # Of one machine and one folder, since the store of a driver is on a disk of its own.
        place = f"{platform.node()}:{context.folder.resolve()}"
        self._namespace = f"swapbench-{hashlib.sha256(place.encode()).hexdigest()[:16]}"
        self._locks = _Locks(context.folder / ".ray")

    def join(self) -> None:
        """Connect to it, or start it; inside a program that is connected already, stay so.

        Raises
        ------
        RequestError
            When there is no such cluster.
        """
        self._joined = not self.ray.is_initialized()
        if self._joined:
            self._connect()
        self._locks.take(self._driver)

    def leave(self) -> None:
        """Let go of what other drivers see of this one, and of the connection."""
        self._locks.give_up()
        if self._joined:
            self.ray.shutdown()

    @property
    def wanted(self) -> str:
        """What a worker takes of a node, in words."""
        return ", ".join(f"{name} {amount:g}" for name, amount in self._needs.items())

    def room(self) -> int:
        """How many workers its nodes hold, as if nobody else used them."""
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        fits = (min(node.get(name, 0.0) / amount for name, amount in self._needs.items()) for node in nodes)
        return sum(math.floor(many + 1e-9) for many in fits)

    def start(self) -> Any:
        """A worker, which begins when there is room for it."""
        self._made += 1
        outposts = self.ray.remote(Outpost).options(
            name=f"{self._driver}:{self._made}",
            namespace=self._namespace,
            lifetime="detached",
            num_cpus=self._needs["CPU"],
            num_gpus=self._needs.get("GPU", 0),
            memory=self._needs.get("memory"),
            max_concurrency=4,  # a dead driver's question may still wait when the next one asks
        )
        return outposts.remote(self._context, Path.cwd(), self._options.linger, partial(os._exit, 0))

    def orphans(self) -> list[tuple[Any, Report]]:
        """The workers that this store's dead drivers left, with what each says; silent ones are ended."""
        named = self.ray.util.list_named_actors(all_namespaces=True)
        names = sorted(actor["name"] for actor in named if actor["namespace"] == self._namespace)
        alone = [name for name in names if self._locks.take(name.partition(":")[0])]
        actors = [self.ray.get_actor(name, namespace=self._namespace) for name in alone]
        answers = [actor.take.remote(0, patience=0.0) for actor in actors]
        if answers:
            self.ray.wait(answers, num_returns=len(answers), timeout=_ANSWER_SECONDS)
        found = []
        for actor, answer in zip(actors, answers, strict=True):
            try:
                found.append((actor, self.ray.get(answer, timeout=0)))
            except self.ray.exceptions.RayError:
                self.ray.kill(actor)
        return found

    def _connect(self) -> None:
        address, quiet = self._options.address, {"log_to_driver": False, "logging_level": logging.ERROR}
        if address is None:
            cores = math.ceil((self._options.workers or 0) * self._options.cpus)
            self.ray.init(
                "local",
                num_cpus=cores or len(os.sched_getaffinity(0)),
                object_store_memory=_OBJECT_STORE_BYTES,
                include_dashboard=False,
                **quiet,
            )
            return
        try:
            if found := _HOST_AND_PORT.fullmatch(address):  # Ray itself tries for minutes
                socket.create_connection(
                    (found["host"].strip("[]"), int(found["port"])), _CONNECT_SECONDS
                ).close()
            self.ray.init(address, **quiet)
        except (OSError, OverflowError, RuntimeError, ValueError) as error:
            raise RequestError(
                f"executor.address={address}: no cluster to be joined there: {last_line(error)}"
            ) from error


class _Locks:
    """Locks of drivers, held by this process until it ends: its own, and those of dead ones."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, IO[bytes]] = {}

    def take(self, name: str) -> bool:
        """Whether the lock is ours now; else its driver lives."""
        if name in self._held:
            return True
        self._folder.mkdir(parents=True, exist_ok=True)
        file = (self._folder / f"{name}.lock").open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._held[name] = file
        return True

    def give_up(self) -> None:
        """Let go of every lock, and of its file."""
        for file in self._held.values():
            Path(file.name).unlink(missing_ok=True)
            file.close()
        self._held.clear()


def _library() -> Any:
    """Ray, as a library: it reports to nobody, and prints nothing between the lines of the run."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.util
    except ModuleNotFoundError as error:
        raise RequestError("executor=ray: Ray is not installed; pip install 'swapbench[ray]'") from error
    return ray


def last_line(error: BaseException) -> str:
    """The last line of what an error says, where Python puts what matters, or its class."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return textwrap.shorten(lines[-1], 200, placeholder=" …") if lines else type(error).__name__
