"""The members of suites, asked for once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.data import openml
from benchmark.errors import RequestError
from tests.data.openml.server import Fault, OpenmlServer, break_off, error_xml, refuse, stall, suite_xml


def test_members_are_remembered(server: OpenmlServer, no_sockets: Callable[[], None], tmp_path: Path) -> None:
    assert openml.members(99) == ("openml/t/31", "openml/t/3")
    server.close()
    no_sockets()
    assert openml.members(99) == ("openml/t/31", "openml/t/3")
    assert server.asked() == ["suite"]
    assert [path.name for path in (tmp_path / "own/openml").rglob("*.*")] == ["www-99.json"]


def test_members_are_asked_again_on_demand(server: OpenmlServer) -> None:
    openml.members(99)
    server.routes["/api/v1/xml/study/99"] = suite_xml(99, [7])
    assert openml.members(99, refresh=True) == openml.members(99) == ("openml/t/7",)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (
            refuse(412, error_xml(601, "Unknown study")),
            r"failed: OpenML answers: Unknown study \(code 601\)$",
        ),
        (refuse(500, b"down"), "failed with status 500$"),
        (break_off, "broke off$"),
        (stall, "said nothing for 0.5 s$"),
    ],
)
def test_a_fault_is_one_line_and_not_remembered(server: OpenmlServer, fault: Fault, reason: str) -> None:
    server.faults["/study/"] = fault
    with pytest.raises(RequestError, match=f"^openml/s/99: its members are not remembered in .*{reason}"):
        openml.members(99, patience=0.5)
    server.faults.clear()
    assert len(openml.members(99)) == 2


@pytest.mark.usefixtures("server")
def test_a_list_of_runs_is_no_suite() -> None:
    with pytest.raises(RequestError, match="entity type 'run'"):
        openml.members(5)


@pytest.mark.usefixtures("server")
def test_a_suite_without_tasks_is_refused() -> None:
    with pytest.raises(RequestError, match="openml/s/6: .* failed: it has no tasks"):
        openml.members(6)


def test_without_a_connection_one_line_says_what_to_do() -> None:
    with pytest.raises(RequestError) as caught:
        openml.members(99)
    assert "no connection to 127.0.0.1:9; `swapbench fetch suite=openml/s/99` on a conn" in str(caught.value)


@pytest.mark.parametrize(
    "content", ['{"tasks": ', '{"tasks": [-1]}', '{"tasks": [3, 0]}', '{"tasks": [1e999]}', '{"tasks": []}']
)
def test_a_damaged_memory_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "own/openml/suites/www-99.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(RequestError, match=f"^'{path}' lists no tasks: .*; remove it$"):
        openml.members(99)


def test_there_are_two_servers() -> None:
    with pytest.raises(RequestError, match="OpenML has no server 'wwww'; choose from www, test"):
        openml.members(99, "wwww")
