"""Empty caches, a server on this machine, and no other network."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmark.spec import Dataset
from tests.data.openml.server import OpenmlServer, SmallTask, suite_xml

CARD = Dataset(name="openml/t/1", source="openml", location="1")
Serve = Callable[[SmallTask], OpenmlServer]
Kept = Callable[[], dict[str, Path]]


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both caches are empty, and nobody answers."""
    monkeypatch.setenv("SWAPBENCH_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("OPENML_CACHE_DIR", str(tmp_path / "users"))
    monkeypatch.setenv("SWAPBENCH_OPENML_SERVER", "http://127.0.0.1:9/api/v1/xml")


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts a server of a task and of some suites, and tells Swapbench its address."""
    suites = {99: suite_xml(99, [31, 3]), 5: suite_xml(5, [], entity="run"), 6: suite_xml(6, [])}
    with ExitStack() as stack:

        def start(task: SmallTask) -> OpenmlServer:
            served = stack.enter_context(OpenmlServer(task.files(), suites))
            monkeypatch.setenv("SWAPBENCH_OPENML_SERVER", served.url)
            return served

        yield start


@pytest.fixture
def server(serve: Serve) -> OpenmlServer:
    """A server of the small task as it is."""
    return serve(SmallTask())


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Lists the files in the own cache, by their name inside the server's folder."""
    folder = tmp_path / "own/openml/org/openml/www"

    def listed() -> dict[str, Path]:
        return {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}

    return listed


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on, whoever asks for a connection fails the test."""

    def forbid() -> None:
        for place, name in (
            (socket.socket, "connect"),
            (socket, "getaddrinfo"),
            (socket, "create_connection"),
        ):
            monkeypatch.setattr(place, name, lambda *_, **__: pytest.fail("a connection was tried"))

    return forbid


def state(folder: Path) -> dict[str, tuple[object, ...]]:
    """All there is to see of a folder: names, sizes, times and contents."""
    seen: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        facts = path.stat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        seen[str(path.relative_to(folder))] = (facts.st_mode, facts.st_mtime_ns, content)
    return seen


def put(task: SmallTask, cache: Path) -> None:
    """A task's files as a client keeps them."""
    for name, body in task.files().items():
        path = cache / "org/openml/www" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
