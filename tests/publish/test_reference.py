"""The bundles that come with Swapbench hold, and a part of each comes out again here."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.api import Request, reproduce, verify

REFERENCE = Path(__file__).resolve().parents[2] / "results" / "reference"
BUNDLES = sorted(file.parent.name for file in REFERENCE.glob("*/study.json"))


def test_there_is_one_of_every_study_that_takes_minutes() -> None:
    assert len(BUNDLES) >= 10 and "demo" in BUNDLES


@pytest.mark.parametrize("name", BUNDLES)
def test_it_holds_and_is_small(name: str) -> None:
    found = verify(REFERENCE / name)
    assert found.holds, [str(one) for one in found.mismatches[:5]]
    assert max(file.stat().st_size for file in (REFERENCE / name).rglob("*.*")) <= 200_000


@pytest.mark.parametrize("name", BUNDLES)
def test_a_part_of_it_comes_out_again(name: str, tmp_path: Path) -> None:
    asked = Request(share=0.01, overrides=("executor=serial",))  # one block, drawn anew every time
    found = reproduce(REFERENCE / name, asked, tmp_path / "out", quiet=True)
    # One block on another processor may be too little to tell by; on the same one it is the same.
    assert found.agreement.answer in (("reproduced",) if not found.differences else ("reproduced", "cannot tell"))
