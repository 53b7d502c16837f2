"""The doctor comes to an end whatever a component does, and says what a component explains by itself."""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from benchmark.catalog import open_catalog
from benchmark.checks import check, pool
from benchmark.checks.check import Check, Rule
from benchmark.checks.doctor import Examination, examine
from benchmark.checks.pool import ENDED, HUNG
from benchmark.checks.subject import Subject
from benchmark.resolve.typed import asked_component

sys.path.append(str(Path(__file__).parent))
rules: Any = importlib.import_module("uncooperative")

FILE = """
import torch
class Mine(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x)
"""


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def mine(tmp_path: Path) -> str:
    file = tmp_path / "mine.py"
    file.write_text(f"{FILE}# {tmp_path}\n", encoding="utf-8")  # a file is loaded once per content
    return f"{file}:Mine"


def with_rules(mine: str, *some: Rule, seconds: float = 20.0, memory_mb: float | None = None) -> Examination:
    part, checks = asked_component(open_catalog(), mine), functools.partial(rules.ruled, some)
    return examine(part, seconds=seconds, memory_mb=memory_mb, checks=checks)


def test_a_sound_component_has_nothing_but_notes(mine: str, capfd: pytest.CaptureFixture[str]) -> None:
    found = with_rules(mine, Rule(rules.holds), Rule(rules.measures))
    assert [(one.severity, one.name, one.seen) for one in found.findings] == [
        ("note", "measures", "Mine has 3 parameters")
    ]
    assert (found.checks, found.skipped) == (2, ())
    assert capfd.readouterr().out == ""


def test_what_does_not_hold_says_why_and_where(mine: str) -> None:
    (found,) = with_rules(mine, Rule(rules.fails, look="forward")).findings
    assert found.to_json() == {
        "name": "fails",
        "severity": "error",
        "subject": "activation Mine",
        "seen": "expected a promise; saw a lie",
        "why": "What does not hold falls down.",
        "look": f"{mine.partition(':')[0]}:4",
    }


def test_a_consequence_hangs_below_its_cause(mine: str) -> None:
    found = with_rules(mine, Rule(rules.falls_too, causes=("fails",)), Rule(rules.fails))
    (top,) = found.findings
    assert (top.name, [one.name for one in top.consequences]) == ("fails", ["falls_too"])
    assert top.consequences[0].seen == "ValueError: two lines"


def test_the_same_words_twice_are_one_thing(mine: str) -> None:
    (top,) = with_rules(mine, Rule(rules.falls_too), Rule(rules.falls_again)).findings
    assert [one.name for one in top.consequences] == ["falls_again"]


def test_of_the_same_words_the_first_explains_whatever_is_declared(mine: str) -> None:
    (top,) = with_rules(
        mine, Rule(rules.falls_too, causes=("falls_again",)), Rule(rules.falls_again)
    ).findings
    assert (top.name, [one.name for one in top.consequences]) == ("falls_too", ["falls_again"])


def test_a_hang_is_one_however_little_time_there_is(monkeypatch: pytest.MonkeyPatch, mine: str) -> None:
    monkeypatch.setattr(pool, "ENOUGH_SECONDS", 0.5)
    found = with_rules(mine, Rule(rules.sleeps), seconds=1.0)
    assert [one.name for one in found.findings] == [HUNG] and found.skipped == ()


def test_errors_come_first_and_warnings_fail_no_test(mine: str) -> None:
    some = (
        Rule(rules.measures),
        Rule(rules.falls_too, severity="warning"),
        Rule(rules.fails),
    )
    found = with_rules(mine, *some)
    assert [one.severity for one in found.findings] == ["error", "warning", "note"]
    Check(some[1], Subject(found.component, open_catalog())).run()
    with pytest.raises(check.CheckFailed, match="activation Mine: fails: expected a promise; saw a lie"):
        Check(some[2], Subject(found.component, open_catalog())).run()


@pytest.mark.parametrize(
    ("rule", "seen"),
    [
        (rules.exits, "the worker process ended with exit code 7 in exits; it said last: no licence"),
        (rules.crashes, "the worker process was ended by SIGSEGV (Segmentation fault) in crashes"),
        (rules.hides, "the worker's guard was killed in hides"),
    ],
)
def test_a_process_that_ends_is_a_finding(rule: object, seen: str, mine: str) -> None:
    found = with_rules(mine, Rule(rule), Rule(rules.measures), Rule(rules.fails))  # type: ignore[arg-type]
    assert [one.name for one in found.findings] == [ENDED, "fails", "measures"]
    assert found.findings[0].seen == seen
    assert found.checks == 3


@pytest.mark.parametrize("rule", [rules.sleeps, rules.ignores])
def test_what_does_not_come_back_is_a_finding(
    rule: object, monkeypatch: pytest.MonkeyPatch, mine: str
) -> None:
    monkeypatch.setattr(pool, "CHECK_SECONDS", 0.3)
    found = with_rules(mine, Rule(rule), Rule(rules.measures))  # type: ignore[arg-type]
    assert [one.name for one in found.findings] == [HUNG, "measures"]
    assert found.findings[0].seen == f"no end within 0.3 s in {rule.__name__}"  # type: ignore[attr-defined]


def test_what_the_time_does_not_suffice_for_is_named(mine: str) -> None:
    some = (
        Rule(rules.sleeps, slow=True),
        Rule(rules.ignores, slow=True),
        Rule(rules.holds, slow=True),
        Rule(rules.measures),
    )
    found = with_rules(mine, *some, seconds=1.0)
    assert [one.name for one in found.findings] == ["measures"]
    assert found.skipped == ("sleeps", "ignores", "holds")
    assert found.checks == 1 and found.seconds < 10


def test_what_a_check_starts_is_gone_afterwards(mine: str) -> None:
    found = with_rules(mine, Rule(rules.starts), Rule(rules.measures))
    assert [one.name for one in found.findings] == ["starts", "measures"]
    assert not psutil.pid_exists(int(found.findings[0].seen.removeprefix("ValueError: ")))


def test_memory_without_end_is_a_finding(mine: str) -> None:
    found = with_rules(mine, Rule(rules.hoards), Rule(rules.measures), memory_mb=300)
    assert [one.name for one in found.findings] == [ENDED, "measures"]
    assert found.findings[0].seen == "used more than 300 MiB of memory in hoards"
    assert found.seconds < 15


def test_a_check_finds_everything_as_the_first_did(mine: str) -> None:
    part = asked_component(open_catalog(), mine)
    checks = functools.partial(rules.ruled, (Rule(rules.changes), Rule(rules.tells)))
    (found,) = examine(part, processes=1, checks=checks).findings
    assert found.seen == "torch.float32 None False"


def test_a_worker_that_cannot_begin_is_no_finding(mine: str) -> None:
    part = asked_component(open_catalog(), mine)
    checks = functools.partial(rules.only_here, os.getpid())
    with pytest.raises(RuntimeError, match="(?s)exit code 1 before its first check.*KeyError"):
        examine(part, checks=checks)
