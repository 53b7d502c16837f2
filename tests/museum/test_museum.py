"""Every component of the museum is found by the right finding, and what that explains hangs below it.

A file of the museum is a component with one bug, as an author might have written it. It says ``SLOT``,
``CLASS``, ``FINDING`` (what has to be said at the top), ``SO`` (what has to hang below it) and may say
``SEVERITY``, and in ``NEEDS`` what has to be typed as ``--needs``, since it cannot be seen.

Each is examined as a whole. That a rule speaks when it runs alone is asked in ``tests/checks``.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from benchmark.api.examining import typed_component
from benchmark.catalog import open_catalog
from benchmark.checks import Examination, checks_of, examine
from benchmark.checks.pool import ENDED, HUNG
from benchmark.findings import Finding, flat
from benchmark.spec import SLOTS, Component

HERE = Path(__file__).parent
PIECES = sorted(file for file in HERE.glob("*.py") if file.name.startswith(SLOTS))


@functools.cache
def exhibit(file: Path) -> tuple[ModuleType, Component]:
    """What a file says of itself, and its component."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    entry, needs = f"{file}:{module.CLASS}", getattr(module, "NEEDS", ())
    return module, typed_component(open_catalog(), entry, needs=needs)


def check(file: Path, *, quick: bool) -> Examination:
    """Only what is said of it and the checks that are not slow, where it has to be quick."""
    module, part = exhibit(file)
    said = {module.FINDING, *module.SO}
    only = [one.name for one in checks_of(part) if one.name in said or not (quick and one.slow)]
    return examine(part, seconds=60.0, only=only)


def expected(file: Path, found: Examination) -> None:
    module, _ = exhibit(file)
    severity = getattr(module, "SEVERITY", "error")
    top = {one.name: one for one in found.findings if one.severity == severity}
    shown = "\n".join(f"{one.severity} {one.name}: {one.seen}" for one in flat(found.findings))
    assert [*top] == [module.FINDING], shown
    finding: Finding = top[module.FINDING]
    assert set(module.SO) <= {one.name for one in flat(finding.consequences)}, shown
    assert finding.why or module.FINDING in (ENDED, HUNG)
    assert Path(finding.look.partition(":")[0]).name == file.name, finding.look


def some(every: int, otherwise: pytest.MarkDecorator) -> list[Any]:
    """All pieces, those between every so many marked."""
    return [
        pytest.param(file, id=file.stem, marks=otherwise if place % every else ())
        for place, file in enumerate(PIECES)
    ]


@pytest.mark.parametrize("file", some(4, pytest.mark.all))
def test_the_bug_is_found(file: Path) -> None:
    expected(file, check(file, quick=True))


@pytest.mark.all
@pytest.mark.parametrize("file", some(12, pytest.mark.full))
def test_the_bug_is_found_by_the_whole_examination_within_a_minute(file: Path) -> None:
    found = check(file, quick=False)
    expected(file, found)
    assert found.seconds < 60


def test_there_are_enough_of_them() -> None:
    assert len([*HERE.glob("[!_t]*.py")]) >= 30


def test_every_file_says_what_is_wrong_and_who_has_to_say_so() -> None:
    for file in PIECES:
        module, part = exhibit(file)
        assert part.slot == module.SLOT
        assert (module.__doc__ or "").strip(), file
        assert module.FINDING in {one.name for one in checks_of(part)} | {ENDED, HUNG}, file
