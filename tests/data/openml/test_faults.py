"""A server that fails: each time one line, no half file in the cache, and the next try goes on."""

from __future__ import annotations

import re
import socket
import time
from typing import Any, NamedTuple

import pytest

from benchmark.data import openml
from benchmark.errors import RequestError
from tests.data.openml.conftest import CARD, Kept, Serve
from tests.data.openml.server import (
    Fault,
    OpenmlServer,
    SmallTask,
    break_off,
    error_xml,
    hang_up,
    instead,
    refuse,
    stall,
    stall_midway,
)

PATIENCE = 0.5
"""Seconds of silence that these tests wait for."""


class Case(NamedTuple):
    """What goes wrong where."""

    path: str
    fault: Fault
    reason: str
    done: tuple[str, ...] = ()
    """What was downloaded before, and is not downloaded again."""


XML = ("task", "data", "features")
ALL = (*XML, "splits", "arff")
CASES = {
    "unknown task": Case("/task/", refuse(412, error_xml(151, "Unknown task")), r"Unknown task \(code 151\)"),
    "task is no XML": Case("/task/", instead(lambda _: b"<oops"), "as OpenML writes it"),
    "task is other XML": Case("/task/", instead(lambda _: b"<a/>"), "as OpenML writes it"),
    "task stalls": Case("/task/", stall, r"127.0.0.1:\d+ said nothing for 0.5 s"),
    "description 500": Case("/data/7", refuse(500, b"<html>oh & no"), r"1:\d+ failed with status 500"),
    "description 500, XML": Case("/data/7", refuse(500, b"<a/>"), "as OpenML writes it"),
    "description is no XML": Case("/data/7", instead(lambda _: b"<oops"), "as OpenML writes it"),
    "features 412": Case("/features/", refuse(412, error_xml(273, "Not processed")), "Not processed"),
    "features cut": Case("/features/", instead(lambda body: body[:90]), "as OpenML writes it"),
    "splits 500": Case("/api_splits/", refuse(500, b"down"), "status 500", XML),
    "splits break off": Case("/api_splits/", break_off, "broke off", XML),
    "splits break off inside a line": Case("/api_splits/", instead(lambda body: body[:-4]), "Data", XML),
    "splits lack a row": Case(
        "/api_splits/", instead(lambda body: body[: body.rindex(b"TRAIN")]), "lacks rows", XML
    ),
    "splits lack a repeat": Case(
        "/api_splits/",
        instead(lambda body: body[: body.rindex(b"\n", 0, body.index(b",1,0\n")) + 1]),
        "number_repeats=1",
        XML,
    ),
    "splits train on test rows": Case(
        "/api_splits/", instead(lambda body: body + b"TEST,0,1,0\n"), "does not split", XML
    ),
    "data 404": Case("/download/", refuse(404, b"gone"), "status 404", ALL[:4]),
    "data breaks off": Case("/download/", break_off, "broke off", ALL[:4]),
    "data stalls": Case("/download/", stall, "said nothing", ALL[:4]),
    "data stalls midway": Case("/download/", stall_midway, "said nothing", ALL[:4]),
    "data hangs up": Case("/download/", hang_up, "broke off", ALL[:4]),
    "data is other data": Case(
        "/download/",
        instead(lambda body: body.replace(b"1.5", b"1.6")),
        "does not have the checksum that OpenML states",
        ALL[:4],
    ),
}


def refused() -> str:
    """The one line in which the task is refused."""
    with pytest.raises(RequestError) as caught:
        openml.fetch(CARD, patience=PATIENCE)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_fault_is_one_line_and_the_next_try_goes_on(
    server: OpenmlServer, kept: Kept, capfd: pytest.CaptureFixture[str], case: Case
) -> None:
    server.faults[case.path] = case.fault
    started = time.monotonic()
    line = refused()
    assert time.monotonic() - started < 10 * PATIENCE
    assert line.startswith("openml/t/1: ") and "downloading it failed: " in line
    assert re.search(case.reason, line), line
    asked = server.asked()
    assert len(set(asked)) == len(asked), "something was tried twice"

    whole = SmallTask().files()
    there = {name: path for name, path in kept().items() if not name.endswith(".sha256")}
    assert len(there) == len(case.done)
    for name, path in there.items():
        assert path.read_bytes() == server.as_served(name, whole)

    server.faults.clear()
    assert openml.fetch(CARD) == "downloaded"
    assert server.asked() == [kind for kind in ALL if kind not in case.done]
    assert len(openml.read(CARD).own) == 6
    assert capfd.readouterr() == ("", "")


def test_data_without_a_checksum_is_not_kept_when_rows_are_missing(serve: Serve, kept: Kept) -> None:
    server = serve(SmallTask(checksum=False))
    server.faults["/download/"] = instead(lambda body: body[: body.rstrip().rindex(b"\n") + 1])
    assert "does not split 11 rows" in refused()
    assert "datasets/7/dataset.arff" not in kept()
    server.faults.clear()
    assert openml.fetch(CARD) == "downloaded"


def test_a_server_that_goes_in_the_middle(server: OpenmlServer, kept: Kept) -> None:
    def go(handler: Any, body: bytes) -> None:
        handler.server.socket.close()
        hang_up(handler, body)

    server.faults["/features/"] = go
    assert "broke off" in refused()
    assert not any(name.endswith("features.xml") for name in kept())


def test_without_a_connection_there_is_one_attempt_and_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = []
    connect = socket.socket.connect

    def counted(self: socket.socket, address: Any) -> None:
        attempts.append(address)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", counted)
    started = time.monotonic()
    line = refused()
    assert attempts == [("127.0.0.1", 9)]
    assert time.monotonic() - started < 5
    assert (
        "openml/t/1: it is in no cache (neither of " in line
        and "/own/openml and " in line
        and "/users)" in line
    )
    assert "there is no connection to 127.0.0.1:9" in line
    assert line.endswith("; `swapbench fetch 'tasks=[openml/t/1]'` on a connected machine gets it")
