"""Rules for the doctor's own tests; its workers import them by this module's name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmark.catalog import Catalog
from benchmark.checks.check import Check, Rule, expect
from benchmark.checks.subject import Subject
from benchmark.spec import Component


def ruled(rules: Sequence[Rule], component: Component, catalog: Catalog) -> Sequence[Check]:
    """The checks of some rules; workers find it, and them, by their names."""
    return [Check(rule, Subject(component, catalog)) for rule in rules]


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


def falls_again(subject: Subject) -> None:
    """It does not hold for the same reason."""
    falls_too(subject)


def exits(_subject: Subject) -> None:
    """It leaves."""
    print("no licence", flush=True)
    os._exit(7)


def crashes(_subject: Subject) -> None:
    """It is killed."""
    os.kill(os.getpid(), signal.SIGSEGV)


def hides(_subject: Subject) -> None:
    """It kills who watches over it."""
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


def starts(_subject: Subject) -> None:
    """It leaves a process behind that nobody would find."""
    child = [sys.executable, "-c", "import time; time.sleep(120)"]
    left = subprocess.Popen(child, start_new_session=True)
    raise ValueError(left.pid)


def hoards(_subject: Subject) -> None:
    """It allocates without end."""
    kept = []
    while True:
        kept.append(b"x" * 2**20)


def changes(_subject: Subject) -> None:
    """It leaves everything around it in another state."""
    torch.set_default_dtype(torch.float64)
    os.environ["CHANGED"] = "1"
    os.chdir("/")


def tells(_subject: Subject) -> str:
    """It says in what state it finds everything."""
    return f"{torch.get_default_dtype()} {os.environ.get('CHANGED')} {Path.cwd() == Path('/')}"


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


def only_here(pid: int, component: Component, catalog: Catalog) -> Sequence[Check]:
    if os.getpid() != pid:
        raise KeyError("nothing to check")
    return ruled((Rule(holds),), component, catalog)
