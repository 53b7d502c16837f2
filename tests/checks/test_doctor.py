"""The doctor comes to an end whatever a component does, and says what a component explains by itself."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from benchmark.catalog import open_catalog
from benchmark.checks import check, doctor
from benchmark.checks.check import Check, Rule, expect
from benchmark.checks.doctor import ENDED, HUNG, Examination, examine
from benchmark.checks.subject import Subject
from benchmark.load.typed import asked_component

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


def with_rules(
    monkeypatch: pytest.MonkeyPatch, mine: str, *rules: Rule, seconds: float = 20.0
) -> Examination:
    catalog = open_catalog()
    part = asked_component(catalog, mine)
    checks = [Check(rule, Subject(part, catalog)) for rule in rules]
    monkeypatch.setattr(doctor, "checks_of", lambda *_: checks)
    return examine(part, seconds=seconds)


def holds(subject: Subject) -> None:
    """It holds."""


def measures(subject: Subject) -> str:
    """It says something."""
    print("nobody's output")
    return f"{subject.component.name} has 3 parameters"


def fails(_subject: Subject) -> None:
    """It does not hold.

    What does not hold
    falls down.
    """
    expect(False, "a promise", "a lie")


def falls_too(_subject: Subject) -> None:
    """It does not hold either."""
    raise ValueError("two\nlines")


def exits(_subject: Subject) -> None:
    """It leaves."""
    os._exit(7)


def crashes(_subject: Subject) -> None:
    """It is killed."""
    os.kill(os.getpid(), signal.SIGSEGV)


def sleeps(_subject: Subject) -> None:
    """It never comes back."""
    time.sleep(60)


def ignores(_subject: Subject) -> None:
    """It never comes back and takes every exception for its own affair."""
    while True:
        try:
            time.sleep(60)
        except BaseException:  # noqa: S110 - this is what it is about
            pass


def test_a_sound_component_has_nothing_but_notes(
    monkeypatch: pytest.MonkeyPatch, mine: str, capfd: pytest.CaptureFixture[str]
) -> None:
    found = with_rules(monkeypatch, mine, Rule(holds), Rule(measures))
    assert [(one.severity, one.name, one.seen) for one in found.findings] == [
        ("note", "measures", "Mine has 3 parameters")
    ]
    assert (found.checks, found.skipped) == (2, ())
    assert capfd.readouterr().out == ""


def test_what_does_not_hold_says_why_and_where(monkeypatch: pytest.MonkeyPatch, mine: str) -> None:
    (found,) = with_rules(monkeypatch, mine, Rule(fails, look="forward")).findings
    assert found.to_json() == {
        "name": "fails",
        "severity": "error",
        "subject": "activation Mine",
        "seen": "expected a promise; saw a lie",
        "why": "What does not hold falls down.",
        "look": f"{mine.partition(':')[0]}:4",
    }


def test_a_consequence_hangs_below_its_cause(monkeypatch: pytest.MonkeyPatch, mine: str) -> None:
    found = with_rules(monkeypatch, mine, Rule(falls_too, causes=("fails",)), Rule(fails))
    (top,) = found.findings
    assert (top.name, [one.name for one in top.consequences]) == ("fails", ["falls_too"])
    assert top.consequences[0].seen == "ValueError: two lines"


def test_the_same_words_twice_are_one_thing(monkeypatch: pytest.MonkeyPatch, mine: str) -> None:
    def falls_again(subject: Subject) -> None:
        """It does not hold for the same reason."""
        falls_too(subject)

    (top,) = with_rules(monkeypatch, mine, Rule(falls_too), Rule(falls_again)).findings
    assert [one.name for one in top.consequences] == ["falls_again"]


def test_of_the_same_words_the_first_explains_whatever_is_declared(
    monkeypatch: pytest.MonkeyPatch, mine: str
) -> None:
    def falls_again(subject: Subject) -> None:
        """It does not hold for the same reason."""
        falls_too(subject)

    (top,) = with_rules(
        monkeypatch, mine, Rule(falls_too, causes=("falls_again",)), Rule(falls_again)
    ).findings
    assert (top.name, [one.name for one in top.consequences]) == ("falls_too", ["falls_again"])


def test_a_hang_is_one_however_little_time_there_is(monkeypatch: pytest.MonkeyPatch, mine: str) -> None:
    monkeypatch.setattr(doctor, "ENOUGH_SECONDS", 0.5)
    found = with_rules(monkeypatch, mine, Rule(sleeps), seconds=1.0)
    assert [one.name for one in found.findings] == [HUNG] and found.skipped == ()


def test_errors_come_first_and_warnings_fail_no_test(monkeypatch: pytest.MonkeyPatch, mine: str) -> None:
    rules = Rule(measures), Rule(falls_too, severity="warning"), Rule(fails)
    found = with_rules(monkeypatch, mine, *rules)
    assert [one.severity for one in found.findings] == ["error", "warning", "note"]
    Check(rules[1], Subject(found.component, open_catalog())).run()
    with pytest.raises(check.CheckFailed, match="activation Mine: fails: expected a promise; saw a lie"):
        Check(rules[2], Subject(found.component, open_catalog())).run()


@pytest.mark.parametrize(("rule", "seen"), [(exits, "exit code 7"), (crashes, "ended by SIGSEGV")])
def test_a_process_that_ends_is_a_finding(
    rule: object, seen: str, monkeypatch: pytest.MonkeyPatch, mine: str
) -> None:
    found = with_rules(monkeypatch, mine, Rule(rule), Rule(measures), Rule(fails))  # type: ignore[arg-type]
    assert [one.name for one in found.findings] == [ENDED, "fails", "measures"]
    assert found.findings[0].seen == f"{seen} in {rule.__name__}"  # type: ignore[attr-defined]
    assert found.checks == 3


@pytest.mark.parametrize("rule", [sleeps, ignores])
def test_what_does_not_come_back_is_a_finding(
    rule: object, monkeypatch: pytest.MonkeyPatch, mine: str
) -> None:
    monkeypatch.setattr(doctor, "CHECK_SECONDS", 0.3)
    monkeypatch.setattr(doctor, "_GRACE_SECONDS", 0.3)
    found = with_rules(monkeypatch, mine, Rule(rule), Rule(measures))  # type: ignore[arg-type]
    assert [one.name for one in found.findings] == [HUNG, "measures"]
    assert found.findings[0].seen == f"no end within 0.3 s in {rule.__name__}"  # type: ignore[attr-defined]


def test_what_the_time_does_not_suffice_for_is_named(monkeypatch: pytest.MonkeyPatch, mine: str) -> None:
    monkeypatch.setattr(doctor, "_GRACE_SECONDS", 0.3)
    rules = Rule(sleeps, slow=True), Rule(ignores, slow=True), Rule(holds, slow=True), Rule(measures)
    found = with_rules(monkeypatch, mine, *rules, seconds=1.0)
    assert [one.name for one in found.findings] == ["measures"]
    assert found.skipped == ("sleeps", "ignores", "holds")
    assert found.checks == 1 and found.seconds < 10
