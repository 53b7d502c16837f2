"""Every table of the museum is found by the right flag, with what that explains below it.

A file ``flag_….py`` makes the records of a study with one bug. It says ``FINDING`` (the flag that has to
stand beside the comparison), ``SO`` (those that have to hang below it) and may say ``SEVERITY``.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from benchmark.findings import flat
from benchmark.judge import judge
from benchmark.judge.flags import attached, raised

PIECES = sorted(Path(__file__).parent.glob("flag_*.py"))


def exhibit(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file", PIECES, ids=lambda file: file.stem)
def test_the_bug_is_flagged_with_its_consequences_below(file: Path) -> None:
    piece = exhibit(file)
    assert (piece.__doc__ or "").strip()
    judgement = judge(piece.records())
    judgement = attached(judgement, raised(piece.records(), judgement))
    severity = getattr(piece, "SEVERITY", "error")
    leading = judgement.comparisons[0]
    shown = "\n".join(f"{one.severity} {one.name}: {one.seen}" for one in flat(leading.findings))
    top = [one for one in leading.findings if one.severity == severity]
    assert {one.name for one in top} == {piece.FINDING}, shown
    assert severity == "error" or not any(one.severity == "error" for one in leading.findings), shown
    assert {below.name for one in top for below in flat(one.consequences)} == set(piece.SO), shown
    assert top[0].why and top[0].advice
    assert {piece.FINDING, *piece.SO} <= set(leading.flags)


def test_there_are_enough_of_them() -> None:
    assert len(PIECES) >= 8
