"""Where a task is: a server and a number."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import RequestError
from benchmark.spec import Dataset

__all__ = ["SERVERS", "Address", "server_folder", "server_url", "task_name"]

SERVERS: Mapping[str, str] = {
    "www": "https://www.openml.org/api/v1/xml",
    "test": "https://test.openml.org/api/v1/xml",
}
"""Addresses of the servers' interface, by the name that tells them apart."""
_SERVER_VARIABLE = "SWAPBENCH_OPENML_SERVER"
"""The environment variable that names another address for ``www``."""

_LOCATION = re.compile(r"(?:(?P<server>test)/)?(?P<number>[1-9]\d*)")


@dataclass(frozen=True, slots=True)
class Address:
    """A task's place at OpenML."""

    server: str
    number: int
    name: str
    """As a person names the task: ``openml/t/31``."""
    where: str
    """What an error begins with: the card's file, where there is one, and the name."""

    @classmethod
    def of(cls, dataset: Dataset) -> Address:
        """The address that a card's location names.

        Raises
        ------
        RequestError
            When the location is no number of a task.
        """
        found = _LOCATION.fullmatch(dataset.location)
        if found is None:
            where = f"{dataset.file or dataset.name}: location"
            hint = "write its number, such as 31, or test/613 on the test server"
            raise RequestError(f"{where}: '{dataset.location}' is no task of OpenML; {hint}")
        server, number = found["server"] or "www", int(found["number"])
        name = task_name(server, number)
        return cls(server, number, name, f"{dataset.file}: {name}" if dataset.file else name)


def task_name(server: str, number: int) -> str:
    """The name of a task.

    Examples
    --------
    >>> task_name("www", 31), task_name("test", 613)
    ('openml/t/31', 'openml/test/t/613')
    """
    return f"openml/t/{number}" if server == "www" else f"openml/{server}/t/{number}"


def server_url(server: str) -> str:
    """The address of a server's interface.

    Raises
    ------
    RequestError
        When there is no server of that name.
    """
    if server not in SERVERS:
        raise RequestError(f"OpenML has no server '{server}'; choose from {', '.join(SERVERS)}")
    return os.environ.get(_SERVER_VARIABLE) or SERVERS[server] if server == "www" else SERVERS[server]


def server_folder(server: str) -> Path:
    """A server's folder inside a cache, the same whatever its address: ``org/openml/www``."""
    return Path("org", "openml", server)
