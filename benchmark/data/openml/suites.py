"""Which tasks belong to a suite of OpenML's."""

from __future__ import annotations

import json

from benchmark.data.openml import caches
from benchmark.data.openml.address import task_name
from benchmark.data.openml.client import PATIENCE, client
from benchmark.data.openml.refusals import Refused
from benchmark.errors import RequestError

__all__ = ["members"]


def members(
    suite: int, server: str = "www", *, refresh: bool = False, patience: float = PATIENCE
) -> tuple[str, ...]:
    """Names of a suite's tasks (``openml/t/31``), remembered in the cache after the first time.

    Parameters
    ----------
    suite
        OpenML's number.
    server
        ``www`` or ``test``.
    refresh
        Ask again, and remember the answer.
    patience
        Seconds of silence after which an answer is given up.

    Raises
    ------
    RequestError
        When the suite is not remembered and cannot be had.
    """
    path = caches.own() / "suites" / f"{server}-{suite}.json"
    if path.is_file() and not refresh:
        try:
            numbers = json.loads(path.read_bytes())["tasks"]
            if not numbers or not all(type(number) is int and number > 0 for number in numbers):
                raise ValueError(f"a task is a whole number from 1, and it has {numbers}")
        except (ValueError, KeyError, TypeError) as error:
            raise RequestError(f"'{path}' lists no tasks: {error}; remove it") from error
    else:
        numbers = _ask(suite, server, patience)
        found = {"suite": suite, "server": server, "tasks": numbers}
        try:
            caches.write(path, json.dumps(found).encode())
        except OSError as error:
            hint = "SWAPBENCH_CACHE names another folder"
            raise RequestError(
                f"openml/s/{suite}: cannot be kept in {path.parent}: {error}; {hint}"
            ) from error
    return tuple(task_name(server, number) for number in numbers)


def _ask(suite: int, server: str, patience: float) -> list[int]:
    try:
        with client(server, {}, patience) as at_work:
            numbers: list[int] | None = at_work.openml.study.get_suite(suite).tasks
        if not numbers:
            raise Refused("it has no tasks")
    except Refused as error:
        where = f"openml/s/{suite}: its members are not remembered in {caches.own()}"
        if not error.offline:
            raise RequestError(f"{where}, and asking for them failed: {error}") from error
        hint = f"`swapbench fetch suite=openml/s/{suite}` on a connected machine gets them"
        raise RequestError(f"{where}; {error}; {hint}") from error
    return numbers
