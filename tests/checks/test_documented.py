"""docs/check.md has every rule of every slot; `python tests/checks/test_documented.py` writes them there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmark.checks import declared, fits
from benchmark.checks.check import Rule
from benchmark.checks.suite import RULES
from benchmark.spec import SLOTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "check.md"
MARKS = ("<!-- checks -->\n", "<!-- end -->\n")


def rules() -> str:
    """What stands between the marks."""
    every = [*declared.RULES, *fits.RULES]
    sections = [("Every component", every)]
    known = {rule.name for rule in every}
    for slot in SLOTS:
        own = [rule for rule in RULES[slot] if rule.name not in known]
        sections.append((slot, own))
    return "\n".join(line for title, some in sections for line in section(title, some))


def section(title: str, some: Sequence[Rule]) -> Iterator[str]:
    yield f"**{title}**"
    yield ""
    for rule in some:
        less = "" if rule.severity == "error" else f" ({rule.severity})"
        yield f"- `{rule.name}`{less}: {rule.about}"
    yield ""


def test_the_page_has_every_rule() -> None:
    before, rest = PAGE.read_text(encoding="utf-8").split(MARKS[0])
    inside, _ = rest.split(MARKS[1])
    assert inside == rules(), "run `python tests/checks/test_documented.py`"


def test_every_rule_says_what_must_hold_and_why_it_matters() -> None:
    for slot in SLOTS:
        for rule in (*declared.RULES, *fits.RULES, *RULES[slot]):
            assert rule.about.endswith("."), rule.name
            assert rule.why or rule.severity == "note", f"{rule.name}: no word on why it matters"


if __name__ == "__main__":
    before, rest = PAGE.read_text(encoding="utf-8").split(MARKS[0])
    PAGE.write_text(before + MARKS[0] + rules() + MARKS[1] + rest.split(MARKS[1])[1], encoding="utf-8")
