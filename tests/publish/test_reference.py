"""The bundles that come with Swapbench hold, and a part of each comes out again here.

``python tests/publish/test_reference.py`` writes their verdicts into their README.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmark.api import Request, reproduce, verify

REFERENCE = Path(__file__).resolve().parents[2] / "results" / "reference"
BUNDLES = sorted(file.parent.name for file in REFERENCE.glob("*/study.json"))


README = REFERENCE / "README.md"
BEGIN, END = "<!-- verdicts -->\n", "<!-- end -->\n"


def told() -> Iterator[str]:
    """The verdicts of the tuned comparisons, as a table in Markdown."""
    yield "| bundle | candidate | against | verdict | mean effect | 95 % interval |"
    yield "|---|---|---|---|---|---|"
    for name in BUNDLES:
        verdict = json.loads((REFERENCE / name / "verdict.json").read_text(encoding="utf-8"))
        comparisons = verdict["comparisons"]
        leading = comparisons[0]["setting"]
        for one in (found for found in comparisons if found["setting"] == leading):
            interval = one["effect"]["ci_verdict"]
            ends = " to ".join(f"{100 * end:+.1f} %" for end in interval) if interval else "none"
            effect = f"{100 * one['effect']['mean']:+.1f} % | {ends}"
            said = f"{one['candidate']} | {one['baseline']} | {one['verdict']} | {effect}"
            yield f"| [{name}]({name}) | {said} |"


def test_their_readme_shows_their_verdicts() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.partition(BEGIN)[2].partition(END)[0].splitlines() == list(told())


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
    assert found.agreement.answer in ["reproduced", *(["cannot tell"] if found.differences else [])]


if __name__ == "__main__":
    page = README.read_text(encoding="utf-8")
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    README.write_text(before + BEGIN + "\n".join(told()) + "\n" + END + after, encoding="utf-8")
