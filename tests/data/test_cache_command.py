"""`swapbench cache` says what is kept, the same to people and to machines, and removes what it is told to."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmark.cli import main
from benchmark.data import cache, load
from benchmark.spec import Dataset


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with two tasks."""
    monkeypatch.setenv("SWAPBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for name in ("iris", "wine"):
        load(Dataset(name, "bundled", f"sklearn.{name}", target="target"))
    return tmp_path / "cache"


def facts(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    main(["cache", "--json", *options])
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    return content


def test_people_and_machines_are_told_the_same(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    told = facts(capsys)
    assert main(["cache"]) == 0
    header, *rows, total, where = capsys.readouterr().out.splitlines()
    assert re.split(r"  +", header) == ["name", "task type", "rows", "features", "size", "last used"]
    assert re.fullmatch(r"iris  multiclass  150   4  .*kB  \d{4}-\d\d-\d\d \d\d:\d\d", rows[0])
    assert [row.split()[0] for row in rows] == [task["name"] for task in told["tasks"]] == ["iris", "wine"]
    assert re.fullmatch(r"2 parsed tasks, [\d.]+ kB of at most 20 GB; OpenML downloads, 0 B", total)
    assert where == f"in {root}" == f"in {told['folder']}"
    assert told["bytes"] == sum(task["bytes"] for task in told["tasks"])
    files = [file for file in (root / "tasks").rglob("*") if file.is_file()]
    assert told["bytes"] == sum(file.stat().st_size for file in files)
    assert (told["limit_bytes"], told["downloaded_bytes"], told["removed"]) == (20_000_000_000, 0, [])


def test_pruning_keeps_what_was_used_last(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "--prune", "10GB"]) == 0
    assert "removed" not in capsys.readouterr().out
    load(Dataset("iris", "bundled", "sklearn.iris", target="target"))
    (wine, iris) = facts(capsys)["tasks"]
    assert (iris["name"], wine["name"]) == ("iris", "wine")
    assert main(["cache", "--prune", f"{iris['bytes'] + 1}B"]) == 0
    assert capsys.readouterr().out.startswith("removed 1 parsed task, ")
    assert [entry.name for entry in cache.entries()] == ["iris"]


def test_clearing_spares_downloads_until_told(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    (root / "openml").mkdir()
    (root / "openml" / "task.xml").write_text("<task/>")
    assert main(["cache", "--clear"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("removed 2 parsed tasks, ")
    assert "(none)\n0 parsed tasks, 0 B of at most 20 GB; OpenML downloads, 7 B" in said
    assert facts(capsys, "--clear", "--openml")["downloaded_bytes"] == 0
    assert not (root / "openml").exists()


def test_verify_tells_and_removes_what_is_damaged(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "--verify"]) == 0
    assert capsys.readouterr().out.startswith("every parsed task is as it was written\n")
    (entry, _) = cache.entries()
    file = cache.folder() / "tasks" / entry.address / "y.npy"
    file.write_bytes(file.read_bytes()[:-8] + bytes(8))
    assert main(["cache", "--verify"]) == 1
    assert capsys.readouterr().out.startswith(f"damaged, removed: iris in {entry.address[:12]}…, ")
    assert main(["cache", "--verify"]) == 0


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--prune", "5"], "argument --prune: '5' is no size; write 500MB or 5GB"),
        (["--prune", "much"], "argument --prune: 'much' is no size; write 500MB or 5GB"),
        (["--prune", "-1GB"], "argument --prune: expected one argument"),
        (["--prune", ""], "argument --prune: '' is no size; write 500MB or 5GB"),
        (["--prune", "1GB", "--clear"], "argument --clear: not allowed with argument --prune"),
        (["--openml"], "--openml goes with --clear: it removes the downloads too"),
        (["--jsn"], "unrecognized arguments: --jsn"),
    ],
)
def test_a_wrong_request_gets_one_line(
    options: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cache", *options]) == 2
    said = capsys.readouterr().err
    assert line in said and said.count("\n") == 1
    assert len(cache.entries()) == 2


@pytest.mark.parametrize(
    ("unit", "bytes_in_it"), [("B", 1), ("kB", 1e3), (" k", 1e3), ("mb", 1e6), ("G", 1e9)]
)
def test_sizes_as_people_write_them(unit: str, bytes_in_it: float) -> None:
    total = sum(entry.bytes for entry in cache.entries())
    for size, kept in ((total, 2), (total - 1, 1), (0, 0)):
        assert main(["cache", "--prune", f"{size / bytes_in_it:.9f}{unit}"]) == 0
        assert len(cache.entries()) == kept


def test_a_limit_that_is_none_gets_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SWAPBENCH_CACHE_GB", "much")
    assert main(["cache"]) == 2
    assert capsys.readouterr().err == (
        "swapbench: SWAPBENCH_CACHE_GB=much: that is no number of gigabytes; write 20 or 0.5\n"
    )
